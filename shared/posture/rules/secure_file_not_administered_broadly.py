"""Secure files should not be administered by broad groups."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, SecureFile
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import LIBRARY_ADMINISTER, no_broad_group, of, secure_file_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_secure_file


def _judge(facts: ProjectFacts, file: SecureFile, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.LIBRARY_ACCESS,
        secure_file_tokens(project, file.id.lower()),
        LIBRARY_ADMINISTER,
        good="No broad group administers the file.",
        bad="A broad group administers the file.",
    )


RULE = Rule(
    id=RuleId("ADO-FILE-010"),
    title="Secure files should not be administered by broad groups",
    resource=ResourceKind.SECURE_FILE,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    aliases=(
        "ADO_SecureFile_AuthZ_Restrict_Broader_Group_Access",
        "ADO_Project_AuthZ_Restrict_Broader_Group_Access_on_SecureFile",
    ),
    why="Whoever administers a secure file opens it to their own pipeline and takes it out.",
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed to administer the file, on "
        "the secure file itself or on what it inherits from. The nearer entry wins over the "
        "inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Pipelines > Library > Secure files > the file > Security.",
        "Give broad groups and build accounts the role Reader, or take them out.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.SECURE_FILES, FactKind.LIBRARY_ACCESS, FactKind.GROUPS}),
    evaluate=each_secure_file(_judge),
)
