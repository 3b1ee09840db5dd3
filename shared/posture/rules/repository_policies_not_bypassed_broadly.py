"""Repositories should not let broad groups bypass branch policies."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.access import GIT_BYPASS, no_broad_group, of, repository_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository


def _judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.REPOSITORY_ACCESS,
        repository_tokens(project, repository.id.lower()),
        GIT_BYPASS,
        good="No broad group may bypass policies.",
        bad="A broad group may bypass policies.",
    )


RULE = Rule(
    id=RuleId("ADO-REPO-020"),
    title="Repositories should not let broad groups bypass branch policies",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    aliases=("ADO-RP-014 Azure.DevOps.Repos.ProjectValidUsers",),
    why=(
        "Whoever may bypass policies pushes to the default branch as if there were none. Granted to "
        "everybody, the policies are paint."
    ),
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed Bypass policies when "
        "pushing or completing pull requests, on the repository itself or on what it inherits from. "
        "The nearer entry wins over the inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Project settings > Repositories > the repository (or all repositories) > Security.",
        (
            "Set Bypass policies when pushing or completing pull requests to Not set or Deny for "
            "the broad groups."
        ),
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        (
            "CIS Software Supply Chain Security Guide: 1.1.14 Ensure branch protection rules are "
            "enforced for administrators"
        ),
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.REPOSITORY_ACCESS, FactKind.GROUPS}),
    evaluate=each_repository(_judge),
)
