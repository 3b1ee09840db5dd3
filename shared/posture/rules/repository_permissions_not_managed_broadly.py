"""Repositories should not let broad groups change permissions or policies."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.access import (
    GIT_EDIT_POLICIES,
    GIT_MANAGE_PERMISSIONS,
    no_broad_group,
    of,
    repository_tokens,
)
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository


def _judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.REPOSITORY_ACCESS,
        repository_tokens(project, repository.id.lower()),
        GIT_MANAGE_PERMISSIONS | GIT_EDIT_POLICIES,
        good="No broad group changes permissions or policies.",
        bad="A broad group may change permissions or policies.",
    )


RULE = Rule(
    id=RuleId("ADO-REPO-022"),
    title="Repositories should not let broad groups change permissions or policies",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    aliases=(
        "ADO_Project_AuthZ_Restrict_Broader_Group_Access_on_Repo",
        "ADO-PRJ-004 Azure.DevOps.Project.MainRepositoryAcl.ProjectValidUsers",
    ),
    why=(
        "Whoever may change permissions or policies gives themselves whatever else they lack, and "
        "takes the protection away first."
    ),
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed Manage permissions and "
        "Edit policies, on the repository itself or on what it inherits from. The nearer entry wins "
        "over the inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Project settings > Repositories > the repository (or all repositories) > Security.",
        "Set Manage permissions and Edit policies to Not set or Deny for the broad groups.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.REPOSITORY_ACCESS, FactKind.GROUPS}),
    evaluate=each_repository(_judge),
)
