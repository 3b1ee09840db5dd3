"""Repositories should have Advanced Security enabled."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.findings import switches
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository
from shared.posture.verdicts import healthy, unhealthy

_PARTS = ("secretProtectionEnabled", "codeSecurityEnabled")


def _judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
    found = switches(facts, repository)
    if isinstance(found, Verdict):
        return found
    evidence = {part: found.get(part) for part in _PARTS}
    if any(evidence.values()):
        return healthy("Advanced Security is on.", evidence)
    return unhealthy("Advanced Security is off.", evidence)


RULE = Rule(
    id=RuleId("ADO-REPO-030"),
    assessment_key="c7a934bf-7be6-407a-84d9-4f20e6e49592",
    title="Repositories should have Advanced Security enabled",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="repo.ghazdo-enabled",
    aliases=(
        "ADO-RP-010 Azure.DevOps.Repos.GitHubAdvancedSecurityEnabled",
        "AZDO.1040 Test-AzdoOrganizationSecretProtectionEnrollment",
    ),
    why=(
        "Without scanning, secrets and vulnerable packages in a repository are found by whoever "
        "looks first, and that is seldom its owner."
    ),
    judged=(
        "Healthy when secret protection or code security is on for the repository. Defender's "
        "predicate is not public; both parts off is taken for off."
    ),
    fix=(
        "Open Project settings > Repositories > the repository > Advanced Security.",
        "Turn it on. It is billed by active committer.",
        "Or by REST: PATCH the repository's enablement (Advanced Security - Management - Repo Enablement).",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/repos/security/configure-github-advanced- "
            "security-features"
        ),
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",),
    limits="Whether scans run is told by the rules about findings.",
    needs=frozenset({FactKind.ADVANCED_SECURITY}),
    evaluate=each_repository(_judge),
)
