"""Organizations should log audit events."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-006"),
    title="Organizations should log audit events",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="policy.audit-log-stream",
    aliases=("AZDO.1002 Test-AzdoLogAuditEvent",),
    why=(
        "Without the audit log nobody can tell who changed a policy, granted a permission or read a "
        "secret. An intruder in an organization that logs nothing leaves no trace to find."
    ),
    judged=(
        "Healthy when the raw value of `Policy.LogAuditEvents` is true. Where the raw value and the "
        "effective one contradict each other, the answer is unknown. So it is where the policy is "
        "not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Log Audit Events.",
        "Turn it on.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/audit/azure-devops-auditing"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-10 Insufficient Logging and Visibility",
        "MITRE ATT&CK: T1562.008 Impair Defenses: Disable or Modify Cloud Logs",
    ),
    limits="Azure DevOps keeps entries for ninety days; see the rule about audit streams for longer.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "LogAuditEvents", should_be=True, good="Audit events are logged.", bad="Audit events are not logged."
    ),
)
