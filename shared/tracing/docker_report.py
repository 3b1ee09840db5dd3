"""What docker said on an agent, as the open-source task `MicrosoftSecurityDevOps` collects it.

`dockerEvents` are `ID=REFERENCE`, one for each push since the job began; `dockerImages` are
`CreatedAt=…::Repo=…::Tag=…::Digest=…`, one for each image that is on the agent, whoever built it
(microsoft/security-devops-azdevops, container-mapping.ts). Only what both name was pushed by the job and has
a digest: base images, and images of other jobs on the same agent, were not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.tracing.references import ImageReference, is_digest, is_tag, joined, parse_reference

BODY_MOST: Final = 1024 * 1024
"""Largest report that is read, in bytes; a thousand images have a sixth of it."""
ENTRIES_MOST: Final = 5_000
"""Most entries of each list."""
ENTRY_MOST: Final = 1_000
"""Longest entry that is read, in characters."""

_VERSION_MOST: Final = 200
_NONE: Final = "<none>"
_EVENT: Final = "ID="
_IMAGE: Final = "CreatedAt="
_FIELDS: Final = ("CreatedAt", "Repo", "Tag", "Digest")


class ReportRefused(ValueError):
    """The report is not what docker prints. The message names the entry and what is wrong with it."""


_named = lru_cache(maxsize=2_048)(parse_reference)
"""The images that are on every agent come with every report."""


@dataclass(frozen=True, slots=True)
class DockerReport:
    """A report as it was sent, unread."""

    version: str
    events: tuple[str, ...]
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportedImage:
    """An image that the job pushed: where to, and its digest. `created` is docker's own text."""

    place: ImageReference
    digest: str
    created: str


@dataclass(frozen=True, slots=True)
class DockerFindings:
    """What a report comes to.

    `pushed` was pushed and has a digest; `unresolved` are pushes whose digest docker does not tell; `ignored`
    counts the lines that were none of docker's own.
    """

    pushed: tuple[ReportedImage, ...] = ()
    unresolved: tuple[str, ...] = ()
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class _Local:
    """One line of `docker images`."""

    name: ImageReference
    digest: str
    created: str


def parse_report(body: bytes) -> DockerReport:
    """The report in a body of at most `BODY_MOST` bytes, without unknown fields. Raises `ReportRefused`."""
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_no_constant
        )
    except ReportRefused:
        raise
    except RecursionError:
        raise ReportRefused("it is nested too deeply") from None
    except ValueError:
        raise ReportRefused("it is no JSON document in UTF-8") from None
    if not isinstance(document, dict):
        raise ReportRefused("it is no JSON object")
    version = document.get("dockerVersion", "")
    if not isinstance(version, str):
        raise ReportRefused("dockerVersion is no text")
    return DockerReport(_version(version), _texts(document, "dockerEvents"), _texts(document, "dockerImages"))


def _version(told: str) -> str:
    """Docker's line among the warnings; empty where there is none that can be shown."""
    lines = (line.strip() for line in told[:BODY_MOST].splitlines())
    return next(
        (one for one in lines if one.isprintable() and len(one) <= _VERSION_MOST and "version" in one), ""
    )


def _texts(document: Mapping[str, object], name: str) -> tuple[str, ...]:
    listed = document.get(name)
    if not isinstance(listed, list):
        raise ReportRefused(f"{name} is missing or no list")
    if len(listed) > ENTRIES_MOST:
        raise ReportRefused(f"{name} has more than {ENTRIES_MOST} entries")
    texts: list[str] = []
    for number, one in enumerate(listed):
        if not isinstance(one, str):
            raise ReportRefused(f"{name}[{number}] is no text")
        texts.append(one)
    return tuple(texts)


def _without_doubles(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """An object. Readers differ on which of two fields with one name counts, so neither does."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ReportRefused("it has two fields of the same name")
    return found


def _no_constant(_constant: str) -> float:
    raise ReportRefused("it holds a number that JSON does not know")


def read_docker_report(events: Sequence[str], images: Sequence[str]) -> DockerFindings:
    """What was pushed. Empty entries count for nothing: the task sends one where docker printed nothing.

    Raises `ReportRefused`.
    """
    pushes = [told for number, one in enumerate(events) if (told := _event(number, one))]
    on_agent = [one for number, text in enumerate(images) if (one := _image(number, text))]
    ignored = sum(1 for one in events if one.strip() and not one.startswith(_EVENT))
    ignored += sum(1 for one in images if one.strip() and not one.startswith(_IMAGE))
    pushed: dict[tuple[ImageReference, str], ReportedImage] = {}
    unresolved: dict[str, None] = {}
    for push in pushes:
        found = list(_matching(push, on_agent))
        if not found:
            unresolved[push] = None
        for one in found:
            pushed.setdefault((one.name, one.digest), ReportedImage(one.name, one.digest, one.created))
    return DockerFindings(tuple(pushed.values()), tuple(unresolved), ignored)


def _matching(push: str, on_agent: Iterable[_Local]) -> Iterable[_Local]:
    """The images with a digest that a push was of; the event names no tag where all were pushed."""
    if is_digest(push):
        return (one for one in on_agent if one.digest == push)
    name = parse_reference(push)
    if name is None:
        return ()
    return (
        one
        for one in on_agent
        if one.digest
        and (one.name.registry, one.name.repository) == (name.registry, name.repository)
        and name.tag in {"", one.name.tag}
        and name.digest in {"", one.digest}
    )


def _event(number: int, entry: str) -> str:
    """The name in the event; empty for a line that is none."""
    if not entry.startswith(_EVENT):
        return ""
    name = _line(f"dockerEvents[{number}]", entry).removeprefix(_EVENT)
    if not name:
        raise ReportRefused(f"dockerEvents[{number}] names no image")
    return name


def _image(number: int, entry: str) -> _Local | None:
    """The image in the line; None for one without a name, and for a line that is none."""
    if not entry.startswith(_IMAGE):
        return None
    where = f"dockerImages[{number}]"
    text = _line(where, entry)
    parts = text.split("::")
    names = tuple(part.partition("=")[0] for part in parts)
    if names != _FIELDS:
        raise ReportRefused(
            f"{where} is not CreatedAt=…::Repo=…::Tag=…::Digest=…, as docker images prints it"
        )
    created, repository, tag, digest = (part.partition("=")[2] for part in parts)
    if digest != _NONE and not is_digest(digest):
        raise ReportRefused(f"{where}: Digest is neither sha256: and 64 hexadecimal digits, nor {_NONE}")
    if tag != _NONE and not is_tag(tag):
        raise ReportRefused(f"{where}: Tag is no tag of an image")
    if repository == _NONE:
        return None  # built here and not named
    name = _named(repository)
    if name is None or name.tag or name.digest:
        raise ReportRefused(f"{where}: Repo is no name of an image")
    named = joined(name.registry, name.repository, "" if tag == _NONE else tag)
    if named is None:
        raise ReportRefused(f"{where}: Repo and Tag are no name of an image")
    return _Local(named, "" if digest == _NONE else digest, created)


def _line(where: str, entry: str) -> str:
    """The entry without the end of line that Windows leaves. Raises `ReportRefused`."""
    text = entry.rstrip("\r\n")
    if len(text) > ENTRY_MOST:
        raise ReportRefused(f"{where} is longer than {ENTRY_MOST} characters")
    if not text.isprintable():
        raise ReportRefused(f"{where} holds a character that cannot be shown")
    return text.strip()
