"""Repositories should refuse pushes that contain credentials."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import CREDENTIALS
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-013"),
    title="Repositories should refuse pushes that contain credentials",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="repo.findings.secrets",
    aliases=(
        "ADO_Repository_DP_Enable_Credentials_And_Secrets_Policy",
        "ADO_Project_DP_Enable_Credentials_And_Secrets_Policy",
    ),
    why=(
        "A key that was pushed is in the history of every clone: it has to be replaced everywhere, "
        "and until then whoever reads the repository uses it. Refusing the push costs nothing."
    ),
    judged=(
        "Healthy when a required policy *Credentials check* holds for the repository or for all. "
        "Push protection of Advanced Security, which Microsoft offers instead today, is judged by a "
        "rule of its own. Policies that are disabled, deleted or optional stop nobody and do not "
        "count. Not applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        (
            "Open Project settings > Repositories > Policies > Check for credentials and other "
            "secrets, or turn on push protection of Advanced Security."
        ),
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/repos/security/github-advanced-security- secret-scanning",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Finds what looks like credentials only. Exempt it where push protection is on.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        CREDENTIALS,
        good="Pushes with credentials are refused.",
        bad="Pushes with credentials are let through.",
        anywhere=True,
    ),
)
