"""Rules that ask for one branch policy on every default branch."""

from __future__ import annotations

from collections.abc import Callable

from shared.model.assessment import Verdict
from shared.model.facts import BranchPolicy
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.branch_policies import policy_covers, why_ignored, yes_or_no
from shared.posture.rule import OfProject
from shared.posture.subjects import each_default_branch
from shared.posture.verdicts import healthy, unhealthy, unknown


def demands(
    type_id: str,
    *,
    good: str,
    bad: str,
    is_met: Callable[[BranchPolicy], bool | None] = lambda _: True,
    anywhere: bool = False,
) -> OfProject:
    """A rule: an enabled and required policy of this type covers the default branch and does what it should.

    `is_met` says of one policy whether its settings do; None where they do not tell. Policies about pushes
    cover a repository rather than a branch: for those, `anywhere`. Reasons may name the branch: `{branch}`.
    """

    def judge(
        repository: Repository, branch: str, policies: tuple[BranchPolicy, ...], _: Thresholds
    ) -> Verdict:
        told: list[dict[str, object]] = []
        unsure = False
        for policy in sorted(policies, key=lambda one: one.id):
            if policy.type_id.casefold() != type_id:
                continue
            covering = (
                _names(policy, repository.id) if anywhere else policy_covers(policy, repository.id, branch)
            )
            if covering is False:
                continue
            ignored, met = why_ignored(policy), is_met(policy)
            told.append({"policyId": policy.id, "settings": dict(policy.settings), "ignored": ignored})
            if ignored or met is False:
                continue
            if covering and met:
                return healthy(good.format(branch=branch), {"defaultBranch": branch, "policies": told[-1:]})
            unsure = True
        evidence = {"defaultBranch": branch, "policies": told}
        if unsure:
            return unknown(f"A policy on {branch} has settings that are not understood.", evidence)
        return unhealthy(bad.format(branch=branch), evidence)

    return each_default_branch(judge)


def _names(policy: BranchPolicy, repository: str) -> bool:
    """Whether a scope is for this repository or for all, whatever branch it names."""
    wanted = repository.casefold()
    return any(one.repository_id is None or one.repository_id.casefold() == wanted for one in policy.scopes)


def setting(key: str) -> Callable[[BranchPolicy], bool | None]:
    """Whether a switch of the policy is on. One that is not there is off: the service adds them over time."""
    return lambda policy: yes_or_no(policy.settings.get(key, False))
