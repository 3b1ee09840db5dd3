"""Live progress: organizations and their counts as they arrive. On stderr; a table only on a terminal."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Group as Renderables
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from cli.output import Column, console, drawn_table, many, note, printable

if TYPE_CHECKING:
    from shared.model.organization import Organization
    from shared.ports import ConnectorState

_INTERVAL = 0.25
_ROWS = 30
"""As many organizations are drawn; more would scroll away."""

_COLUMNS = (
    Column("ORGANIZATION", "name"),
    Column("PROJECTS", "projects", right=True),
    Column("REPOSITORIES", "repositories", right=True),
    Column("LAST SYNC", "lastSync"),
)


class Progress:
    """Shows what the state says while others fill it; use as a context."""

    def __init__(self, state: ConnectorState) -> None:
        self._state = state
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
        self._said: dict[str, tuple[int, int]] = {}
        self._doing = "Starting"
        self._live = (
            Live(console=console(sys.stderr), get_renderable=self._drawing, transient=True)
            if sys.stderr.isatty()
            else None
        )
        self._streams: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._logs_above_the_table()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._live is not None:
            self._live.stop()
            for handler, stream in self._streams:
                handler.stream = stream
        else:
            self._say_news()

    def doing(self, what: str) -> None:
        """What is under way now."""
        self._doing = what
        if self._live is None:
            note(f"{what} ...")

    def say(self, what: str) -> None:
        """Something that happened, for good: it stays above the table."""
        if self._live is None:
            note(what)
        else:
            self._live.console.print(Text(printable(what)))

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL):
            if self._live is None:
                self._say_news()

    def _say_news(self) -> None:
        for one in self._organizations():
            counts = (one.projects, one.repositories)
            if one.id not in self._said:
                note(f"found organization {one.name}")
                self._said[one.id] = (0, 0)
            if self._said[one.id] != counts:
                self._said[one.id] = counts
                note(f"{one.name}: {many(one.projects, 'project')}, {many(one.repositories, 'repository')}")

    def _organizations(self) -> list[Organization]:
        from shared.ports import StateUnavailable  # noqa: PLC0415 - loaded with the state

        try:
            return sorted(self._state.organizations(), key=lambda one: one.name.casefold())
        except StateUnavailable:
            return []

    def _drawing(self) -> RenderableType:
        known = self._organizations()
        rows = [
            {
                "name": one.name,
                "projects": one.projects,
                "repositories": one.repositories,
                "lastSync": f"{one.last_complete_listing:%H:%M:%S}" if one.last_complete_listing else "...",
            }
            for one in known[:_ROWS]
        ]
        projects, repositories = sum(one.projects for one in known), sum(one.repositories for one in known)
        total = ", ".join(
            (
                many(len(known), "organization"),
                many(projects, "project"),
                many(repositories, "repository"),
            )
        )
        return Renderables(
            drawn_table(rows, _COLUMNS), Text(f"{printable(self._doing)} ... {total}", style="dim")
        )

    def _logs_above_the_table(self) -> None:
        for handler in logging.getLogger("ado_connector").handlers:
            if isinstance(handler, logging.StreamHandler):
                self._streams.append((handler, handler.stream))
                handler.stream = sys.stderr
