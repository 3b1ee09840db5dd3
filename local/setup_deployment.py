"""The identity that pipelines deploy an environment as.

    scripts/setup-deployment --github contoso/ado-connector
    scripts/setup-deployment --issuer https://login.microsoftonline.com/TENANT/v2.0 --subject /eid1/...
    scripts/setup-deployment --remove

A registration in Microsoft Entra ID that trusts tokens of one environment of one repository, or of one
service connection, and no password; and the roles that a deployment takes. Speaks through the Azure CLI, as
whoever is signed in to it; reads from azd what was deployed. What is there is left as it is; run again, it
changes nothing. Standard output is what the pipeline has to know, as NAME=VALUE; none of it is secret.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.azd import values
from local.azure_cli import SetupProblem, az, ended
from local.setup_identity import find

INFRA = Path(__file__).parent.parent / "infra"

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ACCESS_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
LOG_ANALYTICS_CONTRIBUTOR = "92aaf0da-9dab-42b6-94a3-d43ce8d16293"

ACTIONS = (
    "Microsoft.Resources/deployments/cancel/action",
    "Microsoft.Resources/deployments/operations/read",
    "Microsoft.Resources/deployments/operationstatuses/read",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/deployments/validate/action",
    "Microsoft.Resources/deployments/whatIf/action",
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/subscriptions/locations/read",
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
)
"""On the subscription, since the template is one of the subscription: start a deployment, keep the group's
tags. What a deployment makes takes a role of its own, where it makes it."""

_GITHUB = "https://token.actions.githubusercontent.com"
_GITHUB_REPOSITORY = re.compile(r"([\w.-]+(?:@\d+)?)/([\w.-]+(?:@\d+)?)")
_AUDIENCE = "api://AzureADTokenExchange"
_ROLE_ID = re.compile(r"^var \w+ = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'$", re.MULTILINE)
_PARAMETER = re.compile(r"\$\{([A-Z_]+)")


@dataclass(frozen=True)
class Trust:
    """Whose tokens are taken."""

    issuer: str
    subject: str

    @property
    def name(self) -> str:
        """The same each time, so that a credential that is there is known again."""
        return f"deploy-{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.issuer} {self.subject}').hex[:12]}"


@dataclass(frozen=True)
class Given:
    """A role that the identity is to have."""

    role: str
    scope: str
    called: str
    condition: str = ""


def given_roles() -> list[str]:
    """The roles that the templates give, and no other may be given."""
    return sorted(
        {one for file in INFRA.glob("*.bicep") for one in _ROLE_ID.findall(file.read_text("utf-8"))}
    )


def condition(roles: list[str]) -> str:
    """Lets these roles be given and taken away, and no other.

    The form is that of https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples
    ("Constrain roles"): what is asked for is checked when a role is given, what is there when it is taken.
    """
    listed = "{" + ", ".join(roles) + "}"
    kind = "Microsoft.Authorization/roleAssignments"
    return " AND ".join(
        f"((!(ActionMatches{{'{kind}/{verb}'}})) OR "
        f"(@{where}[{kind}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {listed}))"
        for verb, where in (("write", "Request"), ("delete", "Resource"))
    )


def wanted(known: Mapping[str, str], starter: str) -> Iterator[Given]:
    """The roles of the identity; `starter` is the role that may start deployments."""
    subscription = f"/subscriptions/{known['AZURE_SUBSCRIPTION_ID']}"
    group = f"{subscription}/resourceGroups/{known['AZURE_RESOURCE_GROUP']}"
    limited = condition(given_roles())
    yield Given(starter, subscription, "starts deployments")
    yield Given(CONTRIBUTOR, group, "makes and changes what stands in the group, and deploys the app")
    yield Given(ACCESS_ADMINISTRATOR, group, "gives the roles of docs/deploy, and no other", limited)
    if vault := known.get("EXISTING_KEY_VAULT_ID"):
        yield Given(ACCESS_ADMINISTRATOR, vault, "gives the roles on the existing vault", limited)
    if namespace := known.get("EXISTING_SERVICE_BUS_ID"):
        yield Given(CONTRIBUTOR, namespace, "makes the queues in the existing namespace")
        yield Given(ACCESS_ADMINISTRATOR, namespace, "gives the roles on the queues", limited)
    if workspace := known.get("EXISTING_LOG_ANALYTICS_ID"):
        yield Given(LOG_ANALYTICS_CONTRIBUTOR, workspace, "writes logs to the existing workspace")


class Setup:
    """The identity of one environment, and what was said of it."""

    def __init__(self, name: str, known: Mapping[str, str], *, dry_run: bool) -> None:
        self.name, self._known, self._dry_run = name, known, dry_run
        self._changes = 0
        self._subscription = known["AZURE_SUBSCRIPTION_ID"]

    def make(self, trust: Trust) -> str:
        """Make all of it as it should be; returns the client id, empty where a dry run would make it."""
        known = find(self.name)
        if known is None:
            self._change(f'Registration "{self.name}"', "made")
            if not self._dry_run:
                known = az("ad", "app", "create", "--display-name", self.name)
        client = str(known["appId"]) if known else ""
        principal = self._principal(client)
        self._trust(known, trust)
        starter = self._starter()
        for one in wanted(self._known, starter):
            self._give(one, principal)
        if not self._changes:
            self._say("Everything is as it should be.")
        return client

    def remove(self) -> None:
        """Take away its roles, the registration, and the role that was made for it."""
        known = find(self.name)
        if known is not None:
            for one in self._role("assignment", "list", "--all", "--assignee", known["appId"]) or []:
                self._change(f"Role {one['roleDefinitionName']} on {one['scope']}", "taken away")
                self._change_role("assignment", "delete", "--ids", one["id"])
            self._change(f'Registration "{self.name}"', "deleted")
            self._do("ad", "app", "delete", "--id", known["appId"])
        for one in self._starters():
            left = self._role("assignment", "list", "--all", "--role", one["name"]) or []
            if any(other.get("principalName") != (known or {}).get("appId") for other in left):
                self._say(f'Role "{one["roleName"]}": stays, others have it.')
                continue
            self._change(f'Role "{one["roleName"]}"', "deleted")
            self._change_role("definition", "delete", "--name", one["name"], "--scope", self._whole)
        if not self._changes:
            self._say("There is nothing to remove.")

    @property
    def _whole(self) -> str:
        return f"/subscriptions/{self._subscription}"

    def _principal(self, client: str) -> str:
        found = az("ad", "sp", "list", "--filter", f"appId eq '{client}'") if client else []
        if found:
            return str(found[0]["id"])
        self._change("Service principal", "made")
        return "" if self._dry_run else str(az("ad", "sp", "create", "--id", client)["id"])

    def _trust(self, known: dict[str, Any] | None, trust: Trust) -> None:
        credentials = az("ad", "app", "federated-credential", "list", "--id", known["appId"]) if known else []
        if any((one["issuer"], one["subject"]) == (trust.issuer, trust.subject) for one in credentials or []):
            return
        self._change(f"Trust in tokens of {trust.issuer} for {trust.subject}", "made")
        asked = {
            "name": trust.name,
            "issuer": trust.issuer,
            "subject": trust.subject,
            "audiences": [_AUDIENCE],
        }
        words = ("--id", known["appId"] if known else "", "--parameters", json.dumps(asked, sort_keys=True))
        self._do("ad", "app", "federated-credential", "create", *words)

    def _starters(self) -> list[dict[str, Any]]:
        words = ("--custom-role-only", "true", "--name", self._starter_name, "--scope", self._whole)
        return self._role("definition", "list", *words) or []

    @property
    def _starter_name(self) -> str:
        """Names of roles are unique in a tenant, hence the subscription."""
        return f"ado-connector deployments in {self._subscription}"

    def _starter(self) -> str:
        found = self._starters()
        if found:
            (one,) = found
            allowed = {
                action for part in one.get("permissions") or [] for action in part.get("actions") or []
            }
            if allowed == set(ACTIONS):
                return str(one["name"])
        self._change(f'Role "{self._starter_name}"', "brought up to date" if found else "made")
        role = {
            "Name": self._starter_name,
            "Description": "Starts deployments. What they make takes other roles.",
            "IsCustom": True,
            "Actions": list(ACTIONS),
            "NotActions": [],
            "AssignableScopes": [self._whole],
        }
        if found:
            role["Id"] = found[0]["name"]
        if self._dry_run:
            return str(found[0]["name"]) if found else ""
        verb = "update" if found else "create"
        made = self._role("definition", verb, "--role-definition", json.dumps(role, sort_keys=True))
        return str(made["name"])

    def _give(self, one: Given, principal: str) -> None:
        if principal and one.role:
            asked = ("--assignee", principal, "--role", one.role, "--scope", one.scope)
            there = self._role("assignment", "list", *asked) or []
            same = [other for other in there if (other.get("condition") or "") == one.condition]
            if same:
                return
            for other in there:
                # A condition of an earlier version: roles have come or gone since.
                self._change_role("assignment", "delete", "--ids", other["id"])
        self._change(f"Role on {one.scope} ({one.called})", "given")
        words = ("--role", one.role, "--scope", one.scope)
        limited = ("--condition", one.condition, "--condition-version", "2.0") if one.condition else ()
        who = ("--assignee-object-id", principal, "--assignee-principal-type", "ServicePrincipal")
        self._change_role("assignment", "create", *who, *words, *limited)

    def _role(self, *words: str) -> Any:  # noqa: ANN401 - whatever the CLI answers
        """Of this subscription, whichever the CLI is set to."""
        return az("role", *words, "--subscription", self._subscription)

    def _change_role(self, *words: str) -> None:
        if not self._dry_run:
            self._role(*words)

    def _do(self, *words: str) -> None:
        if not self._dry_run:
            az(*words)

    def _change(self, what: str, done: str) -> None:
        self._changes += 1
        self._say(f"{what}: {'would be' if self._dry_run else 'is'} {done}.")

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{'[dry run] ' if self._dry_run else ''}{text}\n")


def variables(known: Mapping[str, str], client: str) -> Iterator[str]:
    """What the pipeline has to know: who it is, and each choice that is not as by default."""
    if client:
        yield f"AZURE_CLIENT_ID={client}"
    told = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    names = [one[1] for value in told.values() if (one := _PARAMETER.match(value["value"]))]
    for name in ("AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", *names):
        if known.get(name):
            yield f"{name}={known[name]}"


def main(arguments: list[str] | None = None) -> int:
    """0 when it is as it should be, 1 when it could not be made so, 2 for wrong options, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="scripts/setup-deployment", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--environment", default="", metavar="NAME", help="environment of azd (the chosen one)"
    )
    parser.add_argument(
        "--github",
        metavar="OWNER/REPOSITORY",
        help="repository on GitHub; OWNER@ID/REPOSITORY@ID where its tokens carry ids",
    )
    parser.add_argument(
        "--github-environment", default="production", metavar="NAME", help="its environment (%(default)s)"
    )
    parser.add_argument(
        "--issuer", metavar="URL", help="issuer that a service connection of Azure DevOps names"
    )
    parser.add_argument("--subject", metavar="TEXT", help="subject that it names")
    parser.add_argument("--remove", action="store_true", help="take all of it away")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    told = parser.parse_args(arguments)
    trust = None if told.remove else _trust(parser, told)

    def work() -> None:
        known = values(told.environment)
        for name in ("AZURE_ENV_NAME", "AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP"):
            if not known.get(name):
                raise SetupProblem(f"{name}: azd knows none. Deploy once by hand, with: azd up.")
        setup = Setup(f"ado-connector-deploy-{known['AZURE_ENV_NAME']}", known, dry_run=told.dry_run)
        if trust is None:
            setup.remove()
            return
        for line in variables(known, setup.make(trust)):
            sys.stdout.write(f"{line}\n")

    return ended(work)


def _trust(parser: argparse.ArgumentParser, told: argparse.Namespace) -> Trust:
    if told.github:
        if told.issuer or told.subject:
            parser.error("--github: goes without --issuer and --subject.")
        if not _GITHUB_REPOSITORY.fullmatch(told.github):
            parser.error(f'--github: "{told.github}" is no repository, such as contoso/ado-connector.')
        environment = told.github_environment.replace(":", "%3A")
        if not environment.strip():
            parser.error("--github-environment: is empty. Name the environment that asks for approval.")
        return Trust(_GITHUB, f"repo:{told.github}:environment:{environment}")
    if not (told.issuer and told.subject):
        parser.error("Say who deploys: --github OWNER/REPOSITORY, or --issuer URL and --subject TEXT.")
    if not told.issuer.startswith("https://"):
        parser.error(f'--issuer: "{told.issuer}" is no https address.')
    return Trust(told.issuer, told.subject)


if __name__ == "__main__":
    sys.exit(main())
