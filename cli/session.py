"""Opens what a command works with: settings, state, queue. The heavy parts load only here."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.command import invocation
from cli.problems import CannotTell, WrongOption

if TYPE_CHECKING:
    from shared.model.connector import Connector
    from shared.model.organization import Organization
    from shared.ports import ConnectorState
    from shared.wiring.runtime import Runtime
    from shared.wiring.settings import Settings

_secrets: set[str] = set()
"""Values of secret settings that this process has read, so that no message can repeat one."""

_SECRET_SETTINGS = ("ADO_PAT", "AZURE_CLIENT_SECRET", "NOTIFICATION_SECRET")
_REDACTED = "***"


def settings() -> Settings:
    """The settings of this invocation. Raises `SettingsError`."""
    from shared.wiring.settings import load_settings  # noqa: PLC0415 - heavy, see the module docstring

    loaded = load_settings(invocation().settings_file)
    for secret in (loaded.ado_pat, loaded.azure_client_secret, loaded.notification_secret):
        if secret is not None:
            _secrets.add(secret.get_secret_value())
    return loaded


def redact(text: str) -> str:
    """The text without any secret."""
    known = {os.environ.get(name, "").strip() for name in _SECRET_SETTINGS} | _secrets
    for secret in sorted(known - {""}, key=len, reverse=True):
        text = text.replace(secret, _REDACTED)
    return text


@contextmanager
def opened() -> Iterator[Runtime]:
    """The process's runtime, closed at the end."""
    with using(settings()) as runtime:
        yield runtime


@contextmanager
def using(chosen: Settings) -> Iterator[Runtime]:
    """A runtime on these settings, which handlers and the host of this process use too."""
    from shared import wiring  # noqa: PLC0415 - heavy, see the module docstring
    from shared.wiring.runtime import build_runtime  # noqa: PLC0415

    runtime = build_runtime(chosen, stream_logs=True)
    wiring.use(runtime)
    try:
        yield runtime
    finally:
        wiring.use(None)
        runtime.close()


def person() -> str:
    """Who is at the keyboard, for the journal."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def find_connector(state: ConnectorState, wanted: str, option: str = "CONNECTOR") -> Connector:
    """The connector with this name or id."""
    connectors = state.connectors()
    found = [one for one in connectors if wanted.casefold() in {one.id.casefold(), one.name.casefold()}]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(one.id for one in found)
        raise WrongOption(
            option, f'several connectors are named "{wanted}".', f"Give one of their ids: {ids}."
        )
    if not connectors:
        raise no_connector()
    names = ", ".join(f'"{one.name}"' for one in connectors)
    raise WrongOption(option, f'there is no connector "{wanted}".', f"There are: {names}.")


def no_connector() -> CannotTell:
    """Nothing can be done yet."""
    return CannotTell(
        'There is no connector yet. Create one with "ado-connector connector create"; '
        '"ado-connector connector create --help" has examples.'
    )


def find_organizations(
    state: ConnectorState, wanted: str | None, option: str = "--organization"
) -> tuple[Organization, ...]:
    """Organizations with this name or id (all, when none is named), by name."""
    known = sorted(state.organizations(), key=lambda one: (one.name.casefold(), one.name, one.id))
    if wanted is None:
        return tuple(known)
    matching = named(known, wanted)
    if not matching:
        raise WrongOption(
            option,
            f'no organization "{wanted}" is known.',
            'See "ado-connector organizations list" for those that are.',
        )
    return matching


def named(known: list[Organization], wanted: str) -> tuple[Organization, ...]:
    """Organizations with this id, instance id or name, ignoring case; else those that once had the name."""
    sought = wanted.strip().casefold()
    matching = tuple(
        one for one in known if sought in {one.id.casefold(), one.instance_id.casefold(), one.name.casefold()}
    )
    return matching or tuple(one for one in known if sought in {name.casefold() for name in one.former_names})
