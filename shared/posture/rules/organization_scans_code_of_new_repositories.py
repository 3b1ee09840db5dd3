"""Organizations should scan code and dependencies of new repositories from the start."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

_KEY = "enableCodeSecurityOnCreate"


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    fact = facts.advanced_security
    if fact.value is None:
        return unread(FactKind.ADVANCED_SECURITY, fact.failure)
    value = fact.value.on_create.get(_KEY)
    evidence = {_KEY: value}
    if value is None:
        return unknown(f"Advanced Security does not tell {_KEY}.", evidence)
    return (
        healthy("New repositories have code security.", evidence)
        if value
        else unhealthy("New repositories have no code security.", evidence)
    )


RULE = Rule(
    id=RuleId("ADO-ORG-048"),
    title="Organizations should scan code and dependencies of new repositories from the start",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="repo.ghazdo-enabled",
    aliases=("AZDO.1042 Test-AzdoOrganizationAutomaticEnrollmentCodeSecurityNewRepository",),
    why=(
        "What is not scanned has no findings. New repositories without scanning look clean for as "
        "long as nobody looks."
    ),
    judged=(
        "Healthy when `enablementOnCreateSettings.enableCodeSecurityOnCreate` of Advanced Security "
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
