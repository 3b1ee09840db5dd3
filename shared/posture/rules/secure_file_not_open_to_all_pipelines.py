"""Secure files should not grant access to all pipelines."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, SecureFile
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_secure_file
from shared.posture.verdicts import healthy, unhealthy, unread


def _judge(_: ProjectFacts, file: SecureFile, __: Thresholds) -> Verdict:
    permission = file.open_to_all_pipelines
    if permission.failure is not None:
        return unread(FactKind.SECURE_FILE_PERMISSIONS, permission.failure)
    evidence = {"allPipelinesAuthorized": permission.value}
    if permission.value:
        return unhealthy("Every pipeline of the project may use it.", evidence)
    return healthy("Only pipelines that were authorized one by one may use it.", evidence)


RULE = Rule(
    id=RuleId("ADO-FILE-001"),
    assessment_key="6855e9b1-c493-4a43-a6d1-74f30e72c5af",
    title="Secure files should not grant access to all pipelines",
    resource=ResourceKind.SECURE_FILE,
    severity=Severity.HIGH,
    topic="access.all-pipelines",
    aliases=("ADO_SecureFile_AuthZ_Dont_Grant_All_Pipelines_Access",),
    why=(
        "Whoever may push a branch with a pipeline file can copy out every secure file that is open "
        "to all pipelines: signing certificates, provisioning profiles, keys."
    ),
    judged=(
        "Unhealthy when the pipeline permission of the secure file is open to all pipelines of the project."
    ),
    fix=(
        "Open Pipelines > Library > Secure files > the file > Pipeline permissions.",
        "Choose Restrict permission, and add only the pipelines that need it.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/pipelines/security/resources",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="What the file holds is not told.",
    needs=frozenset({FactKind.SECURE_FILES, FactKind.SECURE_FILE_PERMISSIONS}),
    evaluate=each_secure_file(_judge),
)
