"""Repositories should limit the size of pushed files."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import FILE_SIZE
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-012"),
    title="Repositories should limit the size of pushed files",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="pipeline.untrusted-exec-and-pinning",
    aliases=("Binary-Artifacts",),
    why=(
        "Large files in a repository are mostly binaries that nobody can review: archives, "
        "installers, libraries. A limit keeps them in feeds, where they are scanned."
    ),
    judged=(
        "Healthy when a required policy *File size restriction* holds for the repository or for "
        "all. Policies that are disabled, deleted or optional stop nobody and do not count. Not "
        "applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Open Project settings > Repositories > Policies > Maximum file size and turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/repository-settings",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-9 Improper Artifact Integrity Validation",),
    limits="Small binaries pass.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        FILE_SIZE, good="Large files cannot be pushed.", bad="Files of any size may be pushed.", anywhere=True
    ),
)
