"""Names of images as pipelines and Azure write them: `[host/]repository[:tag][@digest]`.

The grammar is that of the OCI distribution specification; what Docker leaves out of its own names (the host
`docker.io`, the folder `library`) is filled in, so that one image has one name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DOCKER_HUB: Final = "docker.io"
REFERENCE_MOST: Final = 600
"""Longest reference that is read, in characters: host 253, repository 255, tag and digest the rest."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?")
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-{1,10})[a-z0-9]+){0,60}"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART}){{0,30}}")
_REPOSITORY_MOST = 255
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HUB_NAMES = frozenset({"index.docker.io", "registry.hub.docker.com", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image by name. `tag` and `digest` are empty where they are not told; `registry` is a host."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def is_digest(value: str) -> bool:
    """Whether it is a SHA-256 digest, the only algorithm that registries of the supported kinds give."""
    return _DIGEST.fullmatch(value) is not None


def is_tag(value: str) -> bool:
    """Whether it is a tag."""
    return _TAG.fullmatch(value) is not None


def registry_host(value: str) -> str:
    """The host of a registry as it is compared: in lower case, one name for Docker Hub; empty for none."""
    host = value.strip().lower()
    if host in _HUB_NAMES:
        return DOCKER_HUB
    return host if _HOST.fullmatch(host) else ""


def parse_reference(text: str) -> ImageReference | None:
    """The reference that the text is; None where it is none, or holds what no reference may hold."""
    if not text or len(text) > REFERENCE_MOST:
        return None
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        return None
    first, slash, rest = name.partition("/")
    # Docker's rule: the first part is a host if it could not be a folder.
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = registry_host(first), rest
    else:
        host, path = DOCKER_HUB, name
    path, colon, tag = path.partition(":")
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if not host or (colon and not is_tag(tag)) or len(path) > _REPOSITORY_MOST:
        return None
    if _REPOSITORY.fullmatch(path) is None:
        return None
    return ImageReference(host, path, tag, digest)


def joined(registry: str, repository: str, tag: str, digest: str = "") -> ImageReference | None:
    """The reference that these parts make; None where one of them is not what it should be."""
    host = registry_host(registry)
    if not host:
        return None
    text = f"{host}/{repository}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return parse_reference(text)
