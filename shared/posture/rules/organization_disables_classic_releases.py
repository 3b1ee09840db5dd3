"""Organizations should disable the creation of classic release pipelines."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-030"),
    title="Organizations should disable the creation of classic release pipelines",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="classic-pipelines.disabled",
    aliases=("AZDO.1021 Test-AzdoOrganizationCreationClassicReleasePipeline",),
    why=(
        "A classic release deploys by steps that no repository holds: nobody reviews them, and a "
        "change to what reaches production leaves the code untouched."
    ),
    judged=(
        "Healthy when `disableClassicReleasePipelineCreation` is on in the pipeline settings of the "
        "organization or, where that is absent, the older `disableClassicPipelineCreation`. Unknown "
        "where neither is told."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Settings > Disable creation of classic "
            "release pipelines."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/approach",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",),
    limits="Classic releases that exist stay, and run.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "disableClassicReleasePipelineCreation",
        should_be=True,
        older="disableClassicPipelineCreation",
        good="Classic releases cannot be created in any project.",
        bad="Classic releases may be created.",
    ),
)
