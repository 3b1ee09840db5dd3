"""Provenance: in-toto statements with a SLSA predicate (v0.2, v1), as images carry them.

A statement counts for the digests that it names as its subjects, and for no other image, whoever it is
attached to. Its signature is not checked here: a statement is *attested* in that a builder wrote it for this
digest, and what it rests on is shown with it. The formats are those of in-toto (Statement v0.1, v1; DSSE)
and slsa.dev (provenance v0.2, v1); BuildKit's own keys are in its documentation of attestations.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from shared.tracing.labels import (
    OriginClaim,
    commit_of,
    is_web_address,
    repository_address,
    without_credentials,
)

STATEMENT_MOST: Final = 8 * 1024 * 1024
"""Largest statement that is read, in bytes."""
DEPTH_MOST: Final = 60

_STATEMENTS = frozenset({"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"})
_V02 = "https://slsa.dev/provenance/v0.2"
_V1 = "https://slsa.dev/provenance/v1"
_TEXT_MOST = 2_048
_ITEMS_MOST = 5_000


class NotProvenance(ValueError):
    """It is no provenance that can be read. The message completes "The attestation ... "."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which digests a builder attests, and where it says that they came from."""

    subjects: frozenset[str]
    predicate: str
    builder: str
    claim: OriginClaim
    signed: bool
    """Whether it came in an envelope with a signature, which was not checked."""


def read_provenance(body: bytes) -> Provenance:
    """The provenance in a statement, or in a DSSE envelope around one. Raises `NotProvenance`."""
    if len(body) > STATEMENT_MOST:
        raise NotProvenance("is too large")
    document = _document(body)
    signed = False
    if "payload" in document and "payloadType" in document:
        signed = bool(document.get("signatures"))
        document = _document(_payload(document))
    if document.get("_type") not in _STATEMENTS:
        raise NotProvenance("is no in-toto statement")
    predicate_type, predicate = document.get("predicateType"), _mapping(document.get("predicate"))
    subjects = frozenset(_subjects(document))
    if not subjects:
        raise NotProvenance("names no digest")
    if predicate_type == _V02:
        return Provenance(subjects, _V02, _builder(predicate), _claim_of_v02(predicate), signed)
    if predicate_type == _V1:
        details = _mapping(predicate.get("runDetails"))
        return Provenance(subjects, _V1, _builder(details), _claim_of_v1(predicate), signed)
    raise NotProvenance("has a predicate other than SLSA provenance")


def _document(body: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NotProvenance("is no JSON document") from None
    if not isinstance(document, dict):
        raise NotProvenance("is no JSON object")
    return document


def _payload(envelope: Mapping[str, object]) -> bytes:
    payload = envelope.get("payload")
    if envelope.get("payloadType") != "application/vnd.in-toto+json" or not isinstance(payload, str):
        raise NotProvenance("is an envelope around something else")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise NotProvenance("is an envelope that cannot be opened") from None


def _subjects(document: Mapping[str, object]) -> Iterator[str]:
    for subject in _sequence(document.get("subject")):
        value = _text(_mapping(_mapping(subject).get("digest")).get("sha256")).lower()
        if len(value) == 64 and all(letter in "0123456789abcdef" for letter in value):  # noqa: PLR2004
            yield f"sha256:{value}"


def _builder(details: Mapping[str, object]) -> str:
    return _text(_mapping(details.get("builder")).get("id"))


def _claim_of_v02(predicate: Mapping[str, object]) -> OriginClaim:
    invocation = _mapping(predicate.get("invocation"))
    source = _mapping(invocation.get("configSource"))
    metadata = _mapping(predicate.get("metadata"))
    vcs = _mapping(_mapping(metadata.get("https://mobyproject.org/buildkit@v1#metadata")).get("vcs"))
    uri, commit = _text(source.get("uri")), _sha1(source.get("digest"))
    if not commit:
        uri, commit = _material(_sequence(predicate.get("materials"))) or (uri, "")
    return _claim(
        _text(vcs.get("source")) or uri,
        commit_of(_text(vcs.get("revision"))) or commit,
        _text(metadata.get("buildInvocationID") or metadata.get("buildInvocationId")),
        _mapping(invocation.get("environment")),
    )


def _claim_of_v1(predicate: Mapping[str, object]) -> OriginClaim:
    definition = _mapping(predicate.get("buildDefinition"))
    details = _mapping(predicate.get("runDetails"))
    metadata = _mapping(details.get("metadata"))
    external = _mapping(definition.get("externalParameters"))
    workflow, source = _mapping(external.get("workflow")), _mapping(external.get("configSource"))
    vcs = _mapping(_mapping(metadata.get("buildkit_metadata")).get("vcs"))
    uri = _text(workflow.get("repository")) or _text(source.get("uri")) or _text(external.get("source"))
    commit = _sha1(source.get("digest"))
    if not commit:
        material = _material(_sequence(definition.get("resolvedDependencies")))
        if material is not None:
            uri, commit = uri or material[0], material[1]
    return _claim(
        _text(vcs.get("source")) or uri,
        commit_of(_text(vcs.get("revision"))) or commit,
        _text(metadata.get("invocationId")),
        _mapping(definition.get("internalParameters")),
    )


def _claim(uri: str, commit: str, invocation: str, environment: Mapping[str, object]) -> OriginClaim:
    url = without_credentials(uri.removeprefix("git+").partition("#")[0])
    head, at, _ = url.rpartition("@")
    # `https://host/repository@refs/heads/main` names a branch; the address is what stands before it.
    branch = url[len(head) + 1 :] if at and "://" in head else ""
    url = head if branch else url
    address = repository_address(url)
    run = _run(invocation) or _run(_text(environment.get("BUILD_BUILDURI")))
    evidence = (("source", url), ("commit", commit), ("invocation", invocation))
    return OriginClaim(
        organization=address.organization if address else "",
        project=address.project if address else "",
        repository=address.repository if address else "",
        repository_url=url if is_web_address(url) else "",
        run=run,
        commit=commit,
        branch=branch,
        evidence=tuple((key, value) for key, value in evidence if value),
    )


def _run(text: str) -> int:
    """The number of the run in an address of a build's page or in a build's URI; 0 where it is none."""
    if text.startswith("vstfs:///Build/Build/"):
        number = text.rpartition("/")[2]
    else:
        try:
            parts = urlsplit(text)
        except ValueError:
            return 0
        number = "".join(parse_qs(parts.query).get("buildId", [])[:1]) if is_web_address(text) else ""
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= 10 else 0  # noqa: PLR2004


def _material(materials: list[object]) -> tuple[str, str] | None:
    """The Git source among what went into the build: address and commit."""
    for material in materials[:_ITEMS_MOST]:
        fields = _mapping(material)
        commit = _sha1(fields.get("digest"))
        if commit:
            return _text(fields.get("uri")), commit
    return None


def _sha1(digest: object) -> str:
    fields = _mapping(digest)
    return commit_of(_text(fields.get("gitCommit")) or _text(fields.get("sha1")))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> list[object]:
    return value[:_ITEMS_MOST] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _TEXT_MOST and value.isprintable() else ""
