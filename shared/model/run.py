"""Finished runs of pipelines, and what their timelines tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.model.ids import ProjectId


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A run that has ended. What Azure DevOps did not tell is empty.

    `id` is unique in its organization. `repository` is the id of the repository, a GUID where it is one of
    Azure Repos; `pull_request` is its number, 0 where the run is of none; `requested_for` is who the run is
    for: whoever pushed the commit, or started it by hand.
    """

    id: int
    project: ProjectId
    finished_at: datetime
    number: str = ""
    result: str = ""
    pipeline: int = 0
    pipeline_name: str = ""
    repository: str = ""
    repository_name: str = ""
    repository_type: str = ""
    commit: str = ""
    branch: str = ""
    pull_request: int = 0
    requested_for: str = ""


@dataclass(frozen=True, slots=True)
class CommitAuthor:
    """Who wrote a commit, as the commit itself says: whoever commits may write any name."""

    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class MergedPullRequest:
    """A pull request by its number, and who approved it: sign-in names, else what they are called."""

    number: int
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineRecord:
    """One record of a run's timeline. `log` is the number of its log, 0 for none; `task` its task's name.

    `problem` is the first error that it reported, where it reported any.
    """

    id: str
    parent: str
    type: str
    name: str
    result: str = ""
    log: int = 0
    task: str = ""
    problem: str = ""
