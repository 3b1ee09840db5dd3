"""How much a finding matters where it is: the rule's severity, raised or lowered by what surrounds it.

Nothing here is stored: the level is worked out from the inventory and the evidence when it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.model.assessment import Resource, ResourceKind, Severity
from shared.model.inventory import Project
from shared.posture.verdicts import CHANGED_BY

IS_SHARED = "isShared"
"""Key of evidence: whether several projects use the resource."""

_PRODUCTION = frozenset({"live", "prd", "prod", "production"})
_SANDBOX = frozenset({"demo", "demos", "playground", "poc", "sandbox"})
_PUBLIC = "public"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


class RiskLevel(StrEnum):
    """The worst comes first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RiskFactor(StrEnum):
    """What raised the level, or (the last) lowered it."""

    PUBLIC_PROJECT = "publicProject"
    """Everybody on the internet can read the project."""
    PRODUCTION = "production"
    """The name of the resource or of its project says that it serves production."""
    BROAD_REACH = "broadReach"
    """It is the whole organization, or several projects use it."""
    SANDBOX = "sandbox"
    """The name of the resource or of its project says that nothing depends on it."""


@dataclass(frozen=True, slots=True)
class Risk:
    """A level, with the factors that moved it away from the rule's severity."""

    level: RiskLevel
    factors: tuple[RiskFactor, ...] = ()


_OF_SEVERITY = {Severity.HIGH: 1, Severity.MEDIUM: 2, Severity.LOW: 3}
_LEVELS = tuple(RiskLevel)


def risk_of(
    severity: Severity, resource: Resource, project: Project | None, evidence: Mapping[str, object]
) -> Risk:
    """One level up where anything raises it, one down where anything lowers it; both cancel out."""
    factors = tuple(_factors(resource, project, evidence))
    raised = any(one is not RiskFactor.SANDBOX for one in factors)
    step = (RiskFactor.SANDBOX in factors) - raised
    number = min(max(_OF_SEVERITY[severity] + step, 0), len(_LEVELS) - 1)
    return Risk(_LEVELS[number], factors)


def _factors(resource: Resource, project: Project | None, evidence: Mapping[str, object]) -> list[RiskFactor]:
    words = _words(resource.name) | (_words(project.name) if project else set())
    found = {
        RiskFactor.PUBLIC_PROJECT: project is not None and project.visibility == _PUBLIC,
        RiskFactor.PRODUCTION: not words.isdisjoint(_PRODUCTION),
        RiskFactor.BROAD_REACH: resource.kind is ResourceKind.ORGANIZATION or evidence.get(IS_SHARED) is True,
        RiskFactor.SANDBOX: not words.isdisjoint(_SANDBOX),
    }
    return [factor for factor, holds in found.items() if holds]


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}


def owner_of(
    evidence: Mapping[str, object], project: Project | None, organization_name: str, organization_owner: str
) -> str:
    """Who can mend it: who last changed it, where that is told, else who administers it."""
    changed_by = evidence.get(CHANGED_BY)
    if isinstance(changed_by, str) and changed_by:
        return changed_by
    if project is not None:
        return f"Project Administrators of {project.name}"
    if organization_owner:
        return organization_owner
    return f"Project Collection Administrators of {organization_name}"
