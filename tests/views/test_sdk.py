"""Azure's own SDK for Defender, pointed at the running app, in both versions that are in use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.views.bench import (
    ASSESSMENTS_VERSION,
    CONTOSO,
    GROUP,
    MAIN,
    SUBSCRIPTION,
    TOKEN,
    Bench,
    fill,
    path_of,
    project,
    repository,
    repository_id,
)

ROOT = Path(__file__).parents[2]
CLIENT = Path(__file__).with_name("sdk_client.py")
MANY = 5_000


def listed_by(version: str, bench: Bench, *more: str) -> dict[str, Any]:
    folder = ROOT / ".venv" / f"azure-mgmt-security-{version}"
    assert folder.is_dir(), "scripts/install-peers installs it"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(CLIENT), bench.host.http_url, TOKEN, SUBSCRIPTION, GROUP, "main", *more],
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("version", ["7", "8"])
def test_the_sdk_lists_everything(version: str, empty: Bench) -> None:
    fill(empty)
    found = listed_by(version, empty)
    assert [one["name"] for one in found["connectors"]] == ["main", "other"]
    assert [one["name"] for one in found["inGroup"]] == ["main"]
    assert found["connector"] == found["inGroup"][0] == found["connectors"][0]
    assert found["configurations"] == [found["configuration"]]
    assert [one["name"] for one in found["available"]] == ["contoso", "fabrikam", "tailspin"]
    assert [one["name"] for one in found["organizations"]] == ["contoso", "fabrikam"]
    assert [one["name"] for one in found["projects"]] == ["Web Shop", "Hush Project", "Other"]
    assert {one["name"] for one in found["repositories"]} == {
        "shop",
        "späti",
        "left",
        "hush-repository",
        "fabrikam-repository",
        "repository-12",
    }
    listed = {
        one["id"]: one
        for key in found
        if key != "absent" and isinstance(found[key], list)
        for one in items(found[key])
    }
    assert len(found["single"]) > 10
    for one in found["single"]:
        assert one == listed[one["id"]]
    everything = empty.everything(
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/assessments", ASSESSMENTS_VERSION
    )
    assert [one["id"] for one in found["assessments"][0]] == [one["id"] for one in everything]
    assert found["absent"] == ["ResourceNotFoundError", 404, "ResourceNotFound"]


def items(value: list[Any]) -> list[dict[str, Any]]:
    return [one for part in value for one in (part if isinstance(part, list) else [part]) if "id" in one]


def test_the_old_sdk_reads_what_is_told_into_its_own_fields(empty: Bench) -> None:
    fill(empty)
    found = listed_by("7", empty)
    shop = next(one for one in found["repositories"] if one["name"] == "shop")
    assert shop["properties"] == {
        "provisioning_status_message": "OK",
        "provisioning_status_update_time_utc": "2026-03-01T12:00:00.000Z",
        "provisioning_state": "Succeeded",
        "parent_org_name": "contoso",
        "parent_project_name": "Web Shop",
        "repo_id": repository_id(1),
        "repo_url": "https://dev.azure.com/contoso/p/_git/repository-1",
        "visibility": "private",
        "onboarding_state": "Onboarded",
    }
    assessed = next(
        one for one in found["assessments"][1] if one.get("status", {}).get("code") == "Unhealthy"
    )
    assert assessed["resource_details"] == {
        "source": "Azure",
        "id": f"{path_of()}/devops/default/azureDevOpsOrgs/contoso/projects/Web Shop/repos/shop",
    }
    assert assessed["status"]["first_evaluation_date"] == "2026-03-01T12:00:00.000Z"
    assert assessed["metadata"]["severity"] in {"High", "Medium", "Low"}
    assert assessed["additional_data"] == {"n": "1"}


def test_the_new_sdk_loses_nothing(empty: Bench) -> None:
    fill(empty)
    found = listed_by("8", empty)
    assert found["repositories"][:3] == empty.everything(f"{path_of('contoso', 'Web Shop')}/repos")
    assert found["assessments"][0] == empty.everything(
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/assessments", ASSESSMENTS_VERSION
    )


@pytest.mark.parametrize("version", ["7", "8"])
def test_the_sdk_pages_through_five_thousand_repositories(version: str, empty: Bench) -> None:
    empty.connect(MAIN, "main")
    empty.enroll(MAIN, CONTOSO, "contoso")
    empty.add(CONTOSO, [project(1)], [repository(number) for number in range(MANY)])
    found = listed_by(version, empty, "inventory")
    assert [one["name"] for one in found["repositories"]] == [f"repository-{n}" for n in range(MANY)]
