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
import re
import sys
import uuid
from typing import Any
from urllib.parse import urlsplit

from local.azure_cli import SetupProblem, az, ended
from shared.model.viewer import CONNECTOR_CONTRIBUTOR, SECURITY_READER

_GRAPH = "https://graph.microsoft.com/v1.0/applications"
_SELECT = "$select=id,appId,displayName,api,appRoles,identifierUris,web,signInAudience"
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


_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})+", re.IGNORECASE)


def wanted(name: str, app: str) -> dict[str, Any]:
    """The registration as it should be, but for what it has besides."""
    return {
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        # Of version 1 by default, with another issuer than the one that the app's sign-in is told to trust.
        "api": {"requestedAccessTokenVersion": 2},
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
    api = known.get("api") or {}
    if not goal["api"].items() <= api.items():
        change["api"] = {**api, **goal["api"]}
    if known.get("signInAudience") != goal["signInAudience"]:
        change["signInAudience"] = goal["signInAudience"]
    name = f"api://{known['appId']}"
    if name not in (known.get("identifierUris") or []):
        change["identifierUris"] = [*(known.get("identifierUris") or []), name]
    return change


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


def _address(told: str) -> str:
    """The address of an app as it is registered; empty for what is none."""
    try:
        parts = urlsplit(told.strip())
        _ = parts.port  # reading it checks it
    except ValueError:
        return ""
    named = _HOST.fullmatch(parts.hostname or "")
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return f"https://{parts.netloc}" if parts.scheme == "https" and named and not more else ""


def main(arguments: list[str] | None = None) -> int:
    """0 when it is as it should be, 1 when it could not be made so, 2 for wrong options, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="scripts/setup-identity", description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="ado-connector", help="name of the registration (%(default)s)")
    parser.add_argument(
        "--app", required=True, metavar="URL", help="address of the app: https://NAME.azurewebsites.net"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    told = parser.parse_args(arguments)
    app = _address(told.app)
    if not app:
        parser.error(
            f'--app: "{told.app}" is not the address of an app, such as https://NAME.azurewebsites.net. '
            "In a new terminal FUNCTION_APP_NAME is empty: docs/deploy/README.md tells how to set it again."
        )
    if not told.name.strip():
        parser.error("--name: is empty. Give the registration a name.")

    def work() -> None:
        client = set_up(told.name.strip(), app, dry_run=told.dry_run)
        if client:
            sys.stdout.write(f"{client}\n")

    return ended(work)


if __name__ == "__main__":
    sys.exit(main())
