"""Repositories should not let broad groups rewrite history."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.access import GIT_FORCE_PUSH, no_broad_group, of, repository_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository


def _judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.REPOSITORY_ACCESS,
        repository_tokens(project, repository.id.lower()),
        GIT_FORCE_PUSH,
        good="No broad group may rewrite history.",
        bad="A broad group may rewrite history.",
    )


RULE = Rule(
    id=RuleId("ADO-REPO-021"),
    title="Repositories should not let broad groups rewrite history",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="acl.broad-groups",
    why="A forced push replaces what was reviewed by something else, and takes the evidence with it.",
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed Force push (rewrite "
        "history, delete branches and tags), on the repository itself or on what it inherits from. "
        "The nearer entry wins over the inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Project settings > Repositories > the repository (or all repositories) > Security.",
        (
            "Set Force push (rewrite history, delete branches and tags) to Not set or Deny for the "
            "broad groups."
        ),
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "CIS Software Supply Chain Security Guide: 1.1.16 Ensure force push code to branches is denied",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.REPOSITORY_ACCESS, FactKind.GROUPS}),
    evaluate=each_repository(_judge),
)
