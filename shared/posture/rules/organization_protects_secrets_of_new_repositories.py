"""Organizations should protect secrets in new repositories from the start."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

_KEY = "enableSecretProtectionOnCreate"


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    fact = facts.advanced_security
    if fact.value is None:
        return unread(FactKind.ADVANCED_SECURITY, fact.failure)
    value = fact.value.on_create.get(_KEY)
    evidence = {_KEY: value}
    if value is None:
        return unknown(f"Advanced Security does not tell {_KEY}.", evidence)
    return (
        healthy("New repositories have secret protection.", evidence)
        if value
        else unhealthy("New repositories have no secret protection.", evidence)
    )


RULE = Rule(
    id=RuleId("ADO-ORG-046"),
    title="Organizations should protect secrets in new repositories from the start",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="repo.ghazdo-enabled",
    aliases=(
        "AZDO.1039 Test-AzdoOrganizationAutomaticEnrollmentSecretProtectionNewRepository",
        "AZDO.1026 Test-AzdoOrganizationAutomaticEnrollmentAdvancedSecurityNewProject",
    ),
    why=(
        "A repository that is made today is scanned the day somebody remembers. Until then every "
        "secret pushed to it is there for whoever reads it."
    ),
    judged=(
        "Healthy when `enablementOnCreateSettings.enableSecretProtectionOnCreate` of Advanced "
        "Security is on for the organization. Unknown where it is not told."
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
