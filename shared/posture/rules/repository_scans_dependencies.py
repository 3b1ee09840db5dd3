"""Repositories should have their dependencies scanned in every build."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.findings import is_on
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-REPO-032"),
    title="Repositories should have their dependencies scanned in every build",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="repo.ghazdo-enabled",
    aliases=("AZDO.1044 Test-AzdoOrganizationCodeSecurityScanning",),
    why=(
        "A package with a known hole is the cheapest way in: the exploit is public, and nobody here "
        "wrote the code."
    ),
    judged=(
        "Healthy when `dependencyScanningInjectionEnabled` is on for the repository. What was never "
        "set is off."
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
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-3 Dependency Chain Abuse",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits="Whether scans run is told by the rules about findings.",
    needs=frozenset({FactKind.ADVANCED_SECURITY}),
    evaluate=each_repository(
        is_on(
            "dependencyScanningInjectionEnabled",
            good="Every build scans dependencies.",
            bad="Builds do not scan dependencies by themselves.",
        )
    ),
)
