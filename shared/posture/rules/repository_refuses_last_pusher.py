"""Repositories should not count the approval of whoever pushed last."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands, setting
from shared.posture.branch_policies import MINIMUM_REVIEWERS
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-004"),
    title="Repositories should not count the approval of whoever pushed last",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="branch.no-self-approval",
    why=(
        "Where only the author's vote is refused, somebody else may push to the pull request and "
        "then approve what they wrote: one account writes and approves."
    ),
    judged=(
        "Healthy when a required policy *Minimum number of reviewers* covers the default branch and "
        "has `blockLastPusherVote`. Policies that are disabled, deleted or optional stop nobody and "
        "do not count. Not applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Turn on Prohibit the most recent pusher from approving their own changes.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="People who may bypass policies are not held by any.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        MINIMUM_REVIEWERS,
        good="Whoever pushed last to a pull request into {branch} cannot approve it.",
        bad="Whoever pushed last to a pull request into {branch} may approve it.",
        is_met=setting("blockLastPusherVote"),
    ),
)
