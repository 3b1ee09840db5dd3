"""Reads the functions of an app as the Functions host does: from its decorators, never from a second list."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import azure.functions as func

from local.host.schedule import Schedule, ScheduleError

Lookup = Callable[[str], str | None]
"""The value of an app setting, or None when there is none."""

_CONTEXT = "context"
"""A parameter of this name is given the invocation's context, without a binding."""

_SETTING = re.compile(r"%([^%]*)%")

_read: WeakKeyDictionary[func.FunctionApp, tuple[Any, ...]] = WeakKeyDictionary()
"""An app answers only once which functions it has."""


class IndexingError(ValueError):
    """The app cannot be hosted; the message names the function, the binding and what is wrong."""


@dataclass(frozen=True, slots=True)
class TimerFunction:
    """A function with a timer trigger."""

    name: str
    call: Callable[..., Any]
    binding: str
    wants_context: bool
    folder: Path
    schedule: Schedule
    use_monitor: bool


@dataclass(frozen=True, slots=True)
class QueueFunction:
    """A function with a Service Bus queue trigger."""

    name: str
    call: Callable[..., Any]
    binding: str
    wants_context: bool
    folder: Path
    queue: str


@dataclass(frozen=True, slots=True)
class HttpFunction:
    """A function with an HTTP trigger, at `/{route}` behind the prefix of host.json, open to everybody.

    With `takes_more` whatever stands behind the route is the function's, too.
    """

    name: str
    call: Callable[..., Any]
    binding: str
    wants_context: bool
    folder: Path
    route: str
    methods: tuple[str, ...]
    takes_more: bool = False


Function = TimerFunction | QueueFunction | HttpFunction

_REST = re.compile(r"/\{\*[A-Za-z]+\}$")
"""The end of a route that takes everything behind it."""


def read_functions(app: func.FunctionApp, lookup: Lookup) -> tuple[Function, ...]:
    """Every function of the app, in the order of the file. Raises `IndexingError`."""
    functions = _functions_of(app)
    if not functions:
        raise IndexingError("The app has no functions.")
    return tuple(_function(one, lookup) for one in functions)


def _functions_of(app: func.FunctionApp) -> tuple[Any, ...]:
    known = _read.get(app)
    if known is None:
        with _without_remarks():
            known = tuple(app.get_functions())
        _read[app] = known
    return known


@contextmanager
def _without_remarks() -> Iterator[None]:
    """The library warns on the root logger about HTTP keys, which an app without HTTP triggers has none of.

    With no handler there, that warning would even install one, and everything would be logged twice.
    """
    root = logging.getLogger()
    quiet = logging.NullHandler()

    def drop(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Auth level is not applied")

    root.addHandler(quiet)
    root.addFilter(drop)
    try:
        yield
    finally:
        root.removeFilter(drop)
        root.removeHandler(quiet)


def _function(function: Any, lookup: Lookup) -> Function:  # noqa: ANN401 - not exported by the library
    name = str(function.get_function_name())
    call = function.get_user_function()
    # What an HTTP function returns has a binding, too: the library adds it.
    bindings = [one for one in function.get_bindings_dict()["bindings"] if one.get("type") != "http"]
    if len(bindings) != 1:
        names = ", ".join(str(one.get("type")) for one in bindings)
        raise IndexingError(
            f"{name}: has the bindings {names}; this host knows functions with a trigger only."
        )
    (binding,) = bindings
    parameters = set(inspect.signature(call).parameters)
    wants_context = _CONTEXT in parameters
    unbound = parameters - {binding["name"], _CONTEXT}
    if binding["name"] not in parameters or unbound:
        raise IndexingError(
            f"{name}: has the parameters {', '.join(sorted(parameters)) or '(none)'}, "
            f"and its binding is named {binding['name']}."
        )
    common: dict[str, Any] = {
        "name": name,
        "call": call,
        "binding": str(binding["name"]),
        "wants_context": wants_context,
        "folder": Path(inspect.getfile(inspect.unwrap(call))).resolve().parent,
    }
    resolved = {
        key: _resolved(value, lookup, f"{name}: binding {binding['name']} ({binding['type']}), {key}")
        for key, value in binding.items()
    }
    if binding["type"] == "timerTrigger":
        if resolved.get("runOnStartup") is True:
            raise IndexingError(
                f"{name}: binding {binding['name']}, runOnStartup: this host does not know it."
            )
        return TimerFunction(
            **common,
            schedule=_schedule(name, resolved),
            use_monitor=resolved.get("useMonitor") is not False,
        )
    if binding["type"] == "serviceBusTrigger" and "queueName" in resolved:
        _only_what_is_known(name, resolved)
        return QueueFunction(**common, queue=str(resolved["queueName"]))
    if binding["type"] == "httpTrigger":
        return _http(name, resolved, common)
    raise IndexingError(
        f"{name}: has a {binding['type']}; this host knows timers, Service Bus queues and HTTP."
    )


def _http(name: str, binding: Mapping[str, object], common: Mapping[str, Any]) -> HttpFunction:
    """Rather refuse than let in whom Azure would keep out: this host has no keys."""
    route = str(binding.get("route") or name)
    if str(binding.get("authLevel", "function")).rpartition(".")[2].lower() != "anonymous":
        raise IndexingError(f"{name}: binding {binding['name']}, authLevel: this host knows anonymous only.")
    fixed = _REST.sub("", route)
    if "{" in fixed:
        raise IndexingError(
            f"{name}: binding {binding['name']}, route: this host knows fixed routes, "
            "and {*rest} at the end."
        )
    methods = binding.get("methods") or ["GET", "POST"]
    return HttpFunction(
        **common,
        route=fixed.strip("/"),
        takes_more=fixed != route,
        methods=tuple(str(one).rpartition(".")[2].upper() for one in methods)
        if isinstance(methods, list | tuple)
        else (),
    )


def _resolved(value: object, lookup: Lookup, where: str) -> object:
    """The value with every %SETTING% in it replaced."""
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        found = lookup(match[1])
        if not found:
            raise IndexingError(
                f"{where}: the setting {match[1]} is not set. Set {match[1]}, or remove %{match[1]}%."
            )
        return found

    return _SETTING.sub(replacement, value)


def _schedule(name: str, binding: Mapping[str, object]) -> Schedule:
    try:
        return Schedule(str(binding["schedule"]))
    except ScheduleError as error:
        raise IndexingError(f"{name}: binding {binding['name']} (timerTrigger), schedule: {error}") from None


def _only_what_is_known(name: str, binding: Mapping[str, object]) -> None:
    """Rather refuse than run differently from Azure."""
    if str(binding.get("cardinality", "One")).rpartition(".")[2].lower() == "many":
        raise IndexingError(f"{name}: takes many messages at a time; this host gives one.")
    for key in ("isSessionsEnabled", "autoCompleteMessages"):
        if binding.get(key) is (key == "isSessionsEnabled"):
            raise IndexingError(f"{name}: binding {binding['name']}, {key}: this host does not know it.")
