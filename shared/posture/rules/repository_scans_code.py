"""Repositories should have code security enabled."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.findings import is_on
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-REPO-033"),
    title="Repositories should have code security enabled",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="repo.ghazdo-enabled",
    aliases=(
        "AZDO.1043 Test-AzdoOrganizationCodeSecurityEnrollment",
        "SAST",
        "ADO_Build_Config_Add_Static_Code_Analyzer",
    ),
    why="Flaws that a scanner finds in minutes are found by attackers with the same scanner.",
    judged="Healthy when `codeSecurityEnabled` is on for the repository. What was never set is off.",
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
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="Whether scans run is told by the rules about findings.",
    needs=frozenset({FactKind.ADVANCED_SECURITY}),
    evaluate=each_repository(
        is_on("codeSecurityEnabled", good="Code security is on.", bad="Code security is off.")
    ),
)
