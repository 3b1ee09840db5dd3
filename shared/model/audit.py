"""What the audit log of an organization tells of one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.ids import ProjectId


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log.

    `action` is its `actionId`, such as `Policy.PolicyConfigModified`, `project` the project that it names
    outside of its data. `data` has the texts and numbers of its data by the name that each stands under, both
    in lower case: the names vary from action to action, so that nothing rests on them alone.
    """

    id: str
    at: datetime
    action: str
    category: str
    project: ProjectId | None
    data: Mapping[str, frozenset[str]] = field(default_factory=dict)
