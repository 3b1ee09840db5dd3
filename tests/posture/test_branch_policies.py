"""Which branches a policy's scope covers."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.facts import PolicyScope
from shared.posture.branch_policies import PolicyIndex, covers, policy_covers, reviewer_policies
from tests.posture.builders import MAIN, REPOSITORY, a_policy, a_repository

OTHER = "dddddddd-0000-0000-0000-000000000009"

segments = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=4)
branches = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/".join(["refs", "heads", *parts]))
kinds = st.sampled_from(["Exact", "Prefix", "DefaultBranch", "exact", "PREFIX", "Pattern", ""])
scopes = st.builds(
    PolicyScope,
    repository_id=st.sampled_from([None, REPOSITORY, REPOSITORY.upper(), OTHER]),
    ref_name=st.none() | branches | branches.map("{}/".format),
    match_kind=kinds,
)


@pytest.mark.parametrize(
    ("kind", "ref", "branch", "answer"),
    [
        ("Exact", MAIN, MAIN, True),
        ("exact", MAIN, MAIN, True),
        ("Exact", MAIN, "refs/heads/Main", False),
        ("Exact", MAIN, "refs/heads/main2", False),
        ("Exact", None, MAIN, None),
        ("Prefix", "refs/heads/release", "refs/heads/release/1", True),
        ("Prefix", "refs/heads/release/", "refs/heads/release/1", True),
        ("Prefix", "refs/heads/release/", "refs/heads/release/v1/hotfix", True),
        ("Prefix", "refs/heads/release", "refs/heads/releases/1", False),
        ("Prefix", "refs/heads/release", "refs/heads/release", True),
        ("Prefix", "refs/heads/release/", "refs/heads/release", False),
        ("Prefix", "refs/heads/", MAIN, True),
        ("Prefix", None, MAIN, None),
        ("DefaultBranch", None, MAIN, True),
        ("defaultbranch", "", MAIN, True),
        ("", MAIN, MAIN, None),
        ("Pattern", MAIN, MAIN, None),
    ],
)
def test_a_scope_covers_a_branch(kind: str, ref: str | None, branch: str, answer: bool | None) -> None:
    assert covers(PolicyScope(None, ref, kind), REPOSITORY, branch) is answer


@given(scopes, branches)
def test_a_scope_of_another_repository_never_covers(scope: PolicyScope, branch: str) -> None:
    if scope.repository_id == OTHER:
        assert covers(scope, REPOSITORY, branch) is False


@given(scopes, branches)
def test_case_of_ids_and_kinds_does_not_matter(scope: PolicyScope, branch: str) -> None:
    shouted = PolicyScope(
        scope.repository_id.upper() if scope.repository_id else None, scope.ref_name, scope.match_kind.upper()
    )
    assert covers(shouted, REPOSITORY, branch) is covers(scope, REPOSITORY, branch)


@given(branches, segments)
def test_a_prefix_covers_what_is_below_it_and_nothing_beside_it(branch: str, segment: str) -> None:
    scope = PolicyScope(None, branch, "Prefix")
    assert covers(scope, REPOSITORY, f"{branch}/{segment}")
    assert covers(scope, REPOSITORY, f"{branch}{segment}") is False


@given(branches, branches)
def test_exact_is_narrower_than_prefix(ref: str, branch: str) -> None:
    if covers(PolicyScope(None, ref, "Exact"), REPOSITORY, branch):
        assert covers(PolicyScope(None, ref, "Prefix"), REPOSITORY, branch)


@given(st.lists(st.lists(scopes, max_size=3), max_size=6), branches)
def test_the_index_leaves_out_only_what_does_not_cover(several: list[list[PolicyScope]], branch: str) -> None:
    policies = [replace(a_policy(number=n), scopes=tuple(one)) for n, one in enumerate(several)]
    repository = a_repository(default_branch=branch)
    indexed = PolicyIndex(policies).of(repository.id)
    assert reviewer_policies(repository, branch, indexed) == reviewer_policies(repository, branch, policies)


@given(st.lists(scopes, min_size=1, max_size=4), branches)
def test_a_policy_covers_what_any_of_its_scopes_covers(several: list[PolicyScope], branch: str) -> None:
    answers = {covers(scope, REPOSITORY, branch) for scope in several}
    answer = policy_covers(a_policy(None, *several), REPOSITORY, branch)
    assert answer is (True if True in answers else None if None in answers else False)


def test_a_policy_without_scopes_cannot_be_told() -> None:
    assert policy_covers(replace(a_policy(), scopes=()), REPOSITORY, MAIN) is None
