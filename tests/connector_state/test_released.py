"""States that released versions wrote open today, in both stores: all is there, and work goes on.

`released/` holds what the program of each version left behind after two runs over a simulated world,
and what its own command line then told of it: SQLite as the statements of a dump, Table Storage as
its entities, one a line.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableClient

from local.ado_simulator import Simulator, World, generate_world
from shared.connector_state import open_state
from shared.connector_state.tables.migrations import VERSION
from shared.connector_state.versions import Versions, versions
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEvent
from shared.model.organization import Organization
from shared.model.record import RecordKind
from shared.model.summary import statuses_of
from shared.ports import State
from tests.azurite.server import Azurite
from tests.scenarios.bench import Bench

RELEASED = Path(__file__).parent / "released"
CASES = sorted(path.name.removesuffix(".gz") for path in RELEASED.glob("*.gz") if "told" not in path.name)
DAY_AFTER = datetime(2026, 11, 24, 23, 59, tzinfo=UTC)


def read(name: str) -> str:
    return gzip.decompress((RELEASED / f"{name}.gz").read_bytes()).decode()


def fresh_world() -> World:
    """The world that each version ran over for the first time."""
    return generate_world(seed=4, organizations=2, projects=2, repositories=2)


def change(world: World) -> None:
    """What happened to it before the second time."""
    projects = list(world.organizations[0].projects.values())
    next(iter(projects[0].repositories.values())).delete()
    next(iter(projects[-1].repositories.values())).rename("renamed")


@pytest.fixture
def restored(tmp_path: Path, azurite: Azurite) -> Callable[[str], str]:
    """Puts back what a version left, and gives the address of it."""

    def restore(case: str) -> str:
        if case.endswith("sqlite"):
            connection = sqlite3.connect(tmp_path / "old.db")
            connection.executescript(read(case))
            connection.close()
            return f"sqlite:///{tmp_path}/old.db"
        url = azurite.url()
        entities = [
            {
                name: base64.b64decode(one["bytes"]) if isinstance(one, dict) else one
                for name, one in row.items()
            }
            for row in map(json.loads, read(case).splitlines())
        ]
        with TableClient.from_connection_string(azurite.connection_string, url.rpartition("/")[2]) as table:
            table.create_table()
            for one in entities:
                table.create_entity(one)
        return url

    return restore


def in_utc(told: str | None) -> str | None:
    return told and told.replace("Z", "+00:00")


def written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def inventory(state: State, organization: Organization) -> set[tuple[str, str, str, str | None, str | None]]:
    rows: list[tuple[str, Project | Repository]] = [
        ("project", one) for one in state.projects(organization.id)
    ]
    rows += [("repository", one) for one in state.repositories(organization.id)]
    return {(kind, one.id, one.name, written(one.first_seen), written(one.retired_at)) for kind, one in rows}


def test_every_released_version_is_here_in_each_store_it_had() -> None:
    """The newest is being made: it is kept by `keep_release` when it is released."""
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    _, *released = re.findall(r"^## (\S+)$", changelog, re.MULTILINE)
    stores = {version: {"sqlite"} if version == "0.1.0" else {"sqlite", "tables"} for version in released}
    assert {tuple(one.rsplit(".", 1)) for one in CASES} >= {
        (version, store) for version, both in stores.items() for store in both
    }
    assert released


@pytest.mark.parametrize("case", CASES)
def test_what_a_released_version_wrote_is_all_there(restored: Callable[[str], str], case: str) -> None:
    told: dict[str, Any] = json.loads(read(f"{case}.told.json"))
    with open_state(restored(case)) as state:
        assert [(one.id, one.name, one.tenant) for one in state.connectors()] == [
            (one["id"], one["name"], one["tenant"]) for one in told["connectors"]
        ]
        organizations = {one.id: one for one in state.organizations()}
        assert {(one.id, one.name, one.projects, one.repositories) for one in organizations.values()} == {
            (one["id"], one["name"], one["projects"], one["repositories"]) for one in told["organizations"]
        }
        assert {one.organization: one.state for one in state.enrollments()} == {
            one["id"]: one["onboardingState"] for one in told["organizations"]
        }
        assert set().union(*(inventory(state, one) for one in organizations.values())) == {
            (one["kind"], one["id"], one["name"], in_utc(one["firstSeen"]), in_utc(one["retiredAt"]))
            for one in told["inventory"]
        }
        assert {
            (rule, row.resource.id, assessment.verdict.status)
            for organization in organizations
            for row in state.assessments(organization)
            for rule, assessment in row.assessments.items()
        } == {
            (rule, resource, status)
            for rule, resource, status in told["recommendations"]
            if status is not None and status != "neverAssessed"
        }
        for organization in organizations:
            kept = {one.resource.id: statuses_of(one) for one in state.assessments(organization)}
            assert {one.resource.id: one for one in state.statuses(organization)} == kept
        assert [(one.event, one.subject) for one in state.journal(limit=10_000)] == [
            (event, subject) for _, event, subject in told["journal"]
        ]
        assert {(one.id, one.reason, one.by) for one in state.exemptions()} == {
            (one["id"], one["reason"], one["by"]) for one in told["exemptions"]
        }
        kinds = Counter(one.kind for one in state.records())
    assert kinds[RecordKind.REPOSITORY] == sum(one["kind"] == "repository" for one in told["inventory"])


@pytest.mark.parametrize("case", CASES)
def test_work_goes_on_from_what_a_released_version_wrote(
    restored: Callable[[str], str], tmp_path: Path, case: str
) -> None:
    """The world is as it was: so nothing is found, lost or retired, and what can be assessed is."""
    truth = fresh_world()
    change(truth)
    url = restored(case)
    with open_state(url) as state:
        before = {one.id: inventory(state, one) for one in state.organizations()}
        entries = len(state.journal(limit=10_000))
    with Simulator(truth) as simulator:
        bench = Bench(truth, simulator, tmp_path, state_url=url, queue_url=f"sqlite:///{tmp_path}/queue.db")
        bench.clock.time = DAY_AFTER
        bench.run()
        with open_state(url) as state:
            assert {one.id: inventory(state, one) for one in state.organizations()} == before
            news = state.journal(limit=10_000)[entries:]
            assert not {one.event for one in news} & {
                JournalEvent.ORGANIZATION_DISCOVERED,
                JournalEvent.PROJECT_DISCOVERED,
                JournalEvent.REPOSITORY_DISCOVERED,
                JournalEvent.REPOSITORY_RETIRED,
                JournalEvent.PROJECT_RETIRED,
            }
            assert all(list(state.assessments(one)) for one in before)


@pytest.mark.parametrize("case", [one for one in CASES if one.endswith("tables")])
def test_rows_of_an_earlier_version_are_written_anew_once(
    restored: Callable[[str], str], azurite: Azurite, case: str
) -> None:
    url = restored(case)
    with TableClient.from_connection_string(azurite.connection_string, url.rpartition("/")[2]) as table:

        def rows() -> dict[tuple[str, str], str]:
            return {
                (one["PartitionKey"], one["RowKey"]): str(one.metadata["etag"])
                for one in table.list_entities()
            }

        open_state(url).close()
        assert table.get_entity("catalog", "version")["version"] == VERSION
        assessed = [one for one in table.list_entities() if one["RowKey"].startswith("assessment:")]
        assert assessed
        assert all("statuses" in one for one in assessed)
        before = rows()
        open_state(url).close()
        assert rows() == before


@pytest.mark.parametrize("case", CASES)
def test_how_old_it_is_can_be_asked_without_bringing_it_up_to_date(
    restored: Callable[[str], str], case: str
) -> None:
    url = restored(case)
    before = versions(url)
    assert before.stored is not None
    assert before.stored <= before.own
    assert (before.stored < before.own) or not case.startswith("0.1.0")
    assert versions(url) == before
    open_state(url).close()
    assert versions(url) == Versions(before.own, before.own)


def test_where_no_state_is_asking_makes_none(tmp_path: Path, azurite: Azurite) -> None:
    for url in (f"sqlite:///{tmp_path}/none/state.db", azurite.url()):
        assert versions(url).stored is None
        assert versions(url).stored is None
    assert list(tmp_path.iterdir()) == []
