"""The registration in Microsoft Entra ID that people and programs sign in to the deployed app with.

    scripts/setup-identity --name ado-connector --app https://func-ado-connector-x.azurewebsites.net
    scripts/setup-identity --name ado-connector --app https://... --dry-run

Speaks through the Azure CLI, as whoever is signed in to it (`az login`). What is there is left as it is; what
is missing or otherwise is set; run again, it changes nothing. It makes no secret: browsers are signed in with
id tokens alone. The last line of standard output is the client id, for `azd env set API_CLIENT_ID`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import uuid
from typing import Any
from urllib.parse import urlsplit

from shared.model.viewer import CONNECTOR_CONTRIBUTOR, SECURITY_READER

_GRAPH = "https://graph.microsoft.com/v1.0/applications"
_SELECT = "$select=id,appId,displayName,appRoles,identifierUris,web,signInAudience"
_SPACE = uuid.UUID("6f3d1d0e-6d5c-4a55-9d0a-1f4c7c5b2a10")
"""Roles have the same ids each time, so that one that is there is known again."""

_ROLES = {
    SECURITY_READER: ("Security Reader", "Sees everything that the connector knows."),
    CONNECTOR_CONTRIBUTOR: (
        "Connector Contributor",
        "Sees everything, exempts findings, onboards and removes.",
    ),
}
_CALLBACK = "/.auth/login/aad/callback"


class SetupProblem(Exception):
    """What is wrong, and what to do."""


def wanted(name: str, app: str) -> dict[str, Any]:
    """The registration as it should be, but for what it has besides."""
    return {
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "web": {
            "redirectUris": [f"{app}{_CALLBACK}"],
            "implicitGrantSettings": {"enableIdTokenIssuance": True},
        },
        "appRoles": [
            {
                "id": str(uuid.uuid5(_SPACE, value)),
                "value": value,
                "displayName": title,
                "description": told,
                "allowedMemberTypes": ["User", "Application"],
                "isEnabled": True,
            }
            for value, (title, told) in _ROLES.items()
        ],
    }


def missing(known: dict[str, Any], goal: dict[str, Any]) -> dict[str, Any]:
    """What to change so that it is as it should be; roles and addresses that it has besides stay."""
    change: dict[str, Any] = {}
    web, goal_web = known.get("web") or {}, goal["web"]
    addresses = list(web.get("redirectUris") or [])
    tokens = (web.get("implicitGrantSettings") or {}).get("enableIdTokenIssuance") is True
    if not set(goal_web["redirectUris"]) <= set(addresses) or not tokens:
        change["web"] = {
            "redirectUris": list(dict.fromkeys([*addresses, *goal_web["redirectUris"]])),
            "implicitGrantSettings": goal_web["implicitGrantSettings"],
        }
    roles = {one.get("value"): one for one in known.get("appRoles") or []}
    if any(one["value"] not in roles or not roles[one["value"]].get("isEnabled") for one in goal["appRoles"]):
        mine = {
            one["value"]: {**one, **({"id": roles[one["value"]]["id"]} if one["value"] in roles else {})}
            for one in goal["appRoles"]
        }
        change["appRoles"] = [*(one for value, one in roles.items() if value not in mine), *mine.values()]
    if known.get("signInAudience") != goal["signInAudience"]:
        change["signInAudience"] = goal["signInAudience"]
    name = f"api://{known['appId']}"
    if name not in (known.get("identifierUris") or []):
        change["identifierUris"] = [*(known.get("identifierUris") or []), name]
    return change


def az(*words: str) -> Any:  # noqa: ANN401 - whatever the CLI answers
    """The Azure CLI's answer. Raises `SetupProblem`."""
    program = shutil.which("az")
    if program is None:
        raise SetupProblem("The Azure CLI (az) is not on the path. Install it, then run: az login.")
    done = subprocess.run(  # noqa: S603 - a program of the operator's
        [program, *words, "--only-show-errors", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = told[-1] if told else f"exit code {done.returncode}"
        raise SetupProblem(f"az {' '.join(words[:3])}: {last} If you are not signed in, run: az login.")
    try:
        return json.loads(done.stdout) if done.stdout.strip() else None
    except ValueError:
        raise SetupProblem(
            f"az {' '.join(words[:3])}: its answer is not JSON. Update the Azure CLI."
        ) from None


def request(method: str, url: str, body: object = None) -> Any:  # noqa: ANN401 - as above
    """The answer of Microsoft Graph."""
    words = ["rest", "--method", method, "--url", url]
    if body is not None:
        words += ["--headers", "Content-Type=application/json", "--body", json.dumps(body, sort_keys=True)]
    return az(*words)


def find(name: str) -> dict[str, Any] | None:
    """The registration of this name. Raises `SetupProblem` where there are several."""
    quoted = name.replace("'", "''").replace(" ", "%20").replace("&", "%26").replace("#", "%23")
    answer = request("get", f"{_GRAPH}?$filter=displayName%20eq%20'{quoted}'&{_SELECT}") or {}
    found: list[dict[str, Any]] = answer.get("value") or []
    if len(found) > 1:
        ids = ", ".join(str(one.get("appId")) for one in found)
        raise SetupProblem(
            f'--name: {len(found)} registrations are called "{name}" ({ids}). Choose another name.'
        )
    return found[0] if found else None


def set_up(name: str, app: str, *, dry_run: bool) -> str:
    """Make the registration as it should be; returns its client id, empty where a dry run would make it."""
    goal = wanted(name, app)
    known = find(name)
    if known is None:
        _say(f'Registration "{name}": {"would be made" if dry_run else "is made"}.', dry_run=dry_run)
        if dry_run:
            return ""
        known = request("post", _GRAPH, goal)
    change = missing(known, goal)
    for part in change:
        _say(f'Registration "{name}": {part} {"would be set" if dry_run else "is set"}.', dry_run=dry_run)
    if change and not dry_run:
        request("patch", f"{_GRAPH}/{known['id']}", change)
    client = str(known["appId"])
    principals = az("ad", "sp", "list", "--filter", f"appId eq '{client}'") or []
    if not principals:
        _say(f"Service principal: {'would be made' if dry_run else 'is made'}.", dry_run=dry_run)
        if not dry_run:
            az("ad", "sp", "create", "--id", client)
    if not change and principals:
        _say("Everything is as it should be.", dry_run=dry_run)
    return client


def _say(text: str, *, dry_run: bool) -> None:
    sys.stderr.write(f"{'[dry run] ' if dry_run else ''}{text}\n")


def main(arguments: list[str] | None = None) -> int:
    """0 when it is as it should be, 1 when it could not be made so, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="scripts/setup-identity", description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="ado-connector", help="name of the registration (%(default)s)")
    parser.add_argument(
        "--app", required=True, metavar="URL", help="address of the app: https://NAME.azurewebsites.net"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    told = parser.parse_args(arguments)
    parts = urlsplit(told.app)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        parser.error(
            f'--app: "{told.app}" is not the address of an app, such as https://NAME.azurewebsites.net.'
        )
    if not told.name.strip():
        parser.error("--name: is empty. Give the registration a name.")
    try:
        client = set_up(told.name.strip(), f"https://{parts.netloc}", dry_run=told.dry_run)
    except SetupProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    if client:
        sys.stdout.write(f"{client}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
