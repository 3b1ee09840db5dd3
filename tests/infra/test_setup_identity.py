"""The registration is made once, mended where it is otherwise, and not touched when all is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.azure import Azure
from tests.infra.bicep import ROOT, template

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
    # The issuer that app.bicep names is that of tokens of version 2.
    assert made["api"] == {"requestedAccessTokenVersion": 2}
    assert "/v2.0'" in template("app").text
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
    made["api"] = {"requestedAccessTokenVersion": None, "knownClientApplications": ["other"]}
    directory.write(kept)
    assert directory.run("--app", APP).returncode == 0
    (mended,) = directory.kept["applications"]
    assert mended["appRoles"][0] == own
    assert [one["value"] for one in mended["appRoles"]] == [
        "SecurityReader/projects",
        "SecurityReader",
        "ConnectorContributor",
    ]
    assert mended["api"] == {"requestedAccessTokenVersion": 2, "knownClientApplications": ["other"]}
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


@pytest.mark.parametrize("said", ["ERROR: Please run 'az login'", "ERROR: Please run 'az login'."])
def test_what_it_adds_to_what_the_azure_cli_says_is_a_sentence_of_its_own(
    directory: Directory, said: str
) -> None:
    directory.write({**directory.kept, "broken": said})
    assert "Please run 'az login'. If you are not signed in" in directory.run("--app", APP).stderr


@pytest.mark.parametrize(
    ("module", "options"),
    [("setup_identity", ("--app", APP)), ("setup_deployment", ("--github", "contoso/ado-connector"))],
)
def test_ctrl_c_is_told_without_a_trace(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], module: str, options: tuple[str, ...]
) -> None:
    azure = Azure(tmp_path / "programs", capfd)
    (azure.folder / "az").write_text("#!/bin/sh\nkill -INT $PPID\n", encoding="utf-8")
    # In a process of its own: the key reaches the program that waits, not the tests.
    told = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", f"local.{module}", *options],
        env={**os.environ, **azure.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (130, "")
    assert told.stderr == "Broken off. The same command again goes on.\n"


def test_without_the_azure_cli_it_says_so(tmp_path: Path) -> None:
    told = Directory(tmp_path, with_cli=False).run("--app", APP)
    assert (told.returncode, told.stderr.count("az login")) == (1, 1)


@pytest.mark.parametrize(
    "app",
    [
        "func",
        "http://x.azurewebsites.net",
        "https://x/path",
        "https://",
        "https://[::1",
        "https://x.azurewebsites.net:99999",
        "https://ana@x.azurewebsites.net",
        # What "https://$FUNCTION_APP_NAME.azurewebsites.net" is in a new terminal.
        "https://.azurewebsites.net",
    ],
)
def test_an_address_that_is_none_is_refused(directory: Directory, app: str) -> None:
    told = directory.run("--app", app)
    assert told.returncode == 2
    assert f'--app: "{app}" is not the address of an app' in told.stderr
    assert "In a new terminal FUNCTION_APP_NAME is empty" in told.stderr
    assert "Traceback" not in told.stderr
    assert directory.kept["calls"] == []
