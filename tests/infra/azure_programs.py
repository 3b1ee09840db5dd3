"""What the stand-ins of `tests/infra/azure.py` do when they are called.

They are called some hundred times, so this imports next to nothing.
"""

from __future__ import annotations

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Kept: TypeAlias = dict[str, Any]


class Failed(Exception):
    """What the program says as it fails."""


class Pressed(Exception):
    """Ctrl-C is pressed, which reaches the program that waits for this one."""


def az(place: str) -> None:
    """The Azure CLI."""
    _program(place, "az", _AZ)


def azd(place: str) -> None:
    """The Azure Developer CLI."""
    _program(place, "azd", _AZD)


def _program(place: str, name: str, commands: dict[str, Callable[[Kept, Words], Any]]) -> None:
    with open(place, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes its time to load
        kept = json.load(file)
    words = sys.argv[1:]
    kept["calls"].append([name, *words])
    answer, pressed = None, False
    try:
        answer = _answered(kept, Words(words), commands)
    except Failed as failed:
        sys.stderr.write(f"{failed}\n")
        sys.exit(1)
    except Pressed:
        pressed = True
    finally:
        with open(place, "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
            json.dump(kept, file)
    if pressed:
        # Not before all is kept: whoever is interrupted soon kills the program that it waited for.
        import os  # noqa: PLC0415 - for this alone
        import signal  # noqa: PLC0415

        os.kill(os.getppid(), signal.SIGINT)
    if answer is not None:
        sys.stdout.write(answer if name == "azd" else json.dumps(answer))


def _answered(kept: Kept, words: Words, commands: dict[str, Callable[[Kept, Words], Any]]) -> Any:
    for begin, command in commands.items():
        if words[: len(begin.split())] == begin.split():
            if begin in kept["broken"]:
                raise Failed(kept["broken"][begin])
            return command(kept, words)
    raise Failed(f"{' '.join(words[:3])} is not a command that the stand-in knows.")


class Words(list[str]):
    """The words of a call."""

    def told(self, name: str) -> str:
        return self[self.index(name) + 1] if name in self else ""


def _rest(kept: Kept, words: Words) -> Any:
    url = words.told("--url").replace("%20", " ")
    return {"value": [one for one in kept["applications"] if f"'{one['displayName']}'" in url]}


def _make_application(kept: Kept, words: Words) -> Any:
    number = len(kept["applications"]) + 1
    one = {"id": f"object-{number}", "appId": f"client-{number}", "displayName": words.told("--display-name")}
    kept["applications"].append(one)
    return one


def _application(kept: Kept, words: Words) -> Any:
    for one in kept["applications"]:
        if one["appId"] == words.told("--id"):
            return one
    raise Failed(f"ERROR: Resource '{words.told('--id')}' does not exist.")


def _filtered_applications(kept: Kept, words: Words) -> Any:
    return [one for one in kept["applications"] if f"'{one['appId']}'" in words.told("--filter")]


def _delete_application(kept: Kept, words: Words) -> None:
    kept["applications"].remove(_application(kept, words))


def _principals(kept: Kept, words: Words) -> Any:
    return [one for one in kept["principals"] if f"'{one['appId']}'" in words.told("--filter")]


def _make_principal(kept: Kept, words: Words) -> Any:
    one = {"id": f"principal-of-{words.told('--id')}", "appId": words.told("--id")}
    kept["principals"].append(one)
    return one


def _make_credential(kept: Kept, words: Words) -> Any:
    kept["credentials"].append(json.loads(words.told("--parameters")))
    return kept["credentials"][-1]


def _definitions(kept: Kept, words: Words) -> Any:
    return [one for one in kept["definitions"] if one["roleName"] == words.told("--name")]


def _define(kept: Kept, words: Words) -> Any:
    asked = json.loads(words.told("--role-definition"))
    kept["definitions"] = [one for one in kept["definitions"] if one["roleName"] != asked["Name"]]
    one = {"name": "starter", "roleName": asked["Name"], "permissions": [{"actions": asked["Actions"]}]}
    kept["definitions"].append(one)
    return one


def _undefine(kept: Kept, words: Words) -> None:
    kept["definitions"] = [one for one in kept["definitions"] if one["name"] != words.told("--name")]


def _assignments(kept: Kept, words: Words) -> Any:
    asked = {"role": words.told("--role"), "scope": words.told("--scope")}
    who = words.told("--assignee")
    return [
        one
        for one in kept["assignments"]
        if all(one[key] == value for key, value in asked.items() if value)
        and (not who or who in (one["principalId"], one["principalName"]))
    ]


def _assign(kept: Kept, words: Words) -> Any:
    principal = words.told("--assignee-object-id")
    one = {
        "id": f"assignment-{len(kept['calls'])}",
        "role": words.told("--role"),
        "roleDefinitionId": f"/providers/x/{words.told('--role')}",
        "roleDefinitionName": words.told("--role"),
        "scope": words.told("--scope"),
        "condition": words.told("--condition") or None,
        "principalId": principal,
        "principalName": principal.removeprefix("principal-of-"),
    }
    kept["assignments"].append(one)
    return one


def _unassign(kept: Kept, words: Words) -> None:
    kept["assignments"] = [one for one in kept["assignments"] if one["id"] != words.told("--ids")]


def _group_exists(kept: Kept, words: Words) -> Any:
    return words.told("--name") in kept["groups"]


def _delete_group(kept: Kept, words: Words) -> None:
    made = kept["groups"].pop(words.told("--name"))
    kept["deleted_vaults"] += [name for kind, name in made if kind == "Microsoft.KeyVault/vaults"]


def _resources(kept: Kept, words: Words) -> Any:
    made = kept["groups"].get(words.told("--resource-group"), [])
    return [{"type": kind, "name": name} for kind, name in made]


def _deleted_vaults(kept: Kept, _: Words) -> Any:
    return [{"name": one} for one in kept["deleted_vaults"]]


def _purge_vault(kept: Kept, words: Words) -> None:
    kept["deleted_vaults"].remove(words.told("--name"))


def _queues(kept: Kept, words: Words) -> Any:
    return [{"name": one} for one in kept["queues"].get(words.told("--namespace-name"), [])]


def _delete_queue(kept: Kept, words: Words) -> None:
    kept["queues"][words.told("--namespace-name")].remove(words.told("--name"))


def _secrets(kept: Kept, words: Words) -> Any:
    return [{"name": one} for one in kept["secrets"].get(words.told("--vault-name"), [])]


def _delete_secret(kept: Kept, words: Words) -> None:
    kept["secrets"][words.told("--vault-name")].remove(words.told("--name"))


def _app(kept: Kept, words: Words) -> Any:
    if not any(["Microsoft.Web/sites", words.told("--name")] in made for made in kept["groups"].values()):
        raise Failed("ERROR: ResourceNotFound")
    return {"state": kept["state"], "defaultHostName": kept["host"]}


def _stop(kept: Kept, _: Words) -> None:
    kept["state"] = "Stopped"


def _functions(kept: Kept, words: Words) -> Any:
    return [{"name": f"{words.told('--name')}/{one}"} for one in kept["functions"]]


_AZ: dict[str, Callable[[Kept, Words], Any]] = {
    "rest": _rest,
    "ad app create": _make_application,
    "ad app list": _filtered_applications,
    "ad app delete": _delete_application,
    "ad app federated-credential list": lambda kept, _: kept["credentials"],
    "ad app federated-credential create": _make_credential,
    "ad sp list": _principals,
    "ad sp create": _make_principal,
    "role definition list": _definitions,
    "role definition create": _define,
    "role definition update": _define,
    "role definition delete": _undefine,
    "role assignment list": _assignments,
    "role assignment create": _assign,
    "role assignment delete": _unassign,
    "group exists": _group_exists,
    "group delete": _delete_group,
    "resource list": _resources,
    "keyvault list-deleted": _deleted_vaults,
    "keyvault purge": _purge_vault,
    "keyvault secret list": _secrets,
    "keyvault secret delete": _delete_secret,
    "servicebus queue list": _queues,
    "servicebus queue delete": _delete_queue,
    "functionapp show": _app,
    "functionapp stop": _stop,
    "functionapp function list": _functions,
}


def _provision(_: Kept, __: Words) -> str:
    return "SUCCESS: Your application was provisioned.\n"


def _values(kept: Kept, words: Words) -> str:
    name = words.told("--environment")
    if name and name != kept["values"].get("AZURE_ENV_NAME"):
        raise Failed(f"ERROR: environment '{name}' does not exist")
    return "".join(f'{key}="{value}"\n' for key, value in kept["values"].items())


def _deploy(kept: Kept, _: Words) -> str:
    if kept.pop("ctrl_c", False):
        raise Pressed
    kept["functions"] = kept.get("functions_of_new_version", kept["functions"])
    return "SUCCESS: Your application was deployed.\n"


_AZD: dict[str, Callable[[Kept, Words], Any]] = {
    "env get-values": _values,
    "provision": _provision,
    "deploy": _deploy,
}
