"""`demo --once`: shows a small world, ends by itself, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from cli import keys
from tests.cli.conftest import ROOT, CommandLine, command

SMALL = ("demo", "--organizations", "2", "--projects", "3", "--repositories", "2", "--seed", "4")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_inventory_is_the_simulated_world_and_the_same_for_the_same_seed(
    ado: CommandLine, temporary: Path
) -> None:
    summary = ado.process(*SMALL, "--once", "--output", "json").json
    assert list(summary) == list(keys.DEMO)
    world = summary["world"]
    assert world["equalsInventory"] is True
    assert world["differences"] == []
    counts = {one["name"]: (one["projects"], one["repositories"]) for one in world["organizations"]}
    assert len(counts) == 3
    assert counts == {one["name"]: (one["projects"], one["repositories"]) for one in summary["organizations"]}
    assert "newcomer" in counts
    assert sum(summary["recommendations"].values()) > 0
    assert list(temporary.iterdir()) == []
    again = ado.process(*SMALL, "--once", "--output", "json").json
    assert again["world"]["organizations"] == world["organizations"]


def test_the_table_names_every_organization_whatever_the_callers_settings(
    ado: CommandLine, settings: Path
) -> None:
    env = {"ADO_PAT": "the-callers-token", "ADO_GATEWAY_URL": "https://nowhere.example.com"}
    told = ado.process(*SMALL, "--once", env=env)
    assert "inventory equals the simulated world" in told.out
    assert "newcomer" in told.out
    assert "3 organizations" in told.out
    assert "A new organization appears" in told.err
    assert "A new repository appears" in told.err
    assert "The demo's state ends with it" in told.out
    assert not settings.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_once_it_goes_on_until_it_is_stopped(number: signal.Signals, temporary: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        command(SMALL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ},
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "Ctrl-C ends it" in line:
                break
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
    assert "Traceback" not in err
    assert "inventory equals the simulated world" in out
    assert list(temporary.iterdir()) == []
