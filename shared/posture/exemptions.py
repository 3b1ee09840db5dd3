"""Which findings are exempted: told when they are shown, so that an exemption hides nothing and ends on time.

No stored assessment knows of exemptions. A finding that is exempted stays *unhealthy* and is counted apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from shared.model.assessment import AssessmentStatus, Resource
from shared.model.exemption import Exemption, ExemptionScope
from shared.model.ids import OrganizationId, ProjectId, RuleId
from shared.posture.judging import ResourceKey, key_of
from shared.posture.views import Recommendation

_ID_CHARACTERS = 12
_UNTOLD = frozenset({AssessmentStatus.UNKNOWN, AssessmentStatus.NEVER_ASSESSED, AssessmentStatus.STALE})


class ExemptionState(StrEnum):
    """What has become of an exemption."""

    IN_USE = "inUse"
    """It covers at least one unhealthy finding."""
    UNUSED = "unused"
    """Nothing that it covers is unhealthy, or it covers nothing: it can go."""
    UNKNOWN = "unknown"
    """It covers nothing unhealthy that is known, but something of which that cannot be told."""
    EXPIRED = "expired"
    """It is over: what it covered is open again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recommendation is: ids decide, names are for patterns. No project: the organization itself."""

    organization: OrganizationId
    organization_name: str
    project: ProjectId | None = None
    project_name: str = ""


def exemption_id(source: str, scope: ExemptionScope) -> str:
    """The same for the same scope in the same source, however it is capitalised."""
    words = (source, scope.rule, scope.organization, scope.project, scope.resource)
    text = "\0".join(one.casefold() for one in words)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_ID_CHARACTERS]


def is_pattern(text: str) -> bool:
    """Whether it means whatever matches. Azure DevOps allows neither sign in a name."""
    return "*" in text or "?" in text


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches: `*` is any text, `?` any one character, capitals do not matter."""
    return not pattern or _compiled(pattern.casefold()).fullmatch(name.casefold()) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """What stands between two `*` is looked for once, at its first place: no pattern takes long."""
    first, *rest = [
        "".join("." if one == "?" else re.escape(one) for one in part) for part in pattern.split("*")
    ]
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    found = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)


class Exemptions:
    """The exemptions that hold at a time, found by what they cover."""

    def __init__(self, exemptions: Iterable[Exemption], now: datetime) -> None:
        self._of_resource: dict[ResourceKey, list[Exemption]] = {}
        self._wider: list[Exemption] = []
        self.all = tuple(one for one in sorted(exemptions, key=_by_weight) if one.expires_at > now)
        """Those that hold, the narrowest first."""
        for one in self.all:
            target = one.target
            if target.resource is not None and target.resource_kind is not None:
                key = (target.resource_kind.value, target.resource)
                self._of_resource.setdefault(key, []).append(one)
            else:
                self._wider.append(one)
        self._place: Place | None = None
        self._here: dict[RuleId, tuple[Exemption, ...]] = {}

    def of(self, rule: RuleId, resource: Resource, place: Place) -> Exemption | None:
        """The exemption that covers the rule's word on this resource: the narrowest, then the longest."""
        for one in self._of_resource.get(key_of(resource), ()):
            if _is_about(one, rule, place):
                return one
        if not self._wider:
            return None
        if place != self._place:
            # Recommendations come place by place.
            self._place, self._here = place, {}
        here = self._here.get(rule)
        if here is None:
            here = self._here[rule] = tuple(one for one in self._wider if _is_about(one, rule, place))
        return next((one for one in here if matches(one.scope.resource, resource.name)), None)

    def rules_at(self, place: Place, rules: Iterable[RuleId]) -> frozenset[RuleId]:
        """Those of the rules of which something in this place may be exempted by more than its id."""
        here = [one for one in self._wider if _is_at(one, place)]
        if not here:
            return frozenset()
        return frozenset(rule for rule in rules if any(_is_of_rule(one, rule) for one in here))

    def names(self, resource: Resource) -> bool:
        """Whether an exemption is about this resource by its id."""
        return key_of(resource) in self._of_resource


