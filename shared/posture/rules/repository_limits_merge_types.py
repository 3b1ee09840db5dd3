"""Repositories should limit how pull requests are merged."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import MERGE_STRATEGY
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-009"),
    title="Repositories should limit how pull requests are merged",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="branch.merge-strategy",
    aliases=(
        "ADO-RP-009 Azure.DevOps.Repos.DefaultBranchPolicyMergeStrategy",
        "ADO-RB-009 Azure.DevOps.Repos.Branch.BranchPolicyMergeStrategy",
    ),
    why=(
        "Where every way of merging is allowed, the history of the default branch can be bent so "
        "that it does not show who brought a change in, and what was reviewed."
    ),
    judged=(
        "Healthy when a required policy *Merge strategy* covers the default branch. Policies that "
        "are disabled, deleted or optional stop nobody and do not count. Not applicable to disabled "
        "and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Turn on Limit merge types, with one that keeps the review recognizable.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="Which ways are allowed is not judged.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        MERGE_STRATEGY,
        good="Pull requests into {branch} are merged in the ways that were chosen.",
        bad="Pull requests into {branch} may be merged in any way.",
    ),
)
