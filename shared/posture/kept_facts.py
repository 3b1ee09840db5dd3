"""What one refresh leaves for the next one, or for its next slice, as bytes."""

from __future__ import annotations

import json
import types
import zlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from shared.model.facts import (
    BranchPolicy,
    Checks,
    Environment,
    Fact,
    FactKind,
    OrganizationFacts,
    Pipeline,
    PipelineSettings,
    ProjectFacts,
    SecureFile,
    ServiceConnection,
    VariableGroup,
)
from shared.model.ids import ProjectId
from shared.model.inventory import Project, Repository
from shared.posture.audit import Mark

T = TypeVar("T")

_VERSION = 2

OF_ORGANIZATION_FIRST = "-"
"""Checkpoint while facts of the organization are being read; it stands before every id of a project."""
CHANGED_ONLY = "~"
"""Begins every checkpoint of a refresh that reads only what has changed."""


def is_checkpoint(text: str, projects: Container[str]) -> bool:
    """Whether a refresh goes on from there: behind one of these projects, or before the first."""
    after = text.removeprefix(CHANGED_ONLY)
    return after in {"", OF_ORGANIZATION_FIRST} or after in projects


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of an organization between refreshes, and of a refresh between its slices.

    - `facts`: what was read of the organization itself.
    - `basis`: by which rules, numbers and identity it was read; by others everything is read anew.
    - `full_at`: when the last full refresh began that came to its end; None while the first is under way.
    - `looked_at`: up to when the audit log was read, or everything was; `seen` are the ids of entries that
      were heeded, as far back as the next look goes.
    - `inventory`: by project, a mark of its rows in the inventory as they were when it was judged last.
    - `forgotten` and `changed`: fact sets of the organization, and of projects, that are to be read again.
    - `anew`: facts of the organization changed on which verdicts in every project may rest.
    """

    facts: OrganizationFacts
    basis: str = ""
    full_at: datetime | None = None
    looked_at: datetime | None = None
    seen: tuple[str, ...] = ()
    inventory: Mapping[str, str] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
    changed: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    anew: bool = False

    def marks(self, project: ProjectId) -> frozenset[Mark]:
        """What of the project is to be read again."""
        return frozenset((FactKind(kind), one) for kind, one in self.changed.get(project, ()))

    def with_marks(self, marks: Mapping[ProjectId, Iterable[Mark]]) -> Kept:
        """With these to be read again as well."""
        changed = {key: set(told) for key, told in self.changed.items()}
        for project, told in marks.items():
            changed.setdefault(project, set()).update((kind.value, one) for kind, one in told)
        return replace(self, changed={key: tuple(sorted(told)) for key, told in sorted(changed.items())})


@dataclass(frozen=True, slots=True)
class KeptProject:
    """What was read of a project itself, and when the first of it was."""

    pipeline_settings: Fact[PipelineSettings]
    branch_policies: Fact[tuple[BranchPolicy, ...]]
    pipelines: Fact[tuple[Pipeline, ...]]
    service_connections: Fact[tuple[ServiceConnection, ...]]
    variable_groups: Fact[tuple[VariableGroup, ...]]
    secure_files: Fact[tuple[SecureFile, ...]]
    environments: Fact[tuple[Environment, ...]]
    checks: Fact[Checks]
    gathered_at: datetime
    requests: Mapping[str, int]


def kept_of(facts: ProjectFacts) -> KeptProject:
    """What is kept of a project's facts: all that was read of it alone."""
    return KeptProject(**{one.name: getattr(facts, one.name) for one in fields(KeptProject)})


def facts_of(
    kept: KeptProject, project: Project, repositories: tuple[Repository, ...], organization: OrganizationFacts
) -> ProjectFacts:
    """The facts of a project, from what was kept of it and what is known besides."""
    told = {one.name: getattr(kept, one.name) for one in fields(KeptProject)}
    return ProjectFacts(project=project, repositories=repositories, organization=organization, **told)


def mark_of(project: Project, repositories: Iterable[Repository]) -> str:
    """A short text that is another one when the rows of a project that rules look at are others."""
    own = (project.name, project.state, project.visibility, project.retired_at is None)
    inside = [
        (one.id, one.name, one.default_branch, one.is_disabled, one.is_fork, one.missing_since is None)
        for one in repositories
    ]
    return f"{zlib.crc32(repr((own, inside)).encode(errors='surrogatepass')):08x}"


def pack(value: Kept | KeptProject) -> bytes:
    """The facts as bytes that `unpack` reads back; what rules derived from them is left out."""
    text = json.dumps([_VERSION, _plain(value)], separators=(",", ":"), ensure_ascii=True)
    return zlib.compress(text.encode("ascii"))


def unpack(kind: type[T], content: bytes) -> T | None:
    """What was packed; None for nothing, or for what another version of the app packed."""
    if not content:
        return None
    try:
        version, document = json.loads(zlib.decompress(content))
        if version != _VERSION:
            return None
        found = _made(kind, document)
    except (ValueError, TypeError, KeyError, zlib.error):
        return None
    return found if isinstance(found, kind) else None


def is_sound(kind: type[T], content: bytes) -> bool:
    """Whether this was packed, by this version of the app or another; nothing is sound too."""
    if not content:
        return True
    try:
        version, document = json.loads(zlib.decompress(content))
        return version != _VERSION or isinstance(_made(kind, document), kind)
    except (ValueError, TypeError, KeyError, zlib.error):
        return False


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.init}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        if any(isinstance(key, tuple) for key in value):
            return [[list(key), _plain(one)] for key, one in value.items()]
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(hint: Any, value: Any) -> Any:  # noqa: ANN401 - whatever a fact may hold
    origin = get_origin(hint) or hint
    arguments = get_args(hint)
    if origin in {Union, types.UnionType}:
        return (
            None if value is None else _made(next(one for one in arguments if one is not type(None)), value)
        )
    if isinstance(origin, type) and is_dataclass(origin):
        hints = _hints(origin)
        values = {}
        for one in fields(origin):
            if one.init:
                # A fact's value is of whatever type the fact is about.
                wanted = arguments[0] if origin is Fact and one.name == "value" else hints[one.name]
                told = value[one.name]
                values[one.name] = None if told is None else _made(wanted, told)
        return origin(**values)
    if origin in {tuple, frozenset}:
        if arguments[-1] is not Ellipsis and origin is tuple:
            return tuple(_made(one, told) for one, told in zip(arguments, value, strict=True))
        return origin(_made(arguments[0], one) for one in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if isinstance(value, list):
            return {_made(arguments[0], key): _made(arguments[1], one) for key, one in value}
        return {key: _made(arguments[1], one) for key, one in value.items()}
    if origin is datetime:
        return datetime.fromisoformat(value)
    return origin(value) if isinstance(origin, type) and issubclass(origin, StrEnum) else value
