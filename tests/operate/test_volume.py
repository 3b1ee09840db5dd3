"""How much is logged in a day stays under what the documentation tells."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ServiceRequestError
from azure.data.tables import TableClient

from local.ado_simulator import Fault, World
from tests.operate.conftest import MakeWatched, Watched

PAGE = (Path(__file__).parents[2] / "docs" / "operate" / "README.md").read_text(encoding="utf-8")


def day_of(watched: Watched) -> int:
    """Bytes that are logged in a day of the app, for each organization, after its first hour."""
    for _ in range(24):
        watched.bench.run(hours=1)
        watched.bench.host.fire("report_status")
        watched.bench.host.drain()
    organizations = len(watched.bench.world.organizations)
    return sum(len(record.getMessage().encode()) + 1 for record in watched.records()) // organizations


def told(which: int) -> int:
    return [int(number) * 1000 for number in re.findall(r"\*\*(\d+) kB\*\*", PAGE)][which]


def test_what_goes_well_logs_nothing(make_watched: MakeWatched) -> None:
    watched = make_watched()
    watched.bench.connect()
    watched.bench.run(minutes=1)
    watched.clear()
    assert day_of(watched) == 0
    assert "logs **nothing**" in PAGE


def test_what_fails_all_day_logs_little(make_watched: MakeWatched, world: World) -> None:
    watched = make_watched()
    watched.bench.connect()
    watched.bench.run(minutes=1)
    for organization in world.organizations:
        watched.bench.simulator.add_fault(Fault("trouble", organization=organization.name, status=500))
    watched.clear()
    volume = day_of(watched)
    print(f"{volume} bytes an organization and day")  # noqa: T201 - shown with -s
    assert 1000 < volume <= told(0)


def test_everything_at_info_is_bounded(make_watched: MakeWatched, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watched = make_watched(log_level="info")
    watched.bench.connect()
    watched.bench.run(minutes=1)
    watched.clear()
    volume = day_of(watched)
    print(f"{volume} bytes an organization and day")  # noqa: T201 - shown with -s
    assert 1000 < volume <= told(1)


def test_libraries_do_not_tell_of_every_request(
    make_watched: MakeWatched, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker takes everything from info on, and Azure's clients log two lines for each request."""
    caplog.set_level(logging.INFO)
    make_watched()
    key = AzureNamedKeyCredential("name", "a2V5")
    client = TableClient("http://127.0.0.1:1", "connectors", credential=key, retry_total=0)
    with pytest.raises(ServiceRequestError):
        list(client.list_entities())
    logging.getLogger("azure.core").warning("heard")
    assert [one.getMessage() for one in caplog.records if one.name.startswith("azure")] == ["heard"]
