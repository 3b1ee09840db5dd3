"""Labels of an image that tell where it came from.

`com.azure.dev.image.*` is written by the pipeline task Docker; `org.opencontainers.image.*` by whoever builds
(the keys are those of the OCI image specification). Both are whatever the builder wrote: claims.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

_AZURE: Final = "com.azure.dev.image."
_OCI: Final = "org.opencontainers.image."
_VALUE_MOST = 2_048
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RUN = re.compile(r"(?:vstfs:///Build/Build/|\S{1,1000}[?&]buildId=)([0-9]{1,10})(?:&\S{0,500})?")
_HOST = "dev.azure.com"
_OLD_HOST = ".visualstudio.com"


@dataclass(frozen=True, slots=True)
class OriginClaim:
    """Where an image says that it came from; what it does not say is empty.

    `organization`, `project`, `repository` are names (or, of some, ids) as they stand in addresses; `run` is
    the number of the build, 0 for none; `commit` a full SHA. `evidence` holds what was read, by its key.
    """

    organization: str = ""
    project: str = ""
    repository: str = ""
    repository_url: str = ""
    pipeline: str = ""
    run: int = 0
    run_number: str = ""
    commit: str = ""
    branch: str = ""
    evidence: tuple[tuple[str, str], ...] = ()

    @property
    def tells(self) -> bool:
        """Whether it leads anywhere."""
        return bool(self.commit or self.run or self.repository_url)


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """A Git repository of Azure DevOps by the names in its address."""

    organization: str
    project: str
    repository: str


def read_labels(labels: Mapping[str, object]) -> OriginClaim | None:
    """What the labels claim; None where they claim nothing."""
    told = {
        key: value
        for key, value in labels.items()
        if isinstance(key, str) and isinstance(value, str) and _may_be_shown(value)
    }

    def azure(key: str) -> str:
        return told.get(_AZURE + key, "")

    def oci(key: str) -> str:
        return told.get(_OCI + key, "")

    url = without_credentials(azure("build.repository.uri") or oci("source") or oci("url"))
    address = repository_address(url)
    collection = organization_of(azure("system.teamfoundationcollectionuri"))
    run = _RUN.fullmatch(azure("build.builduri") or oci("url"))
    claim = OriginClaim(
        organization=(address.organization if address else "") or collection,
        project=azure("system.teamproject") or (address.project if address else ""),
        repository=azure("build.repository.name") or (address.repository if address else ""),
        repository_url=url if is_web_address(url) else "",
        pipeline=azure("build.definitionname"),
        run=int(run[1]) if run is not None else 0,
        run_number=azure("build.buildnumber"),
        commit=commit_of(azure("build.sourceversion") or oci("revision")),
        branch=azure("build.sourcebranchname") or oci("ref.name"),
        evidence=tuple(
            (key, without_credentials(told[key])) for key in sorted(told) if key.startswith((_AZURE, _OCI))
        ),
    )
    return claim if claim.tells else None


def commit_of(text: str) -> str:
    """The commit that the text is, in lower case; empty where it is no whole SHA."""
    lowered = text.strip().lower()
    return lowered if _COMMIT.fullmatch(lowered) else ""


def is_web_address(url: str) -> bool:
    """Whether it is an https address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        return False


def without_credentials(url: str) -> str:
    """The address without user name and password, which clone addresses carry; empty where it is none."""
    if "@" not in url or "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def organization_of(url: str) -> str:
    """The organization that an address of Azure DevOps is in, in both of its forms; empty for others."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return ""
    if parts.scheme != "https":
        return ""
    if host == _HOST:
        return unquote(parts.path.strip("/").partition("/")[0])
    return host.removesuffix(_OLD_HOST) if host.endswith(_OLD_HOST) and host.count(".") == 2 else ""  # noqa: PLR2004


def repository_address(url: str) -> RepositoryAddress | None:
    """The Azure DevOps repository that the address is of; None for any other address."""
    organization = organization_of(url)
    if not organization:
        return None
    parts = urlsplit(url)
    path = [unquote(part) for part in parts.path.split("/") if part]
    if (parts.hostname or "").lower() == _HOST or path[:1] == ["DefaultCollection"]:
        path = path[1:]
    try:
        git = path.index("_git")
        repository = path[git + 1].removesuffix(".git")
    except (ValueError, IndexError):
        return None
    # A project's first repository bears its name, and its address may leave the project out.
    return RepositoryAddress(organization, path[0] if git else repository, repository)


def _may_be_shown(value: str) -> bool:
    return 0 < len(value) <= _VALUE_MOST and value.isprintable()
