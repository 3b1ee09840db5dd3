"""The questions of `connector create` in a terminal: what, where, as whom, which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from cli.connector_document import checked, problems_in
from cli.connector_fields import API_VERSION, KIND, ConnectorDocument
from cli.connector_review import MODES, PLANS
from cli.output import note
from shared.model.connector import AuthKind, DiscoveryMode, Plan

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime

_KINDS = {
    AuthKind.USER: "a person, who signs in now; finds organizations by itself",
    AuthKind.MANAGED_IDENTITY: "managed identity of the deployed app; nothing that expires (recommended)",
    AuthKind.SERVICE_PRINCIPAL: "application with a secret, a certificate or a federated token",
    AuthKind.PAT: "personal access token, for trials; taken from ADO_PAT",
    AuthKind.AZURE_CLI: "whoever ran 'az login' on this machine",
}
_LISTING = (AuthKind.USER, AuthKind.PAT, AuthKind.AZURE_CLI)


def document_by_asking(runtime: Runtime) -> ConnectorDocument:
    """Ask everything that a connector needs; each answer is checked before the next question."""
    note("A connector connects Azure DevOps organizations. Ctrl-C at any time leaves everything as it is.")
    note("")
    taken = {one.name.casefold() for one in runtime.state.connectors()}
    written: dict[str, object] = {"apiVersion": API_VERSION, "kind": KIND}

    def free(name: str) -> str:
        return f'there already is a connector "{name}".' if name.casefold() in taken else ""

    written["name"] = _text(written, "name", "Name of the connector", "contoso", also=free)
    _optional(written, "subscription", "Azure subscription (its id; Enter for none)")
    _optional(written, "resourceGroup", "Resource group (Enter for none)")
    _optional(written, "region", "Azure region, such as westeurope (Enter for none)")
    plans = {one.value: PLANS[one] for one in Plan}
    written["plan"] = _choice("Plan", plans, Plan.FOUNDATIONAL.value)
    written["tenant"] = _text(
        written,
        "tenant",
        "Microsoft Entra tenant of the organizations (id or domain)",
        _known_tenant(runtime),
    )
    note("")
    kind = AuthKind(_choice("Sign in to Azure DevOps as", {k.value: v for k, v in _KINDS.items()}, "user"))
    written["identity"] = _identity(written, kind)
    if kind not in _LISTING:
        note("Azure DevOps lists no organizations for it: they are named, or a person lists them.")
        lister = _choice(
            "List organizations as",
            {"none": "nobody: I name them", **{k.value: _KINDS[k] for k in _LISTING}},
            "none",
        )
        if lister != "none":
            written["discoverAs"] = {"kind": lister}
    note("")
    _organizations(written)
    written["installExtension"] = click.confirm(
        "Install the Container Mapping extension where it is shared with an organization? It is the only "
        "write to Azure DevOps",
        default=False,
        err=True,
    )
    _tracing(written)
    note("")
    return checked(written)


def _tracing(written: dict[str, object]) -> None:
    """What may be read to trace images; nothing unless it is asked for."""
    question = "Trace container images to their code? Logs, registries and Azure are read, as far as you say"
    if not click.confirm(question, default=False, err=True):
        return
    written["readBuildLogs"] = click.confirm(
        "Read logs of finished runs that pushed images", default=True, err=True
    )
    asked = {
        "registries": "Container registries to read, such as contoso.azurecr.io (Enter for none)",
        "tracedSubscriptions": "Azure subscriptions to look for running images in (ids; Enter for none)",
    }
    for field, about in asked.items():
        names = _names(written, field, about, empty=True)
        if names:
            written[field] = names


def _known_tenant(runtime: Runtime) -> str | None:
    """The tenant of the connectors that there are."""
    tenants = {one.tenant for one in runtime.state.connectors()}
    return tenants.pop() if len(tenants) == 1 else None


def _identity(written: dict[str, object], kind: AuthKind) -> dict[str, object]:
    identity: dict[str, object] = {"kind": kind.value}
    if kind is AuthKind.SERVICE_PRINCIPAL:
        identity["clientId"] = _nested(written, identity, "clientId", "Application (client) id")
    if kind is AuthKind.MANAGED_IDENTITY:
        answer = _nested(
            written,
            identity,
            "clientId",
            "Client id (Enter for the app's own, system-assigned one)",
            empty=True,
        )
        if answer:
            identity["clientId"] = answer
    return identity


def _organizations(written: dict[str, object]) -> None:
    can_list = "discoverAs" in written or _kind_of(written) in {one.value for one in _LISTING}
    modes = {one.value: MODES[one] for one in DiscoveryMode}
    if not can_list:
        del modes[DiscoveryMode.EXISTING_AND_FUTURE.value]
    default = DiscoveryMode.EXISTING_AND_FUTURE.value if can_list else DiscoveryMode.SELECTED.value
    written["mode"] = _choice("Organizations", modes, default)
    if written["mode"] == DiscoveryMode.SELECTED.value or not can_list:
        written["organizations"] = _names(
            written, "organizations", "Names of the organizations, with spaces between", empty=False
        )
    excluded = _names(
        written, "exclude", "Names or patterns never to take, such as sandbox-* (Enter for none)", empty=True
    )
    if excluded:
        written["exclude"] = excluded


def _kind_of(written: dict[str, object]) -> str:
    identity = written["identity"]
    return str(identity["kind"]) if isinstance(identity, dict) else ""


def _names(written: dict[str, object], field: str, question: str, *, empty: bool) -> list[str]:
    while True:
        answer = _ask(question, "" if empty else None)
        names = answer.replace(",", " ").split()
        if not names and empty:
            return []
        if not _refused({**written, field: names}, field):
            return names


def _text(
    written: dict[str, object],
    field: str,
    question: str,
    default: str | None,
    also: Callable[[str], str] = lambda _: "",
) -> str:
    while True:
        answer = _ask(question, default)
        other = also(answer)
        if other:
            note(f"  {other} Choose another.")
        elif not _refused({**written, field: answer}, field):
            return answer


def _optional(written: dict[str, object], field: str, question: str) -> None:
    while True:
        answer = _ask(question, "")
        if not answer:
            return
        if not _refused({**written, field: answer}, field):
            written[field] = answer
            return


def _nested(
    written: dict[str, object],
    identity: dict[str, object],
    field: str,
    question: str,
    *,
    empty: bool = False,
) -> str:
    while True:
        answer = _ask(question, "" if empty else None)
        if not answer and empty:
            return ""
        if not _refused({**written, "identity": {**identity, field: answer}}, f"identity.{field}"):
            return answer


def _refused(written: dict[str, object], field: str) -> bool:
    """Whether the answer for this field is wrong; says why. What was not asked yet is not missed."""
    wrong = [one for one in problems_in(written) if one.field == field or one.field.startswith(f"{field}[")]
    for one in wrong:
        note(f"  {one.problem} {one.fix}")
    return bool(wrong)


def _choice(question: str, choices: dict[str, str], default: str) -> str:
    """One of several, by its number or its name."""
    names: Sequence[str] = list(choices)
    note(f"{question}:")
    for number, name in enumerate(names, 1):
        note(f"  {number}  {name:<20} {choices[name]}")
    while True:
        answer = _ask("Number or name", default)
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer.casefold() in names:
            return answer.casefold()
        note(f"  Give a number from 1 to {len(names)}, or one of the names.")


def _ask(question: str, default: str | None) -> str:
    answer: str = click.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()
