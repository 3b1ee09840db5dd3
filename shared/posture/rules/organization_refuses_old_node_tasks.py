"""Organizations should not run tasks that need Node 6."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-032"),
    title="Organizations should not run tasks that need Node 6",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="pipeline.other-hygiene",
    aliases=("AZDO.1024 Test-AzdoOrganizationTaskRestrictionsDisableNode6Task",),
    why=(
        "Node 6 has had no security updates since 2019. A task that needs it runs with holes that "
        "everybody can read about."
    ),
    judged=(
        "Healthy when `disableNode6TasksVar` is on in the pipeline settings of the organization. "
        "Unknown where it is not told."
    ),
    fix=(
        "Open Organization settings > Pipelines > Settings > Disable Node 6 tasks.",
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/tasks/reference",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-3 Dependency Chain Abuse",),
    limits="Says nothing of later versions that have ended since.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "disableNode6TasksVar",
        should_be=True,
        good="Tasks that need Node 6 do not run.",
        bad="Tasks that need Node 6 still run.",
    ),
)
