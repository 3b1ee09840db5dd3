"""Repositories should build changes before they are merged."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import BUILD
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-006"),
    title="Repositories should build changes before they are merged",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="branch.build-validation",
    aliases=(
        "ADO-RP-013 Azure.DevOps.Repos.DefaultBranchPolicyRequireBuild",
        "ADO-RB-013 Azure.DevOps.Repos.Branch.BranchPolicyRequireBuild",
        "CI-Tests",
    ),
    why=(
        "A change that nobody built may not even compile, and no test or scanner looked at it. "
        "Validation runs them while the change can still be refused."
    ),
    judged=(
        "Healthy when a required policy *Build validation* covers the default branch. Policies that "
        "are disabled, deleted or optional stop nobody and do not count. Not applicable to disabled "
        "and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Add a Build Validation policy that is required, with the pipeline that tests.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="People who may bypass policies are not held by any.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        BUILD,
        good="Changes to {branch} are built first.",
        bad="Changes to {branch} are merged without a build.",
    ),
)
