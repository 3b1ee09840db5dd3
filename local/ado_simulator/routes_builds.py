"""Runs of pipelines: the listing, timelines, logs and artifacts."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from local.ado_simulator.answers import Refusal, failure, listing, ok
from local.ado_simulator.clock import wire_time
from local.ado_simulator.paging import offset_page, with_token
from local.ado_simulator.project import Project
from local.ado_simulator.resources import Run, RunStep
from local.ado_simulator.router import DEV, Call, bad_request, route
from local.ado_simulator.wire import Answer

_BUILDS = "/{organization}/{project}/_apis/build/builds"
_EMPTY_ID = "00000000-0000-0000-0000-000000000000"


@route("GET", DEV, _BUILDS, scope="vso.build", capability="builds")
def builds(call: Call) -> Answer:
    """Runs of a project, page by page; `minTime` is about the time that the order is about."""
    project = call.project()
    order = call.query.get("queryorder", "finishTimeDescending").lower()
    if order.removesuffix("ascending").removesuffix("descending") not in {
        "finishtime",
        "queuetime",
        "starttime",
    }:
        return bad_request(f"'{order}' is no order of builds.")
    status = call.query.get("statusfilter", "all").lower()
    since = _moment(call.query.get("mintime"))
    runs = [
        run
        for run in sorted(project.runs, key=lambda one: (one.finished, one.id))
        if (status == "all" or run.status.lower() == status) and (since is None or run.finished >= since)
    ]
    if order.endswith("descending"):
        runs.reverse()
    page, following, number = offset_page(call, runs)
    return with_token(listing([_build(project, run) for run in page]), following, number)


@route("GET", DEV, f"{_BUILDS}/{{run}}", scope="vso.build", capability="builds")
def build(call: Call) -> Answer:
    """One run."""
    project = call.project()
    return ok(_build(project, _run(call, project)))


@route("GET", DEV, f"{_BUILDS}/{{run}}/timeline", scope="vso.build", capability="builds")
def timeline(call: Call) -> Answer:
    """Jobs and steps of a run; without records where it never started."""
    project = call.project()
    run = _run(call, project)
    records = _records(project, run) if run.timeline else None
    return ok({"records": records, "lastChangedBy": _EMPTY_ID, "changeId": 61, "id": _guid(run, "timeline")})


@route("GET", DEV, f"{_BUILDS}/{{run}}/logs", scope="vso.build", capability="builds")
def logs(call: Call) -> Answer:
    """Which logs a run has."""
    project = call.project()
    run = _run(call, project)
    return listing(
        [
            {
                "lineCount": len(lines),
                "createdOn": wire_time(run.finished),
                "id": number,
                "type": "Container",
                "url": _log_url(project, run, number),
            }
            for number, lines in _logs(run).items()
        ]
    )


@route("GET", DEV, f"{_BUILDS}/{{run}}/logs/{{log}}", scope="vso.build", capability="builds")
def log(call: Call) -> Answer:
    """One log: text where that is asked for, else its lines as JSON."""
    project = call.project()
    run = _run(call, project)
    lines = _logs(run).get(int(call.parameters["log"]) if call.parameters["log"].isdigit() else 0)
    if lines is None:
        return failure(404, "BuildLogNotFoundException", "The log does not exist.")
    stamped = [f"{wire_time(run.finished)} {line}" for line in lines]
    if "text/plain" not in call.request.headers.get("accept", ""):
        return listing(stamped)
    text = "".join(f"{line}\r\n" for line in stamped)
    return Answer(200, b"\xef\xbb\xbf" + text.encode(), "text/plain")


@route("GET", DEV, f"{_BUILDS}/{{run}}/artifacts", scope="vso.build", capability="builds")
def artifacts(call: Call) -> Answer:
    """What a run published."""
    project = call.project()
    run = _run(call, project)
    return listing(
        [
            {
                "id": number,
                "name": name,
                "source": _guid(run, name),
                "resource": {
                    "type": "PipelineArtifact",
                    "data": f"{number:064X}",
                    "properties": {"artifactsize": "1024"},
                    "url": f"{_url(project, run)}/artifacts?artifactName={name}&api-version=7.1",
                },
            }
            for number, name in enumerate(run.artifacts, start=1)
        ]
    )


def _run(call: Call, project: Project) -> Run:
    for run in project.runs:
        if str(run.id) == call.parameters["run"]:
            return run
    message = f"The requested build {call.parameters['run']} could not be found."
    raise Refusal(failure(404, "BuildNotFoundException", message))


def _build(project: Project, run: Run) -> dict[str, Any]:
    finished = wire_time(run.finished)
    repository = project.repositories.get(run.repository_id or "")
    document: dict[str, Any] = {
        "_links": {
            "self": {"href": _url(project, run)},
            "web": {"href": f"https://dev.azure.com/{project.organization.name}/{project.id}/_build/results?buildId={run.id}"},
        },
        "properties": {},
        "tags": [],
        "validationResults": [],
        "triggerInfo": {} if run.pull_request is None else {"pr.number": str(run.pull_request)},
        "id": run.id,
        "buildNumber": run.number,
        "status": run.status,
        "queueTime": finished,
        "startTime": finished,
        "url": _url(project, run),
        "definition": {
            "drafts": [],
            "id": run.definition.id,
            "name": run.definition.name,
            "path": run.definition.path,
            "type": "build",
        },
        "project": {"id": project.id, "name": project.name, "state": project.state},
        "uri": f"vstfs:///Build/Build/{run.id}",
        "sourceBranch": run.branch,
        "sourceVersion": run.commit,
        "reason": "individualCI" if run.pull_request is None else "pullRequest",
        "requestedFor": {"displayName": run.requested_for, "id": _EMPTY_ID, "uniqueName": ""},
        "repository": {"id": run.repository_id or _EMPTY_ID, "type": "TfsGit", "clean": None},
    }  # fmt: skip
    if repository is not None:
        document["repository"]["name"] = repository.name
    if run.status == "completed":
        document |= {"result": run.result, "finishTime": finished}
    return document


def _records(project: Project, run: Run) -> list[dict[str, Any]]:
    numbers = _numbers(run)
    records: list[dict[str, Any]] = []
    for job in dict.fromkeys(step.job for step in run.steps):
        of_job = RunStep(job, task=None, record="Job")
        records.append(_record(project, run, of_job, f"job {job}", numbers.get(job)))
        for index, step in enumerate(run.steps):
            if step.job == job:
                key = f"step {index}"
                parent = _guid(run, f"job {job}")
                records.append(_record(project, run, step, key, numbers.get(key)) | {"parentId": parent})
    return records


def _record(project: Project, run: Run, step: RunStep, key: str, number: int | None) -> dict[str, Any]:
    log = {"id": number, "type": "Container", "url": _log_url(project, run, number)} if number else None
    task = {"id": _guid(run, step.task), "name": step.task, "version": "2.0.0"} if step.task else None
    return {
        "previousAttempts": [],
        "id": _guid(run, key),
        "parentId": None,
        "type": step.record,
        "name": step.name,
        "startTime": wire_time(run.finished),
        "finishTime": wire_time(run.finished),
        "state": "completed",
        "result": step.result,
        "log": log,
        "task": task,
        "attempt": 1,
        "issues": [{"type": "error", "category": "General", "message": one} for one in step.errors],
    }


def _numbers(run: Run) -> dict[str, int]:
    """The number of each log: steps in their order, then jobs."""
    keys = [f"step {index}" for index, step in enumerate(run.steps) if step.log is not None]
    keys += list(dict.fromkeys(step.job for step in run.steps if step.log is not None))
    return {key: number for number, key in enumerate(keys, start=1)}


def _logs(run: Run) -> dict[int, list[str]]:
    """Lines by number; a job's log holds what all of its steps printed."""
    numbers = _numbers(run)
    found: dict[int, list[str]] = {}
    for index, step in enumerate(run.steps):
        if step.log is not None:
            found[numbers[f"step {index}"]] = step.log
            found.setdefault(numbers[step.job], [])
            found[numbers[step.job]] = [*found[numbers[step.job]], *step.log]
    return found


def _guid(run: Run, key: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run.id} {key}"))


def _url(project: Project, run: Run) -> str:
    return f"https://dev.azure.com/{project.organization.name}/{project.id}/_apis/build/Builds/{run.id}"


def _log_url(project: Project, run: Run, number: int) -> str:
    return f"{_url(project, run)}/logs/{number}"


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(bad_request(f"'{text}' is no time.")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
