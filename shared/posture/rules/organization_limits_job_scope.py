"""Organizations should limit job tokens of pipelines to the current project in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-020"),
    title="Organizations should limit job tokens of pipelines to the current project in every project",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Organization_AuthZ_Limit_Non_Release_Pipeline_Scope",
        "AZDO.1016 Test-AzdoOrganizationLimitJobAuthorizationScopeNonReleasePipeline",
    ),
    why=(
        "A pipeline job runs with a token. Unless it is limited to the project, whoever may push a "
        "pipeline file in one project reads and writes repositories of all the others. Set for the "
        "organization, no project can leave it out."
    ),
    judged=(
        "Healthy when `enforceJobAuthScope` is on in the pipeline settings of the organization. "
        "Unknown where it is not told."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Settings > Limit job authorization scope to "
            "current project for non-release pipelines."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits=(
        "The build account may still be granted more in other projects. Projects that set it for "
        "themselves are judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enforceJobAuthScope",
        should_be=True,
        good="Job tokens reach the current project only.",
        bad="Job tokens reach every project of the organization.",
    ),
)
