"""Everything that is kept, as records: what travels from store to store, and is looked through for errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.ids import ConnectorId, ProjectId
from shared.model.work import Work


class RecordKind(StrEnum):
    """What there is, in the order in which it is told.

    From *assessment* to *repository* it is told organization by organization.
    """

    CONNECTOR = "connector"
    ORGANIZATION = "organization"
    CLAIM = "claim"
    ENROLLMENT = "enrollment"
    PREREQUISITES = "prerequisites"
    EXEMPTION = "exemption"
    SIGN_IN = "sign-in"
    WORK = "work"
    ASSESSMENT = "assessment"
    STATUS_CHANGE = "status-change"
    EXTENSION = "extension"
    FACTS = "facts"
    NOTIFIED = "notified"
    PARTIAL = "partial"
    POSTURE_TOTAL = "posture-total"
    POSTURE = "posture"
    PROJECT = "project"
    REPOSITORY_COUNTS = "repository-counts"
    REPOSITORY = "repository"
    NODE = "node"
    EDGE = "edge"
    RECEIPT = "receipt"
    JOURNAL = "journal"


OF_EVERYBODY = (
    RecordKind.CONNECTOR,
    RecordKind.ORGANIZATION,
    RecordKind.CLAIM,
    RecordKind.ENROLLMENT,
    RecordKind.PREREQUISITES,
    RecordKind.EXEMPTION,
    RecordKind.SIGN_IN,
    RecordKind.WORK,
)
"""What is few, and is not told organization by organization."""

OF_ORGANIZATIONS = (
    RecordKind.ASSESSMENT,
    RecordKind.STATUS_CHANGE,
    RecordKind.EXTENSION,
    RecordKind.FACTS,
    RecordKind.NOTIFIED,
    RecordKind.PARTIAL,
    RecordKind.POSTURE_TOTAL,
    RecordKind.POSTURE,
    RecordKind.PROJECT,
    RecordKind.REPOSITORY_COUNTS,
    RecordKind.REPOSITORY,
)
"""What is written under leases on one organization, which is the first part of its key."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds an organization."""

    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class KeptWork:
    """Work with what only the store knows of it.

    `dropped` rows stay, so that a revision is never used twice and an old lease never fits new work.
    `asked_for` is the earliest time that was asked for while the work was being done, slice by slice.
    """

    work: Work
    asked_for: datetime | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class RepositoryCounts:
    """How many repositories each project has that has any."""

    by_project: Mapping[ProjectId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The hash of the report that came with a token."""

    body: str


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is kept.

    `key` tells it from others of its kind: ids, with the organization first where it belongs to one; empty
    for the journal and for the graph, which tell it themselves. `value` is of the model's class; bytes of
    facts and partial listings. It is None where what is stored cannot be read, and `problem` says why.
    """

    kind: RecordKind
    key: tuple[str, ...]
    value: object
    problem: str = ""
    copies_agree: bool = True
    """Whether what a store keeps beside it, for whoever must not read all of it, is what follows from it."""
