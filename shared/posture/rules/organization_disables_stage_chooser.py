"""Organizations should not let people skip stages of a run."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-033"),
    title="Organizations should not let people skip stages of a run",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="pipeline.other-hygiene",
    aliases=("AZDO.1019 Test-AzdoOrganizationStageChooser",),
    why=(
        "Whoever may queue a run may otherwise leave out the stage that tests or scans, and deploy "
        "what nothing looked at."
    ),
    judged=(
        "Healthy when `disableStageChooser` is on in the pipeline settings of the organization. "
        "Unknown where it is not told."
    ),
    fix=(
        "Open Organization settings > Pipelines > Settings > Disable stage chooser.",
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/stages",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="A pipeline may still have conditions that skip stages.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "disableStageChooser",
        should_be=True,
        good="Stages cannot be skipped by hand.",
        bad="Whoever queues a run may skip stages.",
    ),
)
