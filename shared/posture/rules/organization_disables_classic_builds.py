"""Organizations should disable the creation of classic build pipelines."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-029"),
    title="Organizations should disable the creation of classic build pipelines",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="classic-pipelines.disabled",
    aliases=(
        "ADO_Organization_DP_Disable_Creation_Of_Classic_Pipeline",
        "AZDO.1020 Test-AzdoOrganizationCreationClassicBuildPipeline",
    ),
    why=(
        "Classic builds live outside the repository: no review and no branch policy protects them, "
        "and whoever edits one can print its secrets."
    ),
    judged=(
        "Healthy when `disableClassicBuildPipelineCreation` is on in the pipeline settings of the "
        "organization or, where that is absent, the older `disableClassicPipelineCreation`. Unknown "
        "where neither is told."
    ),
    fix=(
        "Open Organization settings > Pipelines > Settings > Disable creation of classic build pipelines.",
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/approach",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",),
    limits="Classic builds that exist stay, and run.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "disableClassicBuildPipelineCreation",
        should_be=True,
        older="disableClassicPipelineCreation",
        good="Classic builds cannot be created in any project.",
        bad="Classic builds may be created.",
    ),
)
