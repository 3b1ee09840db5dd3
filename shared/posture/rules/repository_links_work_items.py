"""Repositories should ask for linked work items."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import WORK_ITEMS
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-008"),
    title="Repositories should ask for linked work items",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="branch.linked-work-items",
    aliases=(
        "ADO-RP-007 Azure.DevOps.Repos.DefaultBranchPolicyEnforceLinkedWorkItems",
        "ADO-RB-007 Azure.DevOps.Repos.Branch.BranchPolicyEnforceLinkedWorkItems",
    ),
    why=(
        "A change that belongs to no task is one that nobody asked for. Linked work items tell "
        "afterwards why something was changed, and by whose wish."
    ),
    judged=(
        "Healthy when a required policy *Work item linking* covers the default branch. Policies "
        "that are disabled, deleted or optional stop nobody and do not count. Not applicable to "
        "disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Turn on Check for linked work items, required.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-10 Insufficient Logging and Visibility",),
    limits="Any work item will do.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        WORK_ITEMS,
        good="Changes to {branch} name the work item that they are for.",
        bad="Changes to {branch} need no work item.",
    ),
)
