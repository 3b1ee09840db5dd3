"""The part of host.json that the local host obeys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.host.functions import IndexingError
from local.host.schedule import ScheduleError, parse_span

_SERVICE_BUS = "extensions.serviceBus"


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What host.json asks for. The defaults are those of the Functions host."""

    max_concurrent_calls: int = 16
    """How many messages of one queue are worked on at once."""
    max_lock_renewal: timedelta = timedelta(minutes=5)
    """For how long the lock of a message is renewed while its function runs."""
    function_timeout: timedelta | None = timedelta(minutes=30)
    """How long a run may take; None for as long as it likes."""
    route_prefix: str = "api"
    """What stands before the route of each HTTP function; empty for nothing."""


def read_host_json(file: Path) -> HostOptions:
    """The options in the file. Raises `IndexingError`, which names the file and the key."""
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IndexingError(f"There is no {file}: every Functions app has a host.json.") from None
    except (OSError, ValueError) as error:
        raise IndexingError(f"{file}: cannot be read ({error}).") from None
    top = _object(plain, file, "the file")
    if top.get("version") != "2.0":
        raise IndexingError(f'{file}: version: is not "2.0".')
    extensions = _object(top.get("extensions", {}), file, "extensions")
    bus = _object(extensions.get("serviceBus", {}), file, _SERVICE_BUS)
    if bus.get("autoCompleteMessages", True) is not True:
        raise IndexingError(f"{file}: {_SERVICE_BUS}.autoCompleteMessages: this host knows true only.")
    http = _object(extensions.get("http", {}), file, "extensions.http")
    prefix = http.get("routePrefix", HostOptions().route_prefix)
    if not isinstance(prefix, str) or "{" in prefix:
        raise IndexingError(f"{file}: extensions.http.routePrefix: is not a fixed text.")
    defaults = HostOptions()
    return HostOptions(
        max_concurrent_calls=_count(
            bus.get("maxConcurrentCalls", defaults.max_concurrent_calls),
            file,
            f"{_SERVICE_BUS}.maxConcurrentCalls",
        ),
        max_lock_renewal=_duration(
            bus.get("maxAutoLockRenewalDuration"),
            defaults.max_lock_renewal,
            file,
            f"{_SERVICE_BUS}.maxAutoLockRenewalDuration",
        ),
        route_prefix=prefix.strip("/"),
        function_timeout=None
        if top.get("functionTimeout") == "-1"
        else _duration(
            top.get("functionTimeout"), defaults.function_timeout or timedelta.max, file, "functionTimeout"
        ),
    )


def _object(value: object, file: Path, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise IndexingError(f"{file}: {where}: is not a JSON object.")
    return value


def _count(value: object, file: Path, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise IndexingError(f"{file}: {where}: is not a whole number of 1 or more.")
    return value


def _duration(value: object, default: timedelta, file: Path, where: str) -> timedelta:
    if value is None:
        return default
    try:
        return parse_span(str(value))
    except ScheduleError as error:
        raise IndexingError(f"{file}: {where}: {error}") from None
