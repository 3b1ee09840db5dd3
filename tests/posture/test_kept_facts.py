"""What is kept of a refresh is what was read, and what cannot be understood is nothing."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import ProjectId
from shared.model.inventory import Project, Repository
from shared.posture.gathering import nothing_of_organization
from shared.posture.kept_facts import Kept, KeptProject, facts_of, kept_of, mark_of, pack, unpack
from tests.posture.builders import ORGANIZATION, a_project, a_repository, some_facts, some_organization
from tests.posture.variants import some

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, UTC)
WHOLE = Kept(
    facts=some_organization(),
    basis="rules 1",
    full_at=NOW,
    looked_at=NOW + timedelta(hours=1),
    seen=("entry 1", "entry 2"),
    inventory={"p": "0a1b2c3d"},
    forgotten=("groups",),
    changed={"p": (("pipelines", ""), ("serviceConnectionPermissions", "c"))},
    anew=True,
)


@given(some)
def test_facts_of_a_project_come_back_as_they_were(facts: ProjectFacts) -> None:
    kept = unpack(KeptProject, pack(kept_of(facts)))
    assert kept == kept_of(facts)
    assert kept is not None
    assert facts_of(kept, facts.project, facts.repositories, facts.organization) == facts


@pytest.mark.parametrize(
    "kept", [WHOLE, Kept(nothing_of_organization(ORGANIZATION, "contoso", NOW))], ids=["whole", "nothing"]
)
def test_what_is_kept_of_an_organization_comes_back_as_it_was(kept: Kept) -> None:
    assert unpack(Kept, pack(kept)) == kept


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zlib",
        zlib.compress(b"no JSON"),
        zlib.compress(b"{}"),
        zlib.compress(b"[2]"),
        zlib.compress(b"[2, {}]"),
        zlib.compress(b"[2, null]"),
        pack(kept_of(some_facts())),
    ],
)
def test_what_cannot_be_understood_is_nothing(content: bytes) -> None:
    assert unpack(Kept, content) is None


def test_what_another_version_packed_is_nothing() -> None:
    version, document = json.loads(zlib.decompress(pack(WHOLE)))
    for other in (version - 1, version + 1):
        assert unpack(Kept, zlib.compress(json.dumps([other, document]).encode())) is None


def test_marks_are_added_to_those_that_are_there() -> None:
    web, shop = ProjectId("web"), ProjectId("shop")
    one = Kept(some_organization()).with_marks({web: [(FactKind.PIPELINES, "")]})
    two = one.with_marks({web: [(FactKind.CHECKS, ""), (FactKind.PIPELINES, "")], shop: []})
    assert two.marks(web) == {(FactKind.PIPELINES, ""), (FactKind.CHECKS, "")}
    assert two.marks(shop) == two.marks(ProjectId("other")) == frozenset()
    assert list(two.changed) == ["shop", "web"]
    assert unpack(Kept, pack(two)) == two


@pytest.mark.parametrize(
    ("project", "repository", "is_another"),
    [
        (a_project(), a_repository(), False),
        (replace(a_project(), first_seen=NOW), replace(a_repository(), first_seen=NOW), False),
        (a_project(name="renamed"), a_repository(), True),
        (a_project(state="deleting"), a_repository(), True),
        (replace(a_project(), visibility="public"), a_repository(), True),
        (replace(a_project(), retired_at=NOW), a_repository(), True),
        (a_project(), replace(a_repository(), name="renamed"), True),
        (a_project(), a_repository(default_branch=None), True),
        (a_project(), a_repository(is_disabled=True), True),
        (a_project(), replace(a_repository(), is_fork=True), True),
        (a_project(), replace(a_repository(), missing_since=NOW), True),
        (a_project(), a_repository("another"), True),
    ],
)
def test_the_mark_of_a_project_is_another_when_what_rules_look_at_is(
    project: Project, repository: Repository, *, is_another: bool
) -> None:
    assert (mark_of(project, [repository]) != mark_of(a_project(), [a_repository()])) is is_another
    assert mark_of(project, []) != mark_of(project, [repository])
