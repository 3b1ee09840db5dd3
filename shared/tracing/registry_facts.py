"""What a registry holds, and what images say of themselves there, as facts of the mapping graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.model.container import RegistryImage
from shared.model.ids import OrganizationId
from shared.model.mapping import (
    Confidence,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    NodeId,
    Source,
    image_node,
    run_node,
)
from shared.tracing.labels import OriginClaim, read_labels
from shared.tracing.origins import Origin, Saying, facts_of_image, facts_of_place, repository_key
from shared.tracing.provenance import NotProvenance, read_provenance
from shared.tracing.references import ImageReference
from shared.tracing.run_facts import UNREAD

LOOKED: Final = "lookedAt"
"""Attribute of an image: when the registry was first asked for it."""

_BUILT: Final = frozenset({EdgeKind.BUILT_BY, EdgeKind.BUILT_FROM})
_TICK: Final = timedelta(microseconds=1)
"""What is told at the same time as something else does not replace it."""
_TOLD_MOST: Final = 2_000
"""Longest `unread`, in characters."""


@dataclass(frozen=True, slots=True)
class Known:
    """What Azure DevOps says that claims are held against.

    `find` gives, by the names in a claim, the organization connected here and the GUID of the repository;
    each is empty where it is not known. `run` is the node of a run that Azure DevOps itself told of.
    """

    find: Callable[[OriginClaim], tuple[OrganizationId, str]]
    run: Callable[[NodeId], Node | None]


def facts_of_registry_image(
    image: RegistryImage, place: ImageReference, known: Known, at: datetime, looked: str
) -> GraphFacts:
    """The image, its platforms, and where labels and provenance say that each came from."""
    saying = Saying(Source.REGISTRY, Confidence.ATTESTED, at)
    facts = GraphFacts()
    for one in (image, *image.parts):
        told = {LOOKED: looked, UNREAD: "; ".join(one.unread)[:_TOLD_MOST], "platform": one.platform}
        facts += GraphFacts((Node(image_node(one.digest), at, "", told),))
        named = replace(place, tag="", digest=one.digest)
        facts += facts_of_place(one.digest, named, saying)
        facts += _claimed(one, known, at)
    edges = tuple(
        saying.edge(image_node(part.digest), EdgeKind.PART_OF, image_node(image.digest), part.platform)
        for part in image.parts
    )
    facts += GraphFacts(edges=edges)
    # What is attached to an index may be of any of its parts: a statement says itself of which.
    there = {one.digest for one in (image, *image.parts)}
    attached = [*image.attestations, *(body for part in image.parts for body in part.attestations)]
    for body in attached:
        facts += _attested(body, there, known, at)
    return facts


def _claimed(image: RegistryImage, known: Known, at: datetime) -> GraphFacts:
    claim = read_labels(image.labels or {})
    return GraphFacts() if claim is None else _facts(image.digest, claim, Source.LABEL, known, at, {})


def _attested(body: bytes, there: Iterable[str], known: Known, at: datetime) -> GraphFacts:
    try:
        provenance = read_provenance(body)
    except NotProvenance:
        return GraphFacts()
    # The signature is not verified, so it cannot be more than a claim: whoever may push may attach.
    evidence = {
        "predicate": provenance.predicate,
        "builder": provenance.builder,
        "signature": "there is one; it was not verified" if provenance.signed else "none",
    }
    facts = GraphFacts()
    for digest in sorted(provenance.subjects.intersection(there)):
        facts += _facts(digest, provenance.claim, Source.ATTESTATION, known, at, evidence)
    return facts


def _facts(
    digest: str,
    claim: OriginClaim,
    source: Source,
    known: Known,
    at: datetime,
    evidence: Mapping[str, str],
) -> GraphFacts:
    organization, repository = known.find(claim)
    run = known.run(run_node(organization, claim.run)) if organization and claim.run else None
    agrees = run is not None and bool(claim.commit) and run.attributes.get("commit") == claim.commit
    origin = Origin(
        organization=organization,
        run=claim.run if organization else 0,
        run_number=claim.run_number,
        repository=repository or repository_key("", claim.repository_url),
        repository_name=claim.repository,
        commit=claim.commit,
        branch=claim.branch,
    )
    told = {**dict(claim.evidence), **{key: value for key, value in evidence.items() if value}}
    if agrees:
        told["agreesWith"] = f"run {claim.run} built that commit, as Azure DevOps says"
    elif run is not None and claim.commit and run.attributes.get("commit"):
        told["contradicts"] = f"run {claim.run} built {run.attributes['commit']}, as Azure DevOps says"
    saying = Saying(source, Confidence.MATCHED if agrees else Confidence.CLAIMED, at)
    return facts_of_image(digest, origin, saying, told)


def agreeing(built: Iterable[Edge], place: ImageReference, at: datetime) -> Iterator[Edge]:
    """What logs and jobs claimed to have pushed to this place, now that the registry has it there."""
    name = f"{place.registry}/{place.repository}"
    for edge in built:
        pushed = edge.evidence.get("pushed", "").partition("@")[0]
        if edge.kind in _BUILT and edge.confidence is Confidence.CLAIMED and edge.ended_at is None:
            repository, _, _ = pushed.removeprefix(name).partition(":")
            if pushed.startswith(name) and not repository:
                evidence = {**edge.evidence, "agreesWith": f"{name} holds the image under this digest"}
                later = max(at, edge.seen_at + _TICK)
                yield replace(edge, confidence=Confidence.MATCHED, evidence=evidence, seen_at=later)