def covers(exemption: Exemption, rule: RuleId, resource: Resource, place: Place) -> bool:
    """Whether the exemption is about this, whether or not it has expired."""
    target = exemption.target
    if not _is_about(exemption, rule, place):
        return False
    if target.resource is not None:
        return target.resource == resource.id and target.resource_kind is resource.kind
    return matches(exemption.scope.resource, resource.name)


def with_exemptions(
    recommendations: Iterable[Recommendation], place: Place, exemptions: Exemptions
) -> Iterator[Recommendation]:
    """The same recommendations, each with the exemption that covers it."""
    for one in recommendations:
        found = exemptions.of(one.rule.id, one.resource, place)
        yield one if found is None else replace(one, exemption=found)


@dataclass(frozen=True, slots=True)
class Use:
    """What an exemption covers: how many recommendations of each outcome."""

    exemption: Exemption
    covered: Mapping[AssessmentStatus, int]
    state: ExemptionState

    @property
    def unhealthy(self) -> int:
        """Unhealthy findings that it covers, or covered before it expired."""
        return self.covered.get(AssessmentStatus.UNHEALTHY, 0)


def uses(
    exemptions: Iterable[Exemption], told: Iterable[tuple[Place, Recommendation]], now: datetime
) -> list[Use]:
    """What has become of each exemption, in their order. `told` is everything there is to say."""
    kept = list(exemptions)
    counted: dict[str, dict[AssessmentStatus, int]] = {one.id: {} for one in kept}
    exact: dict[ResourceKey, list[Exemption]] = {}
    wider: list[Exemption] = []
    for one in kept:
        if one.target.resource is not None and one.target.resource_kind is not None:
            exact.setdefault((one.target.resource_kind.value, one.target.resource), []).append(one)
        else:
            wider.append(one)
    for place, recommendation in told:
        candidates = (*exact.get(key_of(recommendation.resource), ()), *wider)
        for one in candidates:
            if covers(one, recommendation.rule.id, recommendation.resource, place):
                of_this = counted[one.id]
                of_this[recommendation.status] = of_this.get(recommendation.status, 0) + 1
    return [Use(one, counted[one.id], _state(one, counted[one.id], now)) for one in kept]


def _state(exemption: Exemption, covered: Mapping[AssessmentStatus, int], now: datetime) -> ExemptionState:
    if exemption.expires_at <= now:
        return ExemptionState.EXPIRED
    if covered.get(AssessmentStatus.UNHEALTHY):
        return ExemptionState.IN_USE
    if any(covered.get(status) for status in _UNTOLD):
        return ExemptionState.UNKNOWN
    return ExemptionState.UNUSED


def _is_about(exemption: Exemption, rule: RuleId, place: Place) -> bool:
    return _is_of_rule(exemption, rule) and _is_at(exemption, place)


def _is_of_rule(exemption: Exemption, rule: RuleId) -> bool:
    wanted = exemption.scope.rule
    return wanted == rule or (is_pattern(wanted) and matches(wanted, rule))


def _is_at(exemption: Exemption, place: Place) -> bool:
    scope, target = exemption.scope, exemption.target
    if target.organization is not None:
        if target.organization != place.organization:
            return False
    elif not matches(scope.organization, place.organization_name):
        return False
    if target.resource is not None:
        return True
    if target.project is not None:
        return target.project == place.project
    return not scope.project or (place.project is not None and matches(scope.project, place.project_name))


def _by_weight(one: Exemption) -> tuple[int, int, int, bool, float, str]:
    target = one.target
    return (
        -(target.resource is not None),
        -(target.project is not None),
        -(target.organization is not None),
        is_pattern(one.scope.rule),
        -one.expires_at.timestamp(),
        one.id,
    )
