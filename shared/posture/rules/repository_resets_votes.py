"""Repositories should reset votes when new changes are pushed."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import BranchPolicy, FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands, setting
from shared.posture.branch_policies import MINIMUM_REVIEWERS
from shared.posture.rule import Rule

_ANY_OF = ("resetOnSourcePush", "requireVoteOnLastIteration", "requireVoteOnEachIteration")


def _is_met(policy: BranchPolicy) -> bool | None:
    answers = [setting(key)(policy) for key in _ANY_OF]
    if True in answers:
        return True
    return None if None in answers else False


RULE = Rule(
    id=RuleId("ADO-REPO-003"),
    title="Repositories should reset votes when new changes are pushed",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="branch.reset-votes",
    aliases=(
        "ADO-RP-004 Azure.DevOps.Repos.DefaultBranchPolicyResetVotes",
        "ADO-RB-004 Azure.DevOps.Repos.Branch.BranchPolicyResetVotes",
    ),
    why=(
        "Approve first, change afterwards: an author who gets harmless code approved and pushes the "
        "rest later has a review of nothing. Resetting votes makes each push be looked at."
    ),
    judged=(
        "Healthy when a required policy *Minimum number of reviewers* covers the default branch and "
        "resets all votes on a push, asks for a vote on the last iteration, or for one on every "
        "iteration. Policies that are disabled, deleted or optional stop nobody and do not count. "
        "Not applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        (
            "Turn on When new changes are pushed > Reset all code reviewer votes, or Require at "
            "least one approval on the last iteration."
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        (
            "CIS Software Supply Chain Security Guide: 1.1.4 Ensure previous approvals are "
            "dismissed when updates are introduced to a code change proposal"
        ),
    ),
    limits="People who may bypass policies are not held by any.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        MINIMUM_REVIEWERS,
        good="A push to a pull request into {branch} has to be approved anew.",
        bad="A pull request into {branch} may change after it was approved.",
        is_met=_is_met,
    ),
)
