"""Which logs of a run are worth a request, told by its timeline alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from shared.model.run import TimelineRecord

_TASKS = frozenset({"docker", "dockercompose", "dockerv2", "buildpushdocker", "azurecontainerapps"})
"""Tasks whose business is pushing, by their name in lower case."""
_SCRIPTS = frozenset(
    {
        "cmdline",
        "bash",
        "powershell",
        "pwsh",
        "shellscript",
        "batchscript",
        "azurecli",
        "dotnetcorecli",
        "make",
    }
)
"""Tasks that push where their name says so: they run whatever the pipeline holds."""
_PUSHES = re.compile(
    r"\b(?:docker|buildx|kaniko|buildah|podman|acr|containers?|images?|push|oci|publishcontainer)\b"
)
_WORDS = re.compile(r"[^a-z0-9]+")
_DECORATOR_TASK = "microsoftsecuritydevops"
_DECORATOR_NAMES = ("container mapping", "defender for devops")
_NO_DOCKER_EVENTS = "NoDockerEvents"
_DONE = frozenset({"succeeded", "succeededWithIssues", "failed"})


@dataclass(frozen=True, slots=True)
class LogPlan:
    """Which one log of a run to read, and what stays unread.

    `log` is 0 where nothing pushed. `steps` are the names of the steps that the log covers; `unread` of those
    that pushed and that it does not cover.
    """

    log: int = 0
    steps: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    decorated: bool = False
    """Whether the Container Mapping decorator ran."""
    decorator_problem: str = ""
    """What it reported as an error, or that it failed."""


def plan_logs(records: Sequence[TimelineRecord], more_steps: Iterable[str] = ()) -> LogPlan:
    """The log that tells most of what was pushed: a step's, or its job's where several steps of it pushed.

    `more_steps` are patterns (`*`, `?`) of further names of steps that push. A step that failed may have
    pushed before; one that was skipped or canceled has no log that counts.
    """
    patterns = tuple(pattern.casefold() for pattern in more_steps)
    decorators = [record for record in records if record.type == "Task" and _is_decorator(record)]
    decorated, problem = bool(decorators), _problem(decorators)
    no_events = any(record.name == _NO_DOCKER_EVENTS for record in records)
    jobs: dict[str, _Job] = {}
    for record in records:
        if record.type != "Task" or not record.log or record.result not in _DONE:
            continue
        if pushes(record, patterns) or (_is_decorator(record) and not no_events):
            jobs.setdefault(record.parent, _Job()).steps.append(record)
    if not jobs:
        return LogPlan(decorated=decorated, decorator_problem=problem)
    logs = {record.id: record.log for record in records if record.type == "Job"}
    chosen = max(jobs, key=lambda one: (len(jobs[one].steps), one))
    steps = jobs[chosen].steps
    if len(steps) > 1 and logs.get(chosen):
        log, covered = logs[chosen], steps
    else:
        log, covered = steps[0].log, steps[:1]
    unread = [step.name for job in jobs.values() for step in job.steps if step not in covered]
    return LogPlan(log, tuple(step.name for step in covered), tuple(unread), decorated, problem)


def pushes(record: TimelineRecord, more_steps: Sequence[str] = ()) -> bool:
    """Whether the step pushes images, as far as its name and its task's name tell."""
    name = record.name.casefold()
    if any(fnmatchcase(name, pattern) for pattern in more_steps):
        return True
    task = _WORDS.sub("", record.task.casefold())
    if task in _TASKS:
        return True
    return (not task or task in _SCRIPTS) and _PUSHES.search(_WORDS.sub(" ", name)) is not None


def _problem(decorators: Sequence[TimelineRecord]) -> str:
    told = [one.problem for one in decorators if one.problem]
    failed = [f'Its step "{one.name}" failed.' for one in decorators if one.result == "failed"]
    return next(iter([*told, *failed]), "")


def _is_decorator(record: TimelineRecord) -> bool:
    if _WORDS.sub("", record.task.casefold()) == _DECORATOR_TASK:
        return True
    name = record.name.casefold()
    return any(one in name for one in _DECORATOR_NAMES)


@dataclass(slots=True)
class _Job:
    steps: list[TimelineRecord] = field(default_factory=list)
