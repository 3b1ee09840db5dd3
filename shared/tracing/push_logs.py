"""What was pushed, as build logs tell: docker, buildx, kaniko, buildah, `az acr build`, `dotnet publish`.

A log is written by whoever writes the pipeline: everything in it is a claim, is read line by line within
fixed bounds, and counts only where a whole line has the form that the tool prints after it has pushed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shared.tracing.references import ImageReference, is_digest, joined, parse_reference

LINE_MOST: Final = 4_096
"""Longest line that is read, in characters; a longer one is none that a push prints."""
LINES_MOST: Final = 2_000_000
IMAGES_MOST: Final = 1_000
"""Most images of one log; a step pushes a handful."""

_EVIDENCE_MOST: Final = 300

_STAMP = re.compile(r"\A\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z ?")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")


class PushTool(StrEnum):
    """What printed the line."""

    DOCKER = "docker"
    BUILDX = "buildx"
    KANIKO = "kaniko"
    BUILDAH = "buildah"
    ACR_BUILD = "az acr build"
    DOTNET = "dotnet publish"


@dataclass(frozen=True, slots=True)
class PushedImage:
    """One image that a log says was pushed.

    `image.digest` is empty where the tool prints none: then only the tag is known. `line` counts from 1, and
    `evidence` is that line, shortened.
    """

    image: ImageReference
    tool: PushTool
    line: int
    evidence: str


class PushLog:
    """Reads a log line by line and keeps what was pushed."""

    def __init__(self) -> None:
        self._readers = (_Docker(), _Buildx(), _Kaniko(), _Buildah(), _AcrBuild(), _Dotnet())
        self._found: dict[ImageReference, PushedImage] = {}

    def read(self, number: int, text: str) -> None:
        """Take the next line, as `cleaned` gives it."""
        if len(self._found) >= IMAGES_MOST or len(text) > LINE_MOST:
            return
        for reader in self._readers:
            for image in reader.read(text):
                self._note(PushedImage(image, reader.tool, number, text[:_EVIDENCE_MOST]))

    @property
    def images(self) -> tuple[PushedImage, ...]:
        """Every image that the log says was pushed, once, in order."""
        return tuple(self._found.values())

    def _note(self, pushed: PushedImage) -> None:
        """Several lines tell of one push: `az acr build` repeats what docker prints, and says more by it."""
        before = self._found.get(pushed.image)
        if before is None or (before.tool is PushTool.DOCKER and pushed.tool is PushTool.ACR_BUILD):
            self._found[pushed.image] = pushed


def cleaned(lines: Iterable[str], most: int = LINE_MOST) -> Iterator[tuple[int, str]]:
    """Number and text of each line that can be read: without time stamp, colour and what cannot be shown."""
    for number, raw in enumerate(lines, start=1):
        if number > LINES_MOST:
            return
        if len(raw) > most:
            continue
        text = _COLOUR.sub("", _STAMP.sub("", raw.rstrip("\r\n"))).rstrip()
        if text and text.replace("\t", " ").isprintable():
            yield number, text


@dataclass(slots=True)
class _Docker:
    """`docker push`: first the repository, then for each tag its digest.

    Where pushes to two repositories run at once, a digest belongs to either: then it is nobody's.
    """

    _REFERS = re.compile(r"The push refers to (?:a )?repository \[(\S{1,600})\]")
    _DIGEST = re.compile(r"(\S{1,128}): digest: (sha256:[0-9a-f]{64}) size: [0-9]{1,12}")

    tool = PushTool.DOCKER
    _open: list[str] = field(default_factory=list)
    _told: bool = False

    def read(self, text: str) -> Iterator[ImageReference]:
        refers = self._REFERS.fullmatch(text)
        if refers is not None:
            if self._told:
                self._open, self._told = [], False
            if refers[1] not in self._open:
                self._open.append(refers[1])
            return
        digest = self._DIGEST.fullmatch(text)
        if digest is None:
            return
        self._told = True
        if len(self._open) == 1 and (image := _tagged(self._open[0], digest[1], digest[2])) is not None:
            yield image


@dataclass(slots=True)
class _Buildx:
    """`docker buildx build --push`, in plain progress: only what is done counts."""

    _PUSHED = re.compile(r"#\d{1,6} pushing manifest for (\S{1,600})(?: [0-9.]{1,12}m?s)? done")

    tool = PushTool.BUILDX

    def read(self, text: str) -> Iterator[ImageReference]:
        pushed = self._PUSHED.fullmatch(text)
        image = parse_reference(pushed[1]) if pushed is not None else None
        if image is not None and image.digest:
            yield image


@dataclass(slots=True)
class _Kaniko:
    """`INFO[0004] Pushed host/name@sha256:…`, which leaves out the tag that it said it was pushing."""

    _BEGIN = r"(?:INFO\[\d{1,9}\] |.{0,200}\"msg\":\")"
    _NAME = r"([^\s\"]{1,600})(?:\".{0,200})?"
    _PUSHING = re.compile(f"{_BEGIN}Pushing image to {_NAME}")
    _PUSHED = re.compile(f"{_BEGIN}Pushed {_NAME}")

    tool = PushTool.KANIKO
    _tags: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, text: str) -> Iterator[ImageReference]:
        if "Push" not in text:
            return
        pushing = self._PUSHING.fullmatch(text)
        if pushing is not None:
            meant = parse_reference(pushing[1])
            if meant is not None and meant.tag:
                self._tags[meant.registry, meant.repository] = meant.tag
            return
        pushed = self._PUSHED.fullmatch(text)
        image = parse_reference(pushed[1]) if pushed is not None else None
        if image is not None and image.digest:
            tag = self._tags.pop((image.registry, image.repository), image.tag)
            yield ImageReference(image.registry, image.repository, tag, image.digest)


@dataclass(slots=True)
class _Buildah:
    """`buildah push` and `podman push` tell the digest where they log what they do."""

    _PUSHED = re.compile(
        r"(?:.{0,100}[ \"])?[Ss]uccessfully pushed (?:docker://)?(\S{1,600}) "
        r"with digest (sha256:[0-9a-f]{64})\"?"
    )

    tool = PushTool.BUILDAH

    def read(self, text: str) -> Iterator[ImageReference]:
        pushed = self._PUSHED.fullmatch(text)
        image = parse_reference(pushed[1].partition("@")[0]) if pushed is not None else None
        if image is not None and pushed is not None:
            yield ImageReference(image.registry, image.repository, image.tag, pushed[2])


@dataclass(slots=True)
class _AcrBuild:
    """The list of dependencies that ends a run of ACR Tasks: of each entry, the image and not its base."""

    _FIELD = re.compile(r" {4,8}(registry|repository|tag|digest): [\"']?([^\s\"']{1,300})[\"']?")

    tool = PushTool.ACR_BUILD
    _fields: dict[str, str] | None = None

    def read(self, text: str) -> Iterator[ImageReference]:
        if text.strip() == "- image:":
            self._fields = {}
            return
        if self._fields is None:
            return
        match = self._FIELD.fullmatch(text)
        if match is None or match[1] in self._fields:
            self._fields = None
            return
        self._fields[match[1]] = match[2]
        # The digest comes last, and the tag may be missing.
        if match[1] != "digest":
            return
        told, self._fields = self._fields, None
        image = joined(told.get("registry", ""), told.get("repository", ""), told.get("tag", ""), match[2])
        if image is not None:
            yield image


@dataclass(slots=True)
class _Dotnet:
    """The container support of the .NET SDK: the digest is told only where it is asked to tell more."""

    _MANIFEST = re.compile(r" {0,20}.{0,100}[Uu]ploading manifest to .{0,300}'(sha256:[0-9a-f]{64})'\.?")
    _PUSHED = re.compile(
        r" {0,20}(?:Containerize: )?Pushed (?:container |image |image index ){1,2}'([^'\s]{1,600})' "
        r"to registry '([^'\s]{1,260})'\.?"
    )

    tool = PushTool.DOTNET
    _digest: str = ""

    def read(self, text: str) -> Iterator[ImageReference]:
        manifest = self._MANIFEST.fullmatch(text) if "ploading manifest" in text else None
        if manifest is not None:
            self._digest = manifest[1]
            return
        pushed = self._PUSHED.fullmatch(text)
        if pushed is None:
            return
        digest, self._digest = self._digest, ""
        name = pushed[1].removeprefix(f"{pushed[2]}/")
        repository, _, tag = name.partition(":")
        image = joined(pushed[2], repository, tag, digest)
        if image is not None:
            yield image


def _tagged(name: str, tag: str, digest: str) -> ImageReference | None:
    image = parse_reference(name)
    if image is None or image.tag or image.digest or not is_digest(digest):
        return None
    return joined(image.registry, image.repository, tag, digest)
