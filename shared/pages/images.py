"""Images that were built from a repository, and where they run: as far as the mapping graph tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.model.ids import RepositoryId
from shared.model.mapping import Direction, Edge, EdgeKind, Node, NodeId, repository_node
from shared.pages.look import Look, Values

_RUNS_MOST: Final = 50
"""Runs that are looked at, those that checked the repository out last."""
_IMAGES_MOST: Final = 30
_PLACES_MOST: Final = 10
_DIGEST: Final = 19
"""Characters of a digest that tell it apart."""


def images_of(look: Look, repository: RepositoryId) -> list[Values]:
    """The newest images, each with commit, run, tags and where it runs."""
    found: dict[str, Values] = {}
    for image, commit, run in _built(look, repository_node(repository)):
        if image.key in found:
            continue
        names = [_name(look, one.start) for one in _leading(look, image, EdgeKind.NAMES, _PLACES_MOST)]
        places = [_name(look, one.start) for one in _leading(look, image, EdgeKind.RUNS, _PLACES_MOST)]
        found[image.key] = {
            "image": ", ".join(names) or image.key[:_DIGEST],
            "digest": image.key,
            "commit": commit,
            "run": run,
            "runs": ", ".join(places),
        }
        if len(found) >= _IMAGES_MOST:
            break
    return list(found.values())


def _built(look: Look, repository: NodeId) -> Iterator[tuple[NodeId, str, str]]:
    """Each image with the commit, and the number of the run where a run is known to have built it."""
    for checked_out in _leading(look, repository, EdgeKind.CHECKED_OUT, _RUNS_MOST):
        run = look.graph.node(checked_out.start)
        number = run.attributes.get("number", "") if run is not None else ""
        for built in _leading(look, checked_out.start, EdgeKind.BUILT_BY, _IMAGES_MOST):
            yield built.start, checked_out.detail, number
    for built in _leading(look, repository, EdgeKind.BUILT_FROM, _IMAGES_MOST):
        yield built.start, built.detail, ""


def _leading(look: Look, node: NodeId, kind: EdgeKind, limit: int) -> list[Edge]:
    """Edges of a kind that lead to the node and still hold, the newest first."""
    page = look.graph.edges(node, Direction.IN, kind, limit=limit)
    held = [one for one in page.edges if one.ended_at is None]
    return sorted(held, key=lambda one: one.seen_at, reverse=True)


def _name(look: Look, node: NodeId) -> str:
    known: Node | None = look.graph.node(node)
    return known.name if known is not None and known.name else node.key
