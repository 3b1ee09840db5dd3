"""Repositories should check the mail address of commit authors."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.branch_demands import demands
from shared.posture.branch_policies import AUTHOR_EMAIL
from shared.posture.rule import Rule

RULE = Rule(
    id=RuleId("ADO-REPO-011"),
    title="Repositories should check the mail address of commit authors",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="pipeline.untrusted-exec-and-pinning",
    aliases=("ADO_Project_SI_Review_Author_Email_Validation_Policy",),
    why=(
        "Git takes any name and address for an author: a commit can claim to be a colleague's. "
        "Where addresses have to match the company's, a stranger's commit does not pass for one of "
        "us."
    ),
    judged=(
        "Healthy when a required policy *Commit author email validation* holds for the repository "
        "or for all. Policies that are disabled, deleted or optional stop nobody and do not count. "
        "Not applicable to disabled and to empty repositories."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        (
            "Open Project settings > Repositories > Policies > Commit author email validation and "
            "name the patterns that are allowed."
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/repository-settings",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="An address of the company can still be claimed by somebody else of the company.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=demands(
        AUTHOR_EMAIL,
        good="Authors of commits have addresses that were allowed.",
        bad="Authors of commits may have any address.",
        anywhere=True,
    ),
)
