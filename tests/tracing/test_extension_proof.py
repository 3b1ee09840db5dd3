"""Whether the extension works: by what pipelines did, and never taken for granted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.ids import OrganizationId
from shared.model.mapping import Confidence, Edge, EdgeKind, Node, Source, pipeline_node, run_node
from shared.model.run import TimelineRecord
from shared.tracing.extension_proof import PipelineProof, PipelineStatus, Works, judge, proof_of
from shared.tracing.push_steps import plan_logs
from shared.tracing.run_facts import DECORATED, DECORATOR_PROBLEM, DECORATOR_REPORTED, PUSHED

ORGANIZATION = OrganizationId("o")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PIPELINE = pipeline_node(ORGANIZATION, 3)
TASK = "MicrosoftSecurityDevOps"
TIME = NOW.isoformat()
HERE = Edge(
    run_node(ORGANIZATION, 7), EdgeKind.RUN_OF, PIPELINE, Source.REPORT, Confidence.ATTESTED, NOW
)  # fmt: skip


def pipeline(*runs: Edge, name: str = "web-ci", **attributes: str) -> PipelineProof | None:
    return proof_of(Node(PIPELINE, NOW, name, attributes), runs)


def some(name: str = "web-ci", *runs: Edge, **attributes: str) -> PipelineProof:
    found = pipeline(*runs, name=name, **attributes)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("attributes", "runs", "status"),
    [
        ({PUSHED: TIME, DECORATED: TIME, DECORATOR_REPORTED: TIME}, (), PipelineStatus.REPORTS),
        ({PUSHED: TIME}, (), PipelineStatus.SILENT),
        ({PUSHED: TIME, DECORATED: TIME, DECORATOR_PROBLEM: ""}, (), PipelineStatus.SILENT),
        ({PUSHED: TIME}, (HERE,), PipelineStatus.REPORTS_HERE),
        ({}, (HERE,), PipelineStatus.REPORTS_HERE),
        ({DECORATED: TIME}, (), PipelineStatus.IDLE),
        ({DECORATED: TIME, DECORATOR_REPORTED: TIME, DECORATOR_PROBLEM: "403"}, (), PipelineStatus.FAILING),
        ({PUSHED: "no time"}, (), None),
        ({}, (), None),
    ],
)
def test_what_a_pipeline_shows(
    attributes: dict[str, str], runs: tuple[Edge, ...], status: PipelineStatus | None
) -> None:
    found = pipeline(*runs, **attributes)
    assert (found.status if found else None) is status


def test_times_are_those_that_were_seen() -> None:
    later = (NOW + timedelta(hours=1)).isoformat()
    found = some("web-ci", HERE, **{PUSHED: later, DECORATED: TIME, DECORATOR_REPORTED: TIME})
    assert (found.pushed_at, found.decorated_at) == (NOW + timedelta(hours=1), NOW)
    assert (found.reported_at, found.reported_here_at) == (NOW, NOW)
    assert (found.key, found.name, found.problem) == ("o/3", "web-ci", "")


REPORTING = some("reporting", **{DECORATOR_REPORTED: TIME})
SILENT = some("silent", **{PUSHED: TIME})
FAILING = some("failing", **{DECORATED: TIME, DECORATOR_PROBLEM: "403 from Defender"})
IDLE = some("idle", **{DECORATED: TIME})
OWN = some("own", HERE)


@pytest.mark.parametrize(
    ("pipelines", "works", "told"),
    [
        ([REPORTING, IDLE, OWN], Works.WORKS, "reporting"),
        ([REPORTING, SILENT], Works.DOUBTFUL, "silent"),
        ([REPORTING, SILENT, FAILING], Works.DOUBTFUL, "failing: 403 from Defender"),
        ([IDLE, OWN], Works.UNKNOWN, "No run"),
        ([], Works.UNKNOWN, "No run"),
    ],
)
def test_it_works_where_a_report_was_seen_and_nothing_speaks_against_it(
    pipelines: list[PipelineProof], works: Works, told: str
) -> None:
    proof = judge(pipelines, reads_logs=True)
    assert proof.works is works
    assert told in proof.reason
    assert bool(proof.fix) is (works is not Works.WORKS)


def test_without_logs_it_is_unknown_and_says_how_to_know() -> None:
    proof = judge([OWN], reads_logs=False)
    assert proof.works is Works.UNKNOWN
    assert "readBuildLogs" in proof.fix


def test_of_many_pipelines_some_are_named_and_the_rest_counted() -> None:
    reason = judge([some(f"p{number}", **{PUSHED: TIME}) for number in range(9)], reads_logs=True).reason
    assert "p0, p1, p2, p3, p4 and 4 more pipelines" in reason


def step(task: str = TASK, result: str = "succeeded", problem: str = "") -> TimelineRecord:
    return TimelineRecord("s", "j", "Task", "Post-job: report", result, 5, task, problem)


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([step()], ""),
        ([step(problem="Request failed: 403")], "Request failed: 403"),
        ([step(result="failed")], 'Its step "Post-job: report" failed.'),
        ([step(), step(result="failed", problem="No token")], "No token"),
        ([step(task="Docker", result="failed", problem="denied")], ""),
    ],
)
def test_only_its_own_errors_count(records: list[TimelineRecord], problem: str) -> None:
    assert plan_logs(records).decorator_problem == problem
