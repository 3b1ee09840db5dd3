"""Organizations should block pushes of secrets to new repositories."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

_KEY = "enableBlockPushesOnCreate"


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    fact = facts.advanced_security
    if fact.value is None:
        return unread(FactKind.ADVANCED_SECURITY, fact.failure)
    value = fact.value.on_create.get(_KEY)
    evidence = {_KEY: value}
    if value is None:
        return unknown(f"Advanced Security does not tell {_KEY}.", evidence)
    return (
        healthy("Pushes of secrets to new repositories are blocked.", evidence)
        if value
        else unhealthy("Pushes of secrets to new repositories are let through.", evidence)
    )


RULE = Rule(
    id=RuleId("ADO-ORG-047"),
    title="Organizations should block pushes of secrets to new repositories",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="repo.ghazdo-enabled",
    aliases=("AZDO.1041 Test-AzdoOrganizationSecretProtectionPushProtection",),
    why=(
        "A secret that was pushed is in the history, and has to be replaced. Push protection keeps "
        "it from getting there."
    ),
    judged=(
        "Healthy when `enablementOnCreateSettings.enableBlockPushesOnCreate` of Advanced Security "
        "is on for the organization. Unknown where it is not told."
    ),
    fix=(
        "Open Organization settings > Repositories > Advanced Security.",
        "Turn on the enrollment of new projects and repositories.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/repos/security/configure-github-advanced- "
            "security-features"
        ),
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",),
    limits="Says nothing of repositories that exist already.",
    needs=frozenset({FactKind.ADVANCED_SECURITY}),
    evaluate=the_organization(_judge),
)
