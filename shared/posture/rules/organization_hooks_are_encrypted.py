"""Service hooks should call addresses that are encrypted and hold no password."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

_WEB_HOOKS = "webhooks"


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    fact = facts.service_hooks
    if fact.value is None:
        return unread(FactKind.SERVICE_HOOKS, fact.failure)
    hooks = [one for one in fact.value if one.consumer.casefold() == _WEB_HOOKS]
    bad = [one for one in hooks if one.scheme == "http" or one.has_plain_credentials]
    evidence = {"webHooks": len(hooks), "unsafe": sorted(f"{one.scheme}://{one.host}" for one in bad)[:20]}
    if bad:
        return unhealthy(f"{len(bad)} of {len(hooks)} web hooks are not safe to call.", evidence)
    if any(not one.scheme for one in hooks):
        return unknown("The address of a web hook is not told.", evidence)
    return healthy("Every web hook is called over HTTPS, without a password in its address.", evidence)


RULE = Rule(
    id=RuleId("ADO-ORG-042"),
    title="Service hooks should call addresses that are encrypted and hold no password",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="policy.audit-log-stream",
    aliases=("Webhooks",),
    why=(
        "A web hook carries names of people, branches and builds. Over plain HTTP everybody on the "
        "way reads it; an address with a password in it is a secret that every project member may "
        "look up."
    ),
    judged=(
        "Unhealthy when an enabled web hook has an `http` address, or one with a user name and "
        "password in it. Hooks whose address is not told are unknown."
    ),
    fix=(
        "Open Project settings > Service hooks > the subscription > Edit.",
        "Change the address to https, and move the password to the field for it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-8 Ungoverned Usage of 3rd Party Services",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Whether the receiver checks who calls is not told.",
    needs=frozenset({FactKind.SERVICE_HOOKS}),
    evaluate=the_organization(_judge),
)
