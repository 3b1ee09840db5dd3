"""Repositories should add reviewers who own the code."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import REQUIRED_REVIEWERS
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-010"),
    title="Repositories should add reviewers who own the code",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="branch.policy-exists-enabled",
    why=(
        "Two reviewers who do not know the code approve what looks right. Required reviewers bring "
        "in those who would notice."
    ),
    judged=(
        "Healthy when a required policy *Automatically included reviewers* covers the default "
        "branch. Policies that are disabled, deleted or optional stop nobody and do not count. Not "
        "applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Add Automatically included reviewers, required, for the paths that matter most.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        (
            "CIS Software Supply Chain Security Guide: 1.1.7 Ensure code owner's review is required "
            "when a change affects owned code"
        ),
    ),
    limits="Whether the paths they are asked for matter is not judged.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        REQUIRED_REVIEWERS,
        good="Owners of the code review changes to {branch}.",
        bad="Nobody in particular has to review changes to {branch}.",
    ),
)
