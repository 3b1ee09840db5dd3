"""Which finished runs of each project were seen, kept between units of work so that none is read twice."""

from __future__ import annotations

import json
import zlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.model.ids import ProjectId
from shared.model.run import PipelineRun

FIRST_LOOK: Final = timedelta(days=30)
"""How far the first look at a project goes back."""
OVERLAP: Final = timedelta(minutes=15)
"""A run may be listed so much later than one that ended after it."""

_VERSION = 1

REGISTRIES: Final = "registry:"
AZURE: Final = "azure:"
"""Beginnings of checkpoints; one without is the id of the last project that was read."""


def is_checkpoint(text: str, projects: Container[str]) -> bool:
    """Whether the work goes on from there: behind one of these projects, or at a registry or subscription."""
    return text.startswith((REGISTRIES, AZURE)) or text in projects


@dataclass(frozen=True, slots=True)
class Seen:
    """Runs that ended before `since` were seen, and so were `runs`, which ended later, each with its end."""

    since: datetime
    runs: Mapping[int, datetime] = field(default_factory=dict)

    def unseen(self, runs: Iterable[PipelineRun]) -> tuple[PipelineRun, ...]:
        """Those that were not, in the order in which they ended."""
        fresh = {one.id: one for one in runs if one.id not in self.runs and one.finished_at >= self.since}
        return tuple(sorted(fresh.values(), key=lambda one: (one.finished_at, one.id)))

    def with_runs(self, runs: Iterable[PipelineRun], unread: datetime | None = None) -> Seen:
        """The same with these; what is older than the overlap is summed up.

        They are the oldest unseen ones, but for some that could not be read: `unread` is when the first of
        those ended.
        """
        known = {**self.runs, **{one.id: one.finished_at for one in runs}}
        since = max(known.values(), default=self.since) - OVERLAP
        since = max(self.since, since if unread is None else min(since, unread))
        return Seen(since, {run: ended for run, ended in known.items() if ended >= since})


@dataclass(frozen=True, slots=True)
class SeenRuns:
    """Every project of an organization that had runs. `began` is when it was first looked at."""

    began: datetime
    projects: Mapping[ProjectId, Seen] = field(default_factory=dict)

    def of(self, project: ProjectId) -> Seen:
        """What was seen of a project; nothing before the first look's reach."""
        return self.projects.get(project) or Seen(self.began - FIRST_LOOK)

    def with_project(self, project: ProjectId, seen: Seen) -> SeenRuns:
        """The same with this project."""
        return replace(self, projects={**self.projects, project: seen})


def pack_seen(seen: SeenRuns) -> bytes:
    """As bytes to keep."""
    projects = {
        project: [one.since.isoformat(), {str(run): ended.isoformat() for run, ended in one.runs.items()}]
        for project, one in seen.projects.items()
    }
    document = {"version": _VERSION, "began": seen.began.isoformat(), "projects": projects}
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode())


def unpack_seen(content: bytes, now: datetime) -> SeenRuns:
    """What was kept; a first look where nothing was, or where another version of the app kept it."""
    if not content:
        return SeenRuns(now)
    document = json.loads(zlib.decompress(content))
    if document.get("version") != _VERSION:
        return SeenRuns(now)
    projects = {
        ProjectId(project): Seen(_moment(since), {int(run): _moment(ended) for run, ended in runs.items()})
        for project, (since, runs) in document["projects"].items()
    }
    return SeenRuns(_moment(document["began"]), projects)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def is_sound(content: bytes) -> bool:
    """Whether `pack_seen` wrote this, in this version of the app or another."""
    try:
        unpack_seen(content, datetime.max.replace(tzinfo=UTC))
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
        return False
    return True
