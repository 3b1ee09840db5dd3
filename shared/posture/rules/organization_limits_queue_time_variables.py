"""Organizations should limit which variables can be set when a run is queued in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-023"),
    title="Organizations should limit which variables can be set when a run is queued in every project",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="pipeline.queue-time-variables",
    aliases=(
        "ADO_Organization_SI_Limit_Variables_Settable_At_Queue_Time",
        "AZDO.1015 Test-AzdoOrganizationLimitVariablesAtQueueTime",
    ),
    why=(
        "Whoever may queue a run may otherwise set any variable: a path, a script argument, the "
        "address that is deployed to. That is code execution for people who may not change the "
        "pipeline. Set for the organization, no project can leave it out."
    ),
    judged=(
        "Healthy when `enforceSettableVar` is on in the pipeline settings of the organization. "
        "Unknown where it is not told."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Settings > Limit variables that can be set at "
            "queue time."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/inputs",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits=(
        "Variables that a pipeline marks settable stay so. Projects that set it for themselves are "
        "judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enforceSettableVar",
        should_be=True,
        good="Only variables that are marked for it can be set at queue time.",
        bad="Every variable can be set at queue time.",
    ),
)
