"""Organizations should check the arguments of shell tasks for injected commands in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-025"),
    title="Organizations should check the arguments of shell tasks for injected commands in every project",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="pipeline.shell-arg-validation",
    aliases=("AZDO.1025 Test-AzdoOrganizationTaskRestrictionsShellTaskArgumentValidation",),
    why=(
        "A variable that somebody else may set, put into the arguments of a shell task, runs as a "
        "command. The check stops characters that would end one command and begin another. Set for "
        "the organization, no project can leave it out."
    ),
    judged=(
        "Healthy when `enableShellTasksArgsSanitizing` is on in the pipeline settings of the "
        "organization. Unknown where it is not told."
    ),
    fix=(
        "Open Organization settings > Pipelines > Settings > Enable shell tasks arguments validation.",
        "Turn it on.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/pipelines/security/inputs#shellTasksValidation"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits=(
        "Inline scripts and tasks from the Marketplace are not checked. Projects that set it for "
        "themselves are judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enableShellTasksArgsSanitizing",
        should_be=True,
        good="Arguments of shell tasks are checked.",
        bad="Arguments of shell tasks are taken as they come.",
    ),
)
