"""Repositories should protect their default branch by a required policy."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import BranchPolicy, FactKind
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.branch_policies import AUTHOR_EMAIL, CREDENTIALS, FILE_SIZE, policy_covers, why_ignored
from shared.posture.rule import Rule
from shared.posture.subjects import each_default_branch
from shared.posture.verdicts import healthy, unhealthy, unknown

_ABOUT_PUSHES = frozenset(
    {
        AUTHOR_EMAIL,
        FILE_SIZE,
        CREDENTIALS,
        "51c78909-e838-41a2-9496-c647091e3c61",
        "7ed39669-655c-494e-b4a0-a08b4da0fcce",
        "db2b9b4c-180d-4529-9701-01541d19f36b",
        "001a79cf-fda1-4c4e-9e7c-bac40ee5ead8",
    }
)
"""Types of policies that look at pushes; the last four are about paths, case, names and their length."""


def _judge(repository: Repository, branch: str, policies: tuple[BranchPolicy, ...], _: Thresholds) -> Verdict:
    holding = [
        (one, policy_covers(one, repository.id, branch))
        for one in policies
        if not why_ignored(one) and one.type_id.casefold() not in _ABOUT_PUSHES
    ]
    sure = sorted(one.id for one, covers in holding if covers)
    evidence = {"defaultBranch": branch, "requiredPolicies": sure}
    if sure:
        return healthy(f"{branch} takes changes by pull request only.", evidence)
    if any(covers is None for _, covers in holding):
        return unknown(f"A policy that may cover {branch} has a scope that is not understood.", evidence)
    return unhealthy(f"{branch} takes pushes from everybody who may contribute.", evidence)


RULE = Rule(
    id=RuleId("ADO-REPO-015"),
    title="Repositories should protect their default branch by a required policy",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="branch.policy-exists-enabled",
    aliases=(
        "ADO-RP-001 Azure.DevOps.Repos.HasDefaultBranchPolicy",
        "ADO-RP-001a Azure.DevOps.Repos.DefaultBranchPolicyIsEnabled",
        "ADO-RB-001 Azure.DevOps.Repos.Branch.HasBranchPolicy",
        "ADO-RB-001a Azure.DevOps.Repos.Branch.BranchPolicyIsEnabled",
        "Branch-Protection",
        "repos",
    ),
    why=(
        "A branch without a required policy takes pushes: whoever may contribute writes to what is "
        "built and shipped, without a pull request and without a trace of review."
    ),
    judged=(
        "Healthy when any enabled and required policy covers the default branch: it then takes "
        "changes by pull request only. Policies about pushes (author addresses, file names and "
        "sizes, credentials) do not do that and do not count."
    ),
    fix=(
        (
            "Open Project settings > Repositories > the repository (or all repositories) > Policies "
            "> Branch Policies > the default branch."
        ),
        "Turn on at least one policy, required.",
    ),
    references=("https://learn.microsoft.com/azure/devops/repos/git/branch-policies",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        (
            "CIS Software Supply Chain Security Guide: 1.1.3 Ensure any change to code receives "
            "approval of two strongly authenticated users"
        ),
    ),
    limits="People who may bypass policies are not held by any.",
    needs=frozenset({FactKind.BRANCH_POLICIES}),
    evaluate=each_default_branch(_judge),
)
