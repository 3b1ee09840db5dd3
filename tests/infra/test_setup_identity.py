"""The registration is made once, mended where it is otherwise, and not touched when all is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import ROOT

AZ = '''#!{python}
"""Answers as the Azure CLI does, of a directory that is kept in a file."""
import json, sys
from pathlib import Path
place = Path({place!r})
kept = json.loads(place.read_text())
words = sys.argv[1:]
kept["calls"].append(words)
def told(name):
    return words[words.index(name) + 1] if name in words else ""
answer = None
if kept["broken"]:
    sys.stderr.write(kept["broken"] + "\\n"); sys.exit(1)
if words[0] == "rest":
    method, url = told("--method"), told("--url")
    body = json.loads(told("--body")) if told("--body") else None
    if method == "get":
        answer = {{"value": kept["applications"]}}
    elif method == "post":
        body |= {{"id": "object", "appId": "client", "identifierUris": []}}
        kept["applications"].append(body); answer = body
    elif method == "patch":
        (one,) = [one for one in kept["applications"] if url.endswith("/" + one["id"])]
        one.update(body)
elif words[:3] == ["ad", "sp", "list"]:
    answer = kept["principals"]
elif words[:3] == ["ad", "sp", "create"]:
    kept["principals"].append({{"appId": told("--id")}}); answer = kept["principals"][-1]
place.write_text(json.dumps(kept))
if answer is not None:
    print(json.dumps(answer))
'''
APP = "https://func-ado-connector-x.azurewebsites.net"


class Directory:
    """A directory in Microsoft Entra ID, behind a stand-in for the Azure CLI."""

    def __init__(self, folder: Path, *, with_cli: bool = True) -> None:
        self._folder, self._place = folder, folder / "directory.json"
        self.write({"applications": [], "principals": [], "calls": [], "broken": ""})
        if with_cli:
            program = folder / "az"
            program.write_text(AZ.format(python=sys.executable, place=str(self._place)), encoding="utf-8")
            program.chmod(0o755)

    def write(self, kept: dict[str, Any]) -> None:
        self._place.write_text(json.dumps(kept), encoding="utf-8")

    @property
    def kept(self) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self._place.read_text(encoding="utf-8"))
        return kept

    @property
    def changes(self) -> list[str]:
        """What was asked to be otherwise, so far."""
        return [
            " ".join(one[:3])
            for one in self.kept["calls"]
            if one[:3] == ["ad", "sp", "create"] or {"post", "patch"} & set(one)
        ]

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": str(self._folder), "PYTHONPATH": str(ROOT)}
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "local.setup_identity", *options],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


def test_it_is_made_once(directory: Directory) -> None:
    first = directory.run("--app", APP)
    assert (first.returncode, first.stdout) == (0, "client\n"), first.stderr
    (made,) = directory.kept["applications"]
    assert made["web"]["redirectUris"] == [f"{APP}/.auth/login/aad/callback"]
    assert made["web"]["implicitGrantSettings"] == {"enableIdTokenIssuance": True}
    assert made["identifierUris"] == ["api://client"]
    assert [one["value"] for one in made["appRoles"]] == ["SecurityReader", "ConnectorContributor"]
    assert directory.kept["principals"] == [{"appId": "client"}]
    assert "password" not in json.dumps(directory.kept).lower()
    before = directory.changes
    again = directory.run("--app", APP)
    assert (again.returncode, again.stdout) == (0, "client\n")
    assert "Everything is as it should be." in again.stderr
    assert directory.changes == before


def test_a_dry_run_changes_nothing_and_says_what_would(directory: Directory) -> None:
    told = directory.run("--app", APP, "--dry-run")
    assert (told.returncode, told.stdout) == (0, "")
    assert '[dry run] Registration "ado-connector": would be made.' in told.stderr
    assert directory.changes == []
    directory.run("--app", APP)
    before = directory.changes
    other = directory.run("--app", "https://other.azurewebsites.net", "--dry-run")
    assert "web would be set" in other.stderr
    assert directory.changes == before


def test_what_it_has_besides_stays(directory: Directory) -> None:
    directory.run("--app", APP)
    kept = directory.kept
    (made,) = kept["applications"]
    own = {"id": "1", "value": "SecurityReader/projects", "displayName": "x", "isEnabled": True}
    made["appRoles"] = [own]
    made["web"]["redirectUris"] = ["https://own.example/callback"]
    directory.write(kept)
    assert directory.run("--app", APP).returncode == 0
    (mended,) = directory.kept["applications"]
    assert mended["appRoles"][0] == own
    assert [one["value"] for one in mended["appRoles"]] == [
        "SecurityReader/projects",
        "SecurityReader",
        "ConnectorContributor",
    ]
    assert mended["web"]["redirectUris"] == [
        "https://own.example/callback",
        f"{APP}/.auth/login/aad/callback",
    ]


def test_two_of_one_name_are_not_chosen_from(directory: Directory) -> None:
    kept = directory.kept
    kept["applications"] = [{"id": "1", "appId": "a"}, {"id": "2", "appId": "b"}]
    directory.write(kept)
    told = directory.run("--app", APP)
    assert told.returncode == 1
    assert "(a, b)" in told.stderr
    assert directory.changes == []


def test_what_the_azure_cli_says_is_told(directory: Directory) -> None:
    directory.write({**directory.kept, "broken": "Please run 'az login' to setup account."})
    told = directory.run("--app", APP)
    assert told.returncode == 1
    assert "Please run 'az login'" in told.stderr
    assert "Traceback" not in told.stderr


def test_without_the_azure_cli_it_says_so(tmp_path: Path) -> None:
    told = Directory(tmp_path, with_cli=False).run("--app", APP)
    assert (told.returncode, told.stderr.count("az login")) == (1, 1)


@pytest.mark.parametrize("app", ["func", "http://x.azurewebsites.net", "https://x/path", "https://"])
def test_an_address_that_is_none_is_refused(directory: Directory, app: str) -> None:
    told = directory.run("--app", app)
    assert told.returncode == 2
    assert "--app" in told.stderr
    assert directory.kept["calls"] == []
