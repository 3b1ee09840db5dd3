"""Finished runs of pipelines: the listing, timelines and logs."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from shared.ado.area import Area
from shared.ado.calls import LIST_RUNS, READ_AUTHORS, READ_LOG, READ_PULL_REQUESTS, READ_TIMELINE
from shared.ado.pages import TOKEN_HEADER, TOKEN_PARAMETER, Page, read_pages
from shared.ado.parse import Fields, ShapeError, listed, parse_document
from shared.ado.transport import Answer
from shared.model.ids import ProjectId, RepositoryId
from shared.model.observation import Observation
from shared.model.run import CommitAuthor, MergedPullRequest, PipelineRun, TimelineRecord

T = TypeVar("T")

LOG_MOST: Final = 256 * 1024 * 1024
"""Bytes of a log that are read; what is behind them is left."""
LINE_MOST: Final = 2 * 1024 * 1024
"""Longest line that is put together, in characters; of a longer one the rest is left."""

_RUNS_A_PAGE = "200"
_COMMITS_AT_ONCE = 100
_APPROVED_WITH_SUGGESTIONS = 5


_MESSAGE_MOST = 1_000_000
"""Characters of an issue's message that are taken; it may hold what a program printed."""
_PROBLEM_MOST = 300
"""Characters of it that are kept."""


