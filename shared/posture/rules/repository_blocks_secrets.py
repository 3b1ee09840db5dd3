"""Repositories should block pushes of secrets."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.findings import is_on
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-REPO-031"),
    title="Repositories should block pushes of secrets",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="repo.ghazdo-enabled",
    aliases=("ADO-RP-011 Azure.DevOps.Repos.GitHubAdvancedSecurityBlockPushes",),
    why=(
        "A key that was pushed is in every clone and has to be replaced everywhere. Push protection "
        "stops it before anybody else sees it."
    ),
    judged="Healthy when `blockPushes` is on for the repository. What was never set is off.",
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
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Whether scans run is told by the rules about findings.",
    needs=frozenset({FactKind.ADVANCED_SECURITY}),
    evaluate=each_repository(
        is_on("blockPushes", good="Pushes of secrets are blocked.", bad="Pushes of secrets are let through.")
    ),
)
