"""Repositories should not let requestors approve their own pull requests."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import BranchPolicy, FactKind
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.branch_policies import ReviewerPolicy, reviewer_policies
from shared.posture.rule import Lifecycle, Rule
from shared.posture.subjects import each_default_branch
from shared.posture.verdicts import healthy, unhealthy, unknown


def _demands_another(policy: ReviewerPolicy) -> bool | None:
    """Whether the policy cannot be met without the vote of somebody other than the requestor."""
    if policy.requestor_counts is True or (policy.approvals is not None and policy.approvals < 1):
        return False
    if policy.requestor_counts is None or policy.approvals is None or policy.covers is None:
        return None
    return True


def _judge(repository: Repository, branch: str, policies: tuple[BranchPolicy, ...], _: Thresholds) -> Verdict:
    """All covering policies must be met at once: one that demands another's vote is enough."""
    found = reviewer_policies(repository, branch, policies)
    evidence = {"defaultBranch": branch, "policies": [one.evidence() for one in found]}
    holding = [one for one in found if not one.ignored]
    answers = [_demands_another(one) for one in holding]
    if True in answers:
        return healthy(f"Changes to {branch} need the approval of somebody else.", evidence)
    if None in answers:
        return unknown(
            f"A policy that may refuse the requestor's own vote on {branch} has settings that are not"
            " understood.",
            evidence,
        )
    if any(one.covers and one.requestor_counts for one in holding):
        return unhealthy(f"Requestors may approve their own changes to {branch}.", evidence)
    return unhealthy(f"No enabled and required policy demands approvals on {branch}.", evidence)


RULE = Rule(
    id=RuleId("ADO-REPO-002"),
    assessment_key="98b5895a-0ad8-4ed9-8c9d-d654f5bda816",
    title="Repositories should not let requestors approve their own pull requests",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="branch.no-self-approval",
    aliases=(
        "ADO-RP-003 Azure.DevOps.Repos.DefaultBranchPolicyAllowSelfApproval",
        "ADO-RB-003 Azure.DevOps.Repos.Branch.BranchPolicyAllowSelfApproval",
    ),
    why=(
        "A review that the author can give is no review. Whoever controls one account, or one malicious"
        " insider, opens a pull request, approves it and merges it, and nobody else ever looked."
    ),
    judged=(
        "Healthy when an enabled and required policy *Minimum number of reviewers* covers the default branch,"
        " asks for at least one approval and does not count the requestor's own. One such policy is enough:"
        " all that cover a branch must be met at once. Where a policy does not say whether the requestor's"
        " vote counts, it does not count; where it does not say how many approvals it asks for, the answer is"
        " unknown. Not applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository > Policies > Branch Policies > the default"
            " branch or, for every repository of the project at once, Project settings > Repositories >"
            " Policies > Branch Policies > + > Protect the default branch of each repository."
        ),
        "Turn on Require a minimum number of reviewers, with at least 1.",
        "Clear Allow requestors to approve their own changes, and save.",
        "Better still, also turn on Prohibit the most recent pusher from approving their own changes.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/repos/git/branch-policies#require-a-minimum-number-of-reviewers",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    lifecycle=Lifecycle.PREVIEW,
    limits=(
        "Somebody who pushes to another person's pull request may still approve it, unless the most recent"
        " pusher's vote is prohibited. People who may bypass policies are not held by any."
    ),
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=each_default_branch(_judge),
)
