"""Secure files should be used from named branches only."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, SecureFile
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_branch_control
from shared.posture.rule import Rule
from shared.posture.subjects import each_secure_file


def _judge(facts: ProjectFacts, file: SecureFile, _: Thresholds) -> Verdict:
    return has_branch_control(facts, file)


RULE = Rule(
    id=RuleId("ADO-FILE-002"),
    title="Secure files should be used from named branches only",
    resource=ResourceKind.SECURE_FILE,
    severity=Severity.MEDIUM,
    topic="checks.branch-control",
    aliases=("ADO_SecureFile_AuthZ_Enable_Branch_Control",),
    why="A signing certificate that any branch may use signs whatever any branch builds.",
    judged=(
        "Healthy when a check *Branch control* names branches and none of them is a pattern for "
        "all. Checks that are disabled do not count."
    ),
    fix=(
        "Open Pipelines > Library > Secure files > the file > Approvals and checks.",
        "Add Branch control, and name the branches that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Whether the named branches are protected is told by the rules about repositories.",
    needs=frozenset({FactKind.SECURE_FILES, FactKind.CHECKS}),
    evaluate=each_secure_file(_judge),
)
