"""What posture rules judge: typed snapshots of what the API said, or why it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from shared.model.failure import Failure
from shared.model.inventory import Project, Repository

T = TypeVar("T")


class FactKind(StrEnum):
    """Fact sets that a rule may need; the gatherer reads the union of what the rules name."""

    ORGANIZATION_PIPELINE_SETTINGS = "organizationPipelineSettings"
    PIPELINE_SETTINGS = "pipelineSettings"
    BRANCH_POLICIES = "branchPolicies"
    SERVICE_CONNECTIONS = "serviceConnections"
    SERVICE_CONNECTION_PERMISSIONS = "serviceConnectionPermissions"


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value that was read, or the failure that says why not. Exactly one of the two is set."""

    value: T | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.failure is None):
            raise ValueError("a fact is either read or says why it could not be")

    @classmethod
    def read(cls, value: T) -> Fact[T]:
        """A fact that was read."""
        return cls(value=value)

    @classmethod
    def unread(cls, failure: Failure) -> Fact[T]:
        """A fact that could not be read."""
        return cls(failure=failure)


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """General settings of a project's (or the organization's) pipelines. A missing key is unknown."""

    settings: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyScope:
    """Where a branch policy applies. No repository id: every repository of the project."""

    repository_id: str | None
    ref_name: str | None
    match_kind: str


@dataclass(frozen=True, slots=True)
class BranchPolicy:
    """One branch policy configuration; `settings` are the raw settings without the scope."""

    id: int
    type_id: str
    is_enabled: bool
    is_blocking: bool
    is_deleted: bool
    scopes: tuple[PolicyScope, ...]
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceConnection:
    """A service connection. `type` and `scheme` are as the wire has them; both may be empty."""

    id: str
    name: str
    type: str
    scheme: str
    is_shared: bool
    open_to_all_pipelines: Fact[bool]


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """Everything that was gathered of one project, at one time."""

    project: Project
    repositories: tuple[Repository, ...]
    pipeline_settings: Fact[PipelineSettings]
    organization_pipeline_settings: Fact[PipelineSettings]
    branch_policies: Fact[tuple[BranchPolicy, ...]]
    service_connections: Fact[tuple[ServiceConnection, ...]]
    gathered_at: datetime
