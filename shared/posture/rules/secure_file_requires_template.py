"""Secure files should require a protected template."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, SecureFile
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_template_check
from shared.posture.rule import Rule
from shared.posture.subjects import each_secure_file


def _judge(facts: ProjectFacts, file: SecureFile, _: Thresholds) -> Verdict:
    return has_template_check(facts, file)


RULE = Rule(
    id=RuleId("ADO-FILE-003"),
    title="Secure files should require a protected template",
    resource=ResourceKind.SECURE_FILE,
    severity=Severity.LOW,
    topic="checks.protected-template",
    aliases=("ADO_SecureFile_DP_Use_Template_From_Protected_Branch",),
    why="A required template keeps a pipeline from copying the file out, whatever its own steps say.",
    judged="Healthy when a check *Required template* is there and enabled.",
    fix=(
        "Open Pipelines > Library > Secure files > the file > Approvals and checks.",
        "Add Required template, from a repository and a branch that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Whether the template is protected is not judged.",
    needs=frozenset({FactKind.SECURE_FILES, FactKind.CHECKS}),
    evaluate=each_secure_file(_judge),
)
