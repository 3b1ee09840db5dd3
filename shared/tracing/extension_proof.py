"""Whether the Container Mapping extension works: told by what pipelines did, not by its being installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.mapping import Edge, Node, Source
from shared.tracing.run_facts import DECORATED, DECORATOR_PROBLEM, DECORATOR_REPORTED, PUSHED

_NAMED_MOST = 5


class PipelineStatus(StrEnum):
    """What a pipeline shows of the extension."""

    REPORTS = "reports"
    """The decorator's report stood in a log, and its last run left no error."""
    FAILING = "failing"
    """The decorator left an error in its last run."""
    SILENT = "silent"
    """The pipeline pushes images, and no report of any kind was ever seen of it."""
    REPORTS_HERE = "reportsHere"
    """Its own task reports to this app; of the extension nothing was seen."""
    IDLE = "idle"
    """The decorator ran, and there was nothing to report."""


class Works(StrEnum):
    """Whether the extension works, as far as runs tell. Unknown is neither."""

    WORKS = "works"
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PipelineProof:
    """What was last seen of one pipeline. Times are None for what was never seen."""

    key: str
    name: str
    status: PipelineStatus
    pushed_at: datetime | None
    decorated_at: datetime | None
    reported_at: datetime | None
    """When the decorator's report last stood in a log."""
    reported_here_at: datetime | None
    """When the pipeline's own task last reported to this app."""
    problem: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the extension works in an organization, what that rests on, and what to do."""

    works: Works
    reason: str
    fix: str


def proof_of(pipeline: Node, runs: Iterable[Edge]) -> PipelineProof | None:
    """What is known of a pipeline, with the edges of its runs; None where nothing of it matters here."""
    pushed, decorated, reported = (
        _time(pipeline.attributes.get(name, "")) for name in (PUSHED, DECORATED, DECORATOR_REPORTED)
    )
    here = max((one.seen_at for one in runs if one.source is Source.REPORT), default=None)
    problem = pipeline.attributes.get(DECORATOR_PROBLEM, "")
    if problem:
        status = PipelineStatus.FAILING
    elif reported is not None:
        status = PipelineStatus.REPORTS
    elif here is not None:
        status = PipelineStatus.REPORTS_HERE
    elif pushed is not None:
        status = PipelineStatus.SILENT
    elif decorated is not None:
        status = PipelineStatus.IDLE
    else:
        return None
    return PipelineProof(pipeline.id.key, pipeline.name, status, pushed, decorated, reported, here, problem)


def judge(pipelines: Sequence[PipelineProof], *, reads_logs: bool) -> Proof:
    """Whether the extension works: it does where a report was seen, and nothing speaks against it."""
    failing, silent, reporting = (
        [one for one in pipelines if one.status is status]
        for status in (PipelineStatus.FAILING, PipelineStatus.SILENT, PipelineStatus.REPORTS)
    )
    if failing:
        return Proof(
            Works.DOUBTFUL,
            f"It left errors in {_named(failing)}: {failing[0].problem}",
            "See the log of its step in the last run of that pipeline.",
        )
    if silent:
        return Proof(
            Works.DOUBTFUL,
            f"{_named(silent)} pushed images, and no report of them was seen.",
            "It sees only what a Docker daemon on the agent does: for images built otherwise (kaniko, "
            "buildah, az acr build, dotnet publish) let the connector read registries. Else check that no "
            "job switches decorators off.",
        )
    if reporting:
        return Proof(Works.WORKS, f"Its report stood in a log of {_named(reporting)}.", "")
    if not reads_logs:
        return Proof(
            Works.UNKNOWN,
            "Whether pipelines report stands in their logs, which the connector does not read.",
            "Let it: `readBuildLogs: true` in the connector document.",
        )
    return Proof(
        Works.UNKNOWN,
        "No run with the extension was seen that had an image to report.",
        "Run a pipeline that pushes one.",
    )


def _named(pipelines: Sequence[PipelineProof]) -> str:
    names = [one.name or one.key.rpartition("/")[2] for one in pipelines]
    more = len(names) - _NAMED_MOST
    return ", ".join(names[:_NAMED_MOST]) + (f" and {more} more pipelines" if more > 0 else "")


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
