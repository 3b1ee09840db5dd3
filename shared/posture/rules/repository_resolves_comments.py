"""Repositories should ask for comments to be resolved before merging."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import COMMENTS
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-007"),
    title="Repositories should ask for comments to be resolved before merging",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="branch.comments-resolved",
    aliases=(
        "ADO-RP-008 Azure.DevOps.Repos.DefaultBranchPolicyCommentResolution",
        "ADO-RB-008 Azure.DevOps.Repos.Branch.BranchPolicyCommentResolution",
    ),
    why=(
        'A reviewer who writes "this looks like a back door" and is not answered has stopped '
        "nothing. The policy keeps the change waiting until somebody answers."
    ),
    judged=(
        "Healthy when a required policy *Comment requirements* covers the default branch. Policies "
        "that are disabled, deleted or optional stop nobody and do not count. Not applicable to "
        "disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Turn on Check for comment resolution, required.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        (
            "CIS Software Supply Chain Security Guide: 1.1.11 Ensure all open comments are "
            "resolved before allowing code change merging"
        ),
    ),
    limits="Anybody with a vote may resolve a comment.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        COMMENTS,
        good="Comments on changes to {branch} have to be resolved.",
        bad="Changes to {branch} are merged with open comments.",
    ),
)
