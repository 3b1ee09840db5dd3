"""Repositories should require two reviewers on their default branch."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import BranchPolicy, FactKind
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.branch_policies import reviewer_policies
from shared.posture.rule import Lifecycle, Rule
from shared.posture.subjects import each_default_branch
from shared.posture.verdicts import healthy, unhealthy, unknown


def _approvals(number: int) -> str:
    return "approval" if number == 1 else "approvals"


def _judge(
    repository: Repository, branch: str, policies: tuple[BranchPolicy, ...], thresholds: Thresholds
) -> Verdict:
    """Every covering policy must be met at once, so the strictest one counts."""
    enough = thresholds.reviewers_least
    found = reviewer_policies(repository, branch, policies)
    evidence = {"defaultBranch": branch, "policies": [one.evidence() for one in found]}
    holding = [one for one in found if not one.ignored]
    demanded = max((one.approvals or 0 for one in holding if one.covers), default=0)
    if demanded >= enough:
        return healthy(f"Changes to {branch} need {demanded} approvals.", evidence)
    if any(one.approvals is None or (one.covers is None and one.approvals >= enough) for one in holding):
        return unknown(
            f"A policy that may demand {enough} approvals on {branch} has settings that are not understood.",
            evidence,
        )
    if demanded:
        return unhealthy(f"Changes to {branch} need only {demanded} {_approvals(demanded)}.", evidence)
    return unhealthy(f"No enabled and required policy demands approvals on {branch}.", evidence)


RULE = Rule(
    id=RuleId("ADO-REPO-001"),
    assessment_key="470742ea-324a-406c-b91f-fc1da6a27c0c",
    title="Repositories should require at least two reviewers for changes to the default branch",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="branch.min-reviewers",
    aliases=(
        "ADO-RP-002 Azure.DevOps.Repos.DefaultBranchPolicyMinimumReviewers",
        "ADO-RB-002 Azure.DevOps.Repos.Branch.BranchPolicyMinimumReviewers",
    ),
    why=(
        "Whoever takes over one developer's account can push code that the next build ships. Where two"
        " reviewers have to approve, one stolen or bribed account is not enough to put malicious code on the"
        " default branch, and a change that one tired reviewer waves through meets a second pair of eyes."
    ),
    judged=(
        "Healthy when an enabled and required policy *Minimum number of reviewers* covers the default branch"
        " and asks for at least two approvals. All policies that cover a branch must be met at once, so the"
        " strictest one counts. Unknown when the only policies that might ask for two do not say how many"
        " they ask for, or name their branches in a way that is not understood. Not applicable to disabled"
        " and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository > Policies > Branch Policies > the default"
            " branch or, for every repository of the project at once, Project settings > Repositories >"
            " Policies > Branch Policies > + > Protect the default branch of each repository."
        ),
        "Turn on Require a minimum number of reviewers.",
        "Set Minimum number of reviewers to 2 or more, and save.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/repos/git/branch-policies#require-a-minimum-number-of-reviewers",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    lifecycle=Lifecycle.PREVIEW,
    limits=(
        "People with *Bypass policies when pushing* or *Bypass policies when completing pull requests* are"
        " held by no policy. Policies of the kind *Automatically included reviewers* are not counted."
    ),
    thresholds=("reviewers_least",),
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=each_default_branch(_judge),
)
