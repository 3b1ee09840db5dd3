"""Repositories should ask for a status of an outside check."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import STATUS
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-014"),
    title="Repositories should ask for a status of an outside check",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="branch.policy-exists-enabled",
    why=(
        "A scanner that reports and is not waited for stops nothing: the pull request is merged "
        "before its answer is in."
    ),
    judged=(
        "Healthy when a required policy *Status check* covers the default branch. Policies that are "
        "disabled, deleted or optional stop nobody and do not count. Not applicable to disabled and "
        "to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Add a Status check that is required, for the scanner that has to approve.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        (
            "CIS Software Supply Chain Security Guide: 1.1.9 Ensure all checks have passed before "
            "merging new code"
        ),
    ),
    limits="Which check it is, and what it looks at, is not judged. Build validation may do the same.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        STATUS,
        good="Changes to {branch} wait for an outside check.",
        bad="Changes to {branch} wait for no outside check.",
    ),
)
