"""Which branch policies hold on a repository's default branch, and what they demand of reviewers.

Policies come from people, from other tools and from several versions of the service, so each question has
three answers: yes, no, and *cannot tell* (None). A rule that meets the third never answers *healthy* on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.model.facts import BranchPolicy, PolicyScope
from shared.model.inventory import Repository

MINIMUM_REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
MERGE_STRATEGY = "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab"
BUILD = "0609b952-1397-4640-95ec-e00a01b2c241"
REQUIRED_REVIEWERS = "fd2167ab-b0be-447a-8ec8-39368250530e"
WORK_ITEMS = "40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e"
COMMENTS = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"
STATUS = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
AUTHOR_EMAIL = "77ed4bd3-b063-4689-934a-175e4d0a78d7"
FILE_SIZE = "2e26e725-8201-4edd-8bf5-978563c34a80"
CREDENTIALS = "e67ae10f-cf9a-40bc-8e66-6b3a8216956e"
"""Policy types, as `policy/types` lists them; the ids are the same in every organization."""


@dataclass(frozen=True, slots=True)
class ReviewerPolicy:
    """What one policy demands on the default branch. None: it does not say, or not in a way we understand."""

    id: int
    covers: bool | None
    approvals: int | None
    requestor_counts: bool | None
    ignored: str = ""
    """Why the policy stops nobody: disabled, deleted or optional."""

    def evidence(self) -> dict[str, object]:
        """The raw fields, by their names on the wire."""
        told: dict[str, object] = {
            "policyId": self.id,
            "minimumApproverCount": self.approvals,
            "creatorVoteCounts": self.requestor_counts,
        }
        if self.covers is None:
            told["scope"] = "not understood"
        if self.ignored:
            told["ignored"] = self.ignored
        return told


def covers(scope: PolicyScope, repository: str, branch: str) -> bool | None:
    """Whether the scope holds on this default branch of this repository.

    Ids and match kinds ignore case; names of branches do not. A prefix means a folder of branches, to any
    depth: `refs/heads/release` and `refs/heads/release/` cover `refs/heads/release/1`, not
    `refs/heads/releases`; without the slash at its end it also covers the branch of that very name.
    """
    if scope.repository_id and scope.repository_id.casefold() != repository.casefold():
        return False
    kind = scope.match_kind.casefold()
    if kind == "defaultbranch":
        return True
    # No branch has an asterisk in its name: such a scope means something that is not documented.
    if not scope.ref_name or "*" in scope.ref_name:
        return None
    if kind == "exact":
        return scope.ref_name == branch
    if kind == "prefix":
        return scope.ref_name == branch or branch.startswith(f"{scope.ref_name.rstrip('/')}/")
    return None


def policy_covers(policy: BranchPolicy, repository: str, branch: str) -> bool | None:
    """Whether any scope of the policy holds there. A policy that names no scope: cannot tell."""
    answers = [covers(scope, repository, branch) for scope in policy.scopes]
    if True in answers:
        return True
    return None if None in answers or not answers else False


class PolicyIndex:
    """Policies by repository: where each of thousands of repositories has its own, few concern any one."""

    def __init__(self, policies: Iterable[BranchPolicy]) -> None:
        self._everywhere: list[BranchPolicy] = []
        self._by_repository: dict[str, list[BranchPolicy]] = {}
        for policy in policies:
            named = {scope.repository_id.casefold() if scope.repository_id else "" for scope in policy.scopes}
            if not named or "" in named:
                self._everywhere.append(policy)
            else:
                for repository in named:
                    self._by_repository.setdefault(repository, []).append(policy)

    def of(self, repository: str) -> tuple[BranchPolicy, ...]:
        """Policies that have a scope for this repository, or for all."""
        return (*self._everywhere, *self._by_repository.get(repository.casefold(), ()))


def reviewer_policies(
    repository: Repository, branch: str, policies: Iterable[BranchPolicy]
) -> tuple[ReviewerPolicy, ...]:
    """Policies that demand reviewers and cover, or may cover, the branch, in order of id.

    `creatorVoteCounts` that is not there means no: the service adds settings over time. A number of
    approvals that is not there says nothing at all.
    """
    found = []
    for policy in sorted(policies, key=lambda one: one.id):
        if policy.type_id.casefold() != MINIMUM_REVIEWERS:
            continue
        covering = policy_covers(policy, repository.id, branch)
        if covering is not False:
            found.append(
                ReviewerPolicy(
                    id=policy.id,
                    covers=covering,
                    approvals=_whole_number(policy.settings.get("minimumApproverCount")),
                    requestor_counts=yes_or_no(policy.settings.get("creatorVoteCounts", False)),
                    ignored=why_ignored(policy),
                )
            )
    return tuple(found)


def why_ignored(policy: BranchPolicy) -> str:
    """Why the policy stops nobody; empty when it does."""
    if policy.is_deleted:
        return "deleted"
    if not policy.is_enabled:
        return "disabled"
    return "" if policy.is_blocking else "optional"


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def yes_or_no(value: object) -> bool | None:
    """True or false; None for anything else."""
    return value if isinstance(value, bool) else None
