"""Projects should check the arguments of shell tasks for injected commands."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-007"),
    title="Projects should check the arguments of shell tasks for injected commands",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="pipeline.shell-arg-validation",
    aliases=("ADO-PLS-007 Azure.DevOps.Pipelines.Settings.SanitizeShellTaskArguments",),
    why=(
        "A variable that somebody else may set, put into the arguments of a shell task, runs as a "
        "command. The check stops characters that would end one command and begin another."
    ),
    judged=(
        "Healthy when `enableShellTasksArgsSanitizing` is on in the pipeline settings of the "
        "project or of the organization, which sets it for all. Unhealthy when it is off in both. "
        "Unknown where one that would decide is not told."
    ),
    fix=(
        "Open Project settings > Pipelines > Settings > Enable shell tasks arguments validation.",
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"enableShellTasksArgsSanitizing": true}.'
        ),
    ),
    references=(("https://learn.microsoft.com/azure/devops/pipelines/security/inputs#shellTasksValidation"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits="Inline scripts and tasks from the Marketplace are not checked.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enableShellTasksArgsSanitizing",
        good="Arguments of shell tasks are checked.",
        bad="Arguments of shell tasks are taken as they come.",
    ),
)
