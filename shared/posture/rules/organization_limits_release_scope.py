"""Organizations should limit job tokens of classic releases to the current project in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-021"),
    title=(
        "Organizations should limit job tokens of classic releases to the current project in every project"
    ),
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Organization_AuthZ_Limit_Release_Pipeline_Scope",
        "AZDO.1017 Test-AzdoOrganizationLimitJobAuthorizationScopeReleasePipeline",
    ),
    why=(
        "A classic release runs with a token. Unless it is limited to the project, whoever may edit "
        "one release reads and writes what all other projects hold. Set for the organization, no "
        "project can leave it out."
    ),
    judged=(
        "Healthy when `enforceJobAuthScopeForReleases` is on in the pipeline settings of the "
        "organization. Unknown where it is not told."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Settings > Limit job authorization scope to "
            "current project for release pipelines."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits=(
        "Says nothing of YAML pipelines, which have a setting of their own. Projects that set it "
        "for themselves are judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enforceJobAuthScopeForReleases",
        should_be=True,
        good="Tokens of releases reach the current project only.",
        bad="Tokens of releases reach every project of the organization.",
    ),
)
