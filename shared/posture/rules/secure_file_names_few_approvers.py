"""Secure files should not have broad groups as approvers."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, SecureFile
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import names_few_approvers
from shared.posture.rule import Rule
from shared.posture.subjects import each_secure_file


def _judge(facts: ProjectFacts, file: SecureFile, _: Thresholds) -> Verdict:
    return names_few_approvers(facts, file)


RULE = Rule(
    id=RuleId("ADO-FILE-004"),
    title="Secure files should not have broad groups as approvers",
    resource=ResourceKind.SECURE_FILE,
    severity=Severity.MEDIUM,
    topic="approvers.groups",
    aliases=("ADO_SecureFile_Dont_Grant_Broader_Group_Access_As_Approvers",),
    why="An approval that everybody in the project may give protects no certificate.",
    judged=(
        "Unhealthy when an enabled approval names contributors, readers or valid users as "
        "approvers. Not applicable where there is no approval."
    ),
    fix=(
        "Open Pipelines > Library > Secure files > the file > Approvals and checks.",
        "Open the approval and name people, or a small group.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Large groups of other names are not recognized.",
    needs=frozenset({FactKind.SECURE_FILES, FactKind.CHECKS}),
    evaluate=each_secure_file(_judge),
)
