"""`mappings`: from an image to the run, commit and people it came from, and to where it runs; and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.mapping_views import (
    UnknownImage,
    View,
    Wanted,
    all_edges,
    all_nodes,
    find_image,
    rests_on,
)
from cli.output import Column, OutputFormat, Row, instant, write_line, write_object, write_rows
from cli.problems import ExitCode, WrongOption
from cli.session import opened
from shared.model.ids import RepositoryId
from shared.model.mapping import (
    Direction,
    Edge,
    EdgeKind,
    NodeId,
    NodeKind,
    image_node,
    repository_node,
)
from shared.tracing.labels import is_web_address
from shared.tracing.origins import repository_key
from shared.tracing.run_facts import UNMAPPED, UNREAD

if TYPE_CHECKING:
    from shared.ports import State

_GAPS: Final = (
    (NodeKind.PIPELINE, "pipeline", UNMAPPED),
    (NodeKind.PROJECT, "project", UNREAD),
    (NodeKind.REPOSITORY, "repository", UNREAD),
    (NodeKind.REGISTRY, "registry", UNREAD),
    (NodeKind.CLOUD_RESOURCE, "cloudResource", UNREAD),
)
"""What beside images may be unmapped or unread: its kind, what it is called, where the reason is."""

_LIST: Final = (
    Column("KIND", "kind"),
    Column("NAME", "name"),
    Column("RUN", lambda row: row["runNumber"] or row["run"]),
    Column("PIPELINE", "pipeline"),
    Column("REPOSITORY", "repository"),
    Column("COMMIT", lambda row: str(row["commit"])[:12] if row["commit"] else None),
    Column("CONFIDENCE", "confidence"),
    Column("REASON", "reason"),
)
_SHOW: Final = (
    Column("FROM", lambda row: _short(str(row["from"]))),
    Column("RELATION", "relation"),
    Column("TO", lambda row: _short(str(row["to"]))),
    Column("DETAIL", "detail"),
    Column("SOURCE", "source"),
    Column("CONFIDENCE", "confidence"),
    Column("SEEN", lambda row: str(row["seenAt"])[:16].replace("T", " ")),
    Column("EVIDENCE", lambda row: _evidence(row["evidence"])),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector mappings trace contoso.azurecr.io/shop/web:1.0",
        "ado-connector mappings list --unmapped",
    ),
)
def mappings() -> None:
    """Which code each container image came from, and where it runs."""


@mappings.command(
    "list",
    answer=Answer(keys.MAPPING, rows=True),
    examples=(
        "ado-connector mappings list",
        "ado-connector mappings list --repository Shop/web",
        "ado-connector mappings list --unmapped --output json",
    ),
)
@click.option(
    "--repository",
    metavar="REPOSITORY",
    default=None,
    help="Only images built from it: its name, project/name, id, or https address.",
)
@click.option("--unmapped", is_flag=True, help="Only what is not mapped or not read, with the reason.")
def list_(repository: str | None, unmapped: bool) -> None:
    """List images with the run and commit that each came from, and what is unmapped, with the reason.

    An image for several platforms is one row for each of its digests.
    """
    if repository is not None and unmapped:
        raise WrongOption(
            "--unmapped", "what is unmapped is of no known repository.", "Leave --repository or it out."
        )
    with opened() as runtime:
        view = View(runtime.state)
        rows = _all(runtime.state) if repository is None else _of(runtime.state, view, repository)
        if unmapped:
            rows = (row for row in rows if not row["mapped"])
        write_rows(rows, _LIST, invocation().output, empty=_empty(repository, unmapped=unmapped))


@mappings.command(
    "show",
    answer=Answer(keys.MAPPING_FACT, rows=True),
    examples=("ado-connector mappings show contoso.azurecr.io/shop/web:1.0",),
)
@click.argument("image", metavar="IMAGE[@DIGEST|:TAG]")
def show(image: str) -> None:
    """Show every fact about an image: which source told it, how sure it is, and by what evidence."""
    with opened() as runtime:
        wanted = _find(runtime.state, image)
        node = image_node(wanted.digest)
        edges = [
            edge
            for direction in Direction
            for edge in islice(all_edges(runtime.state, node, direction), _FACTS_MOST)
        ]
        write_rows((_fact(edge) for edge in edges), _SHOW, invocation().output)


_FACTS_MOST: Final = 1_000


@mappings.command(
    "trace",
    answer=Answer(
        keys.MAPPING_TRACE,
        parts={
            "running": keys.MAPPING_RUNNING,
            "stored": keys.MAPPING_STORED,
            "origins": keys.MAPPING_ORIGIN,
            "restsOn": keys.MAPPING_RESTS_ON,
        },
    ),
    examples=(
        "ado-connector mappings trace contoso.azurecr.io/shop/web:1.0",
        "ado-connector mappings trace contoso.azurecr.io/shop/web@sha256:0000…",
        "ado-connector mappings trace sha256:0000… --output json",
    ),
)
@click.argument("image", metavar="IMAGE[@DIGEST|:TAG]")
def trace(image: str) -> int:
    """Trace an image from where it runs to its code: registry, run, pipeline, repository, commit, people.

    Each step says what it rests on. Exit code 1 where sources contradict one another, 2 where no source tells
    where the image came from.
    """
    with opened() as runtime:
        wanted = _find(runtime.state, image)
        traced = View(runtime.state).trace(wanted)
    if invocation().output is OutputFormat.JSON:
        write_object(traced)
    else:
        _write(wanted, traced)
    if not traced["origins"]:
        return ExitCode.UNKNOWN
    return ExitCode.FINDINGS if traced["contradictions"] else ExitCode.DONE


def _find(state: State, image: str) -> Wanted:
    try:
        return find_image(state, image.strip())
    except UnknownImage as unknown:
        problem, fix = unknown.args
        raise WrongOption("IMAGE", problem, fix) from None


# --- list -------------------------------------------------------------------------------------------------


def _all(state: State) -> Iterator[Row]:
    for node in all_nodes(state, NodeKind.IMAGE):
        # A view of its own for each: what it remembers would be everything in the end.
        yield from _image_rows(View(state), node.id)
    for kind, called, key in _GAPS:
        for node in all_nodes(state, kind):
            reason = node.attributes.get(key, "")
            if reason:
                yield _row(called, node.name or node.id.key, node.id.key, reason=reason)


def _of(state: State, view: View, wanted: str) -> Iterator[Row]:
    nodes = _repositories(state, wanted)
    seen: set[NodeId] = set()
    for repository in nodes:
        for edge in all_edges(state, repository, Direction.IN, EdgeKind.BUILT_FROM):
            seen.add(edge.start)
        for checked_out in all_edges(state, repository, Direction.IN, EdgeKind.CHECKED_OUT):
            seen.update(edge.start for edge in view.into(checked_out.start, EdgeKind.BUILT_BY))
    keys_of = {node.key for node in nodes}
    for image in sorted(seen):
        for row in _image_rows(View(state), image):
            if row["repositoryId"] in keys_of:
                yield row


def _repositories(state: State, wanted: str) -> list[NodeId]:
    """The repositories of that name, id or address."""
    if is_web_address(wanted) and state.node(repository_node(repository_key("", wanted))) is not None:
        return [repository_node(repository_key("", wanted))]
    sought = wanted.strip().strip("/").casefold()
    found: list[NodeId] = []
    for organization in state.organizations():
        projects = {one.id: one.name.casefold() for one in state.projects(organization.id)}
        for one in state.repositories(organization.id):
            name = one.name.casefold()
            longer = f"{projects.get(one.project_id, '')}/{name}"
            full = f"{organization.name.casefold()}/{longer}"
            if sought in {one.id.casefold(), name, longer, full} or (
                one.url and sought == one.url.casefold()
            ):
                found.append(repository_node(RepositoryId(one.id)))
    if not found:
        raise WrongOption(
            "--repository",
            f'no repository "{wanted}" is known.',
            'See "ado-connector inventory list --kind repository" for those that are.',
        )
    return found


def _image_rows(view: View, image: NodeId) -> Iterator[Row]:
    stored = view.out(image, EdgeKind.STORED_IN)
    name = f"{stored[0].end.key}/{stored[0].detail}@{image.key}" if stored else image.key
    origins = view.origins(image)
    for edge in view.out(image, EdgeKind.PART_OF):
        origins += view.origins(edge.end) if not origins else []
    if not origins:
        yield _row("image", name, image.key, reason=view.reason(image))
    for origin in origins:
        yield _row("image", name, image.key, origin)


def _row(kind: str, name: str, key: str, origin: Mapping[str, object] | None = None, reason: str = "") -> Row:
    told = origin or {}
    row: dict[str, object] = {"kind": kind, "name": name, "key": key, "mapped": bool(origin)}
    for field in (
        *("organization", "project", "pipeline", "run", "runNumber"),
        *("repository", "repositoryId", "commit", "confidence"),
    ):
        row[field] = told.get(field)
    rests = told.get("restsOn", [])
    row["sources"] = sorted({one["source"] for one in rests}) if isinstance(rests, list) else []
    row["reason"] = reason or None
    return row


def _empty(repository: str | None, *, unmapped: bool) -> str:
    if repository is not None:
        return f"No image is known to be built from {repository}."
    if unmapped:
        return "No image, pipeline or resource is known to be unmapped."
    return 'No image is known yet. "ado-connector run --once" looks for them, where a connector asks for it.'


# --- show -------------------------------------------------------------------------------------------------


def _fact(edge: Edge) -> Row:
    return {
        "from": f"{edge.start.kind.value} {edge.start.key}",
        "relation": edge.kind.value,
        "to": f"{edge.end.kind.value} {edge.end.key}",
        "detail": edge.detail or None,
        **rests_on(edge),
        "endedAt": instant(edge.ended_at),
    }


_KEY_SHOWN: Final = 60


def _short(text: str) -> str:
    return text if len(text) <= _KEY_SHOWN else f"{text[: _KEY_SHOWN - 1]}…"


def _evidence(evidence: object) -> str:
    items = evidence.items() if isinstance(evidence, Mapping) else ()
    return "; ".join(f"{key}: {value}" for key, value in items)


# --- trace ------------------------------------------------------------------------------------------------


def _write(wanted: Wanted, traced: Row) -> None:
    write_line(f"Image      {traced['digest']}")
    if traced["tagSeenAt"]:
        meant = " (without a tag, latest is meant)" if wanted.is_latest_meant else ""
        write_line(f"           {wanted.text} led there when it was last seen, {traced['tagSeenAt']}{meant}")
    for one in _rows(traced["earlier"]):
        write_line(f"           earlier it led to {one['digest']}, seen {one['seenAt']}")
    if traced["platform"]:
        write_line(f"           for {traced['platform']}")
    for one in _rows(traced["related"]):
        what = "part of the index" if one["relation"] == "index" else f"its {one['platform'] or 'part'} is"
        write_line(f"           {what} {one['digest']}")
    _write_running(_rows(traced["running"]))
    _write_stored(_rows(traced["stored"]))
    origins = _rows(traced["origins"])
    if not origins:
        write_line("Built by   unknown")
    for number, origin in enumerate(origins):
        _write_origin(origin, str(traced["digest"]), "Built by" if number == 0 else "And by")
    for text in _texts(traced["contradictions"]):
        write_line(f"CONTRADICTED  {text}")
    for text in _texts(traced["unknown"]):
        write_line(f"Unknown    {text}")


def _write_running(rows: Sequence[Row]) -> None:
    if not rows:
        write_line("Runs in    nothing that was looked at")
    for one in rows:
        write_line(f"Runs in    {one['kind'] or 'resource'} {one['name']} ({one['resource']})")
        if one["digest"] is None:
            how = "by a tag; what it leads to there is unknown"
        elif one["by"] == "tag":
            how = "by a tag, resolved when it was seen"
        else:
            how = "by its digest"
        write_line(f"           as {one['reference']}, {how}, {one['seenAt']}")
        for rest in _rows(one["restsOn"]):
            write_line(f"           rests on {_rest(rest, with_evidence=False)}")


def _write_stored(rows: Sequence[Row]) -> None:
    for one in rows:
        tags = ", ".join(_texts(one["tags"]))
        write_line(f"Stored in  {one['registry']}/{one['repository']}{f' as {tags}' if tags else ''}")
        for rest in _rows(one["restsOn"]):
            write_line(f"           rests on {_rest(rest, with_evidence=False)}")


_STEPS: Final = (
    ("Pipeline", "pipeline"),
    ("Project", "project"),
    ("Organization", "organization"),
    ("Repository", "repository"),
    ("Commit", "commit"),
    ("Branch", "branch"),
    ("Author", "author"),
    ("Requested by", "requestedBy"),
    ("Pull request", "pullRequest"),
    ("Approved by", "approvers"),
)


def _write_origin(origin: Row, digest: str, label: str) -> None:
    run = f"run {origin['runNumber'] or origin['run']}" if origin["run"] else "unknown run"
    of = "" if origin["digest"] == digest else f" (told of {origin['digest']})"
    write_line(f"{label:<10} {run}, {origin['confidence']}{of}")
    for step, key in _STEPS:
        value = origin[key]
        text = (", ".join(_texts(value)) or "nobody") if isinstance(value, list) else value
        nothing = "none" if key == "pullRequest" and origin["pullRequestAsked"] else "unknown"
        write_line(f"           {step + ':':<14} {text or nothing}")
    for what, part in (("image", "restsOn"), ("run", "runRestsOn"), ("author", "authorRestsOn")):
        for rest in _rows(origin[part]):
            write_line(f"           {what} rests on {_rest(rest)}")


def _rest(rest: Row, *, with_evidence: bool = True) -> str:
    told = _evidence(rest["evidence"]) if with_evidence else ""
    return f"{rest['source']}, {rest['confidence']}, seen {rest['seenAt']}{f' ({told})' if told else ''}"


def _rows(value: object) -> list[Row]:
    return list(value) if isinstance(value, Iterable) else []


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else []
