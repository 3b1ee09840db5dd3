"""Exemptions: findings that somebody answers for, until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.assessment import ResourceKind
from shared.model.ids import OrganizationId, ProjectId


class ExemptionKind(StrEnum):
    """Why a finding need not be mended."""

    WAIVER = "waiver"
    """The risk is accepted."""
    MITIGATED = "mitigated"
    """The risk is dealt with in another way, which the rule cannot see."""


@dataclass(frozen=True, slots=True)
class ExemptionScope:
    """What an exemption is about, as somebody wrote it: names, ids or patterns with `*` and `?`.

    What is empty is not narrowed down. `rule` is a rule's id, or a pattern of ids.
    """

    rule: str
    organization: str = ""
    project: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class ExemptionTarget:
    """The ids that the names of a scope meant when it was written: what is renamed stays exempted.

    An id is None where the scope has a pattern or nothing there. One that names a resource is about that
    resource alone, wherever it may be moved to.
    """

    organization: OrganizationId | None = None
    project: ProjectId | None = None
    resource_kind: ResourceKind | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """Findings that are counted apart until `expires_at`, with who answers for it and why.

    `id` follows from `source` and scope, so that the same entry of the same file is the same exemption.
    `source` is the name of the file's set of exemptions; empty for one that was added by hand.
    """

    id: str
    scope: ExemptionScope
    target: ExemptionTarget
    kind: ExemptionKind
    reason: str
    by: str
    created_at: datetime
    expires_at: datetime
    source: str = ""
