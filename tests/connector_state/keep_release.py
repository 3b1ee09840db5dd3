"""Keeps what the present version writes, for the tests of later ones: run it once for each release.

python -m tests.connector_state.keep_release
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from azure.data.tables import TableClient

from local.ado_simulator import Simulator
from tests.azurite.server import shared
from tests.connector_state.test_released import RELEASED, change, fresh_world

_KEPT = {
    "connectors": ("id", "name", "tenant", "mode", "region"),
    "organizations": ("id", "name", "onboardingState", "projects", "repositories"),
    "inventory": ("kind", "id", "name", "projectId", "firstSeen", "retiredAt"),
    "exemptions": ("id", "reason", "by", "expiresAt"),
}


def keep(url: str, queue: str) -> dict[str, Any]:
    """Two runs over the world, through the command line; what it then tells."""
    world = fresh_world()
    with Simulator(world) as simulator:
        environment = {
            **os.environ,
            "STATE_URL": url,
            "QUEUE_URL": queue,
            "ADO_GATEWAY_URL": simulator.url,
            "ADO_PAT": world.token,
        }

        def run(*arguments: str) -> str:
            command = [sys.executable, "-m", "cli.main", *arguments]
            return subprocess.run(  # noqa: S603 - our own program
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            ).stdout

        run(
            *("connector", "create", "--name", "main", "--mode", "existing-and-future", "--auth", "pat"),
            *("--tenant", "contoso.com", "--subscription", "9b2b1f04-2f0c-4c0e-8f3a-5a2d7d1c0001"),
            *("--resource-group", "security", "--region", "westeurope"),
        )
        run("run", "--once")
        change(world)
        run("run", "--once", "--now")
        run(
            *("exemptions", "add", "--rule", "ADO-REPO-*", "--reason", "Archived in spring."),
            *("--expires", "2027-10-31", "--by", "ana@contoso.com"),
        )
        run("run", "--once", "--now")
        told = {
            name: json.loads(run(*arguments, "--output", "json"))
            for name, arguments in {
                "connectors": ("connector", "list"),
                "organizations": ("organizations", "list"),
                "inventory": ("inventory", "list", "--include-retired"),
                "recommendations": ("recommendations", "list"),
                "journal": ("journal", "list", "--limit", "10000"),
                "exemptions": ("exemptions", "list"),
            }.items()
        }
    return {
        **{name: [{key: one[key] for key in keys} for one in told[name]] for name, keys in _KEPT.items()},
        "recommendations": [
            [one["rule"], one["resourceId"], one["lastStatus"]] for one in told["recommendations"]
        ],
        "journal": [[one["id"], one["event"], one["subject"]] for one in told["journal"]],
    }


def write(name: str, text: str) -> None:
    """One file, the same for the same text."""
    (RELEASED / f"{name}.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main() -> None:
    """Both stores of this version."""
    release = version("ado-connector")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.db"
        told = keep(f"sqlite:///{file}", f"sqlite:///{folder}/queue.db")
        connection = sqlite3.connect(file)
        write(f"{release}.sqlite", "\n".join(connection.iterdump()) + "\n")
        connection.close()
        write(f"{release}.sqlite.told.json", json.dumps(told, ensure_ascii=False))
        azurite = shared()
        told = keep(azurite.url("released"), f"sqlite:///{folder}/queue2.db")
    lines = []
    with TableClient.from_connection_string(azurite.connection_string, "released") as table:
        for entity in table.list_entities():
            values = {
                key: {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
                for key, value in entity.items()
            }
            lines.append(json.dumps(values, ensure_ascii=False))
    write(f"{release}.tables", "\n".join(lines) + "\n")
    write(f"{release}.tables.told.json", json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
