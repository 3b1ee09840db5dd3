"""Projects should limit which variables can be set when a run is queued."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-005"),
    title="Projects should limit which variables can be set when a run is queued",
    resource=ResourceKind.PROJECT,
    severity=Severity.MEDIUM,
    topic="pipeline.queue-time-variables",
    aliases=(
        "ADO_Project_SI_Limit_Variables_Settable_At_Queue_Time",
        "ADO-PLS-001 Azure.DevOps.Pipelines.Settings.LimitSetVariablesAtQueueTime",
    ),
    why=(
        "Whoever may queue a run may otherwise set any variable: a path, a script argument, the "
        "address that is deployed to. That is code execution for people who may not change the "
        "pipeline."
    ),
    judged=(
        "Healthy when `enforceSettableVar` is on in the pipeline settings of the project or of the "
        "organization, which sets it for all. Unhealthy when it is off in both. Unknown where one "
        "that would decide is not told."
    ),
    fix=(
        "Open Project settings > Pipelines > Settings > Limit variables that can be set at queue time.",
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"enforceSettableVar": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/inputs",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits="Variables that a pipeline marks settable stay so.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enforceSettableVar",
        good="Only variables that are marked for it can be set at queue time.",
        bad="Every variable can be set at queue time.",
    ),
)
