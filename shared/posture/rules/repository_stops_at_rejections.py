"""Repositories should not complete pull requests that somebody rejected."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import BranchPolicy, FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands, setting
from shared.posture.branch_policies import MINIMUM_REVIEWERS
from shared.posture.rule import Rule


def _is_met(policy: BranchPolicy) -> bool | None:
    allowed = setting("allowDownvotes")(policy)
    return None if allowed is None else not allowed


RULE = Rule(
    id=RuleId("ADO-REPO-005"),
    title="Repositories should not complete pull requests that somebody rejected",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="branch.policy-exists-enabled",
    why=(
        "A reviewer who sees the attack and votes against it is outvoted: enough other approvals "
        "and the change goes in."
    ),
    judged=(
        "Healthy when a required policy *Minimum number of reviewers* covers the default branch and "
        "does not have `allowDownvotes`, by which completion is allowed even when some reviewers "
        "vote to wait or reject. Policies that are disabled, deleted or optional stop nobody and do "
        "not count. Not applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Clear Allow completion even if some reviewers vote to wait or reject.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="People who may bypass policies are not held by any.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        MINIMUM_REVIEWERS,
        good="A pull request into {branch} that somebody rejected waits.",
        bad="A pull request into {branch} may be completed although somebody rejected it.",
        is_met=_is_met,
    ),
)