class RunsArea(Area):
    """Runs of pipelines."""

    def finished_runs(
        self, organization: str, project: ProjectId, since: datetime, *, deadline: datetime | None = None
    ) -> Observation[PipelineRun]:
        """Runs that ended at `since` or later, oldest first. Requests: one per 200 runs, at least one."""
        query = [
            ("minTime", since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
            # With this order minTime is about when a run ended: one queued long before is not missed.
            ("queryOrder", "finishTimeAscending"),
            ("statusFilter", "completed"),
            ("$top", _RUNS_A_PAGE),
        ]

        def page(answer: Answer) -> Page[PipelineRun]:
            items = [_run(fields, project) for fields in listed(parse_document(answer.read()))]
            return Page(items, answer.header(TOKEN_HEADER))

        def fetch(token: str | None) -> Page[PipelineRun]:
            parameters = [*query, *([] if token is None else [(TOKEN_PARAMETER, token)])]
            segments = {"organization": organization, "project": project}
            return self._client.request(LIST_RUNS, segments, page, query=parameters)

        def is_time_up() -> bool:
            return deadline is not None and self._client.now() >= deadline

        return read_pages(fetch, LIST_RUNS.where(organization), is_time_up=is_time_up)

    def timeline(self, organization: str, project: ProjectId, run: int) -> tuple[TimelineRecord, ...]:
        """Stages, jobs and steps of a run, without what came of earlier attempts. Requests: 1."""
        segments = {"organization": organization, "project": project, "run": str(run)}
        return self._client.document(READ_TIMELINE, segments, _timeline)

    def commit_authors(
        self, organization: str, project: ProjectId, repository: RepositoryId, commits: Sequence[str]
    ) -> Mapping[str, CommitAuthor]:
        """Authors of commits, by commit. Requests: 1 per 100 commits."""
        found: dict[str, CommitAuthor] = {}
        segments = {"organization": organization, "project": project, "repository": repository}
        for start in range(0, len(commits), _COMMITS_AT_ONCE):
            batch = list(commits[start : start + _COMMITS_AT_ONCE])
            found.update(
                self._client.document(
                    READ_AUTHORS,
                    segments,
                    lambda document: dict(_author(one) for one in listed(document)),
                    json={"ids": batch},
                )
            )
        return found

    def pull_requests_of(
        self, organization: str, project: ProjectId, repository: RepositoryId, commits: Sequence[str]
    ) -> Mapping[str, MergedPullRequest]:
        """The pull request that made each commit by its merge. Requests: 1 per 100 commits."""
        found: dict[str, MergedPullRequest] = {}
        segments = {"organization": organization, "project": project, "repository": repository}
        for start in range(0, len(commits), _COMMITS_AT_ONCE):
            batch = list(commits[start : start + _COMMITS_AT_ONCE])
            query = {"queries": [{"type": "lastMergeCommit", "items": batch}]}
            found.update(self._client.document(READ_PULL_REQUESTS, segments, _pull_requests, json=query))
        return found

    def run_log(
        self,
        organization: str,
        project: ProjectId,
        run: int,
        log: int,
        read: Callable[[Iterable[str]], T],
    ) -> T:
        """What `read` makes of the lines, which are given to it as they arrive. Requests: 1."""
        segments = {"organization": organization, "project": project, "run": str(run), "log": str(log)}
        return self._client.request(READ_LOG, segments, lambda answer: read(_lines(answer.chunks())))


def _run(fields: Fields, project: ProjectId) -> PipelineRun:
    repository = fields.nested("repository") if fields.has("repository") else Fields({})
    definition = fields.nested("definition") if fields.has("definition") else Fields({})
    person = fields.nested("requestedFor") if fields.has("requestedFor") else Fields({})
    trigger = fields.nested("triggerInfo") if fields.has("triggerInfo") else Fields({})
    number = trigger.text("pr.number", "", 20)
    return PipelineRun(
        id=fields.number("id"),
        project=project,
        finished_at=_moment(fields, "finishTime"),
        number=fields.text("buildNumber", ""),
        result=fields.text("result", ""),
        pipeline=definition.number("id") if definition.has("id") else 0,
        pipeline_name=definition.text("name", ""),
        repository=repository.text("id", "").lower(),
        repository_name=repository.text("name", ""),
        repository_type=repository.text("type", ""),
        commit=fields.text("sourceVersion", "").lower(),
        branch=fields.text("sourceBranch", ""),
        pull_request=int(number) if number.isascii() and number.isdecimal() else _of_merge(fields),
        requested_for=person.text("uniqueName", "") or person.text("displayName", ""),
    )


def _of_merge(fields: Fields) -> int:
    """The pull request whose merge was built: its number stands in the name of the branch."""
    branch = fields.text("sourceBranch", "")
    number = branch.removeprefix("refs/pull/").partition("/")[0]
    is_one = branch.startswith("refs/pull/") and number.isascii() and number.isdecimal() and len(number) < 12  # noqa: PLR2004
    return int(number) if is_one else 0


def _author(fields: Fields) -> tuple[str, CommitAuthor]:
    person = fields.nested("author") if fields.has("author") else Fields({})
    return fields.text("commitId").lower(), CommitAuthor(person.text("name", ""), person.text("email", ""))


def _pull_requests(document: object) -> dict[str, MergedPullRequest]:
    found: dict[str, MergedPullRequest] = {}
    for result in Fields(document).objects("results"):
        for commit in result.values():
            for one in result.objects(commit):
                found[commit.lower()] = _pull_request(one)
    return found


def _pull_request(fields: Fields) -> MergedPullRequest:
    approvers: list[str] = []
    for one in fields.objects("reviewers") if fields.has("reviewers") else ():
        # A group's vote is the sum of its members', who are listed themselves.
        is_group = one.flag("isContainer", default=False)
        if not is_group and one.has("vote") and one.number("vote") >= _APPROVED_WITH_SUGGESTIONS:
            approvers.append(one.text("uniqueName", "") or one.text("displayName", ""))
    named = tuple(dict.fromkeys(one for one in approvers if one))
    return MergedPullRequest(fields.number("pullRequestId"), named)


def _timeline(document: object) -> tuple[TimelineRecord, ...]:
    fields = Fields(document)
    # Null where the run never started; the service says so instead of an empty list.
    return tuple(_record(one) for one in fields.objects("records")) if fields.has("records") else ()


def _record(fields: Fields) -> TimelineRecord:
    log = fields.nested("log") if fields.has("log") else None
    task = fields.nested("task") if fields.has("task") else None
    return TimelineRecord(
        id=fields.text("id"),
        parent=fields.text("parentId", ""),
        type=fields.text("type", ""),
        name=fields.text("name", ""),
        result=fields.text("result", ""),
        log=log.number("id") if log is not None and log.has("id") else 0,
        task=task.text("name", "") if task is not None else "",
        problem=_problem(fields),
    )


def _problem(fields: Fields) -> str:
    """The first error among the record's issues, as one short line."""
    issues = fields.objects("issues") if fields.has("issues") else ()
    told = (one.text("message", "", most=_MESSAGE_MOST) for one in issues if one.text("type", "") == "error")
    line = " ".join(next(told, "").split())
    return "".join(letter for letter in line if letter.isprintable())[:_PROBLEM_MOST]


def _moment(fields: Fields, key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(fields.text(key))
    except ValueError:
        raise ShapeError(fields.path(key), "is no time") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """The lines of a text that arrives in pieces. What is no UTF-8 is replaced; nothing grows without end."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    rest, size = "", 0
    for chunk in chunks:
        size += len(chunk)
        if size > LOG_MOST:
            break
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from lines
        rest = rest[:LINE_MOST]
    if rest:
        yield rest
