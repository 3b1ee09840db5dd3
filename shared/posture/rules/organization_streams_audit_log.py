"""Organizations should stream their audit log elsewhere."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    fact = facts.audit_streams
    if fact.value is None:
        return unread(FactKind.AUDIT_STREAMS, fact.failure)
    evidence = {"streams": [{"kind": one.kind, "enabled": one.is_enabled} for one in fact.value]}
    if any(one.is_enabled for one in fact.value):
        return healthy("Audit entries are streamed.", evidence)
    if any(one.is_enabled is None for one in fact.value):
        return unknown("The state of an audit stream is not understood.", evidence)
    return unhealthy("No audit stream is enabled.", evidence)


RULE = Rule(
    id=RuleId("ADO-ORG-041"),
    title="Organizations should stream their audit log elsewhere",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="policy.audit-log-stream",
    aliases=(
        "ADO_Organization_Enable_Audit_Stream",
        "AZDO.1010 Test-AzdoAuditStream",
        "ADO_Organization_Backup_Audit_Logs",
    ),
    why=(
        "Azure DevOps keeps audit entries for ninety days, and whoever administers the organization "
        "can look at them in peace. A stream puts a copy where an intruder in Azure DevOps cannot "
        "reach it, and where alerts are raised."
    ),
    judged=(
        "Healthy when at least one audit stream is enabled. Unknown where a stream is there and its "
        "state is not understood."
    ),
    fix=(
        "Open Organization settings > Auditing > Streams > New stream.",
        "Choose Azure Monitor Logs, Splunk or Azure Event Grid, and save.",
    ),
    references=("https://learn.microsoft.com/azure/devops/organizations/audit/auditing-streaming",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-10 Insufficient Logging and Visibility",
        "MITRE ATT&CK: T1562.008 Impair Defenses: Disable or Modify Cloud Logs",
    ),
    limits="Whether anybody looks at what arrives is not told.",
    needs=frozenset({FactKind.AUDIT_STREAMS}),
    evaluate=the_organization(_judge),
)
