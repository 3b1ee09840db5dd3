"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.model.assessment import Resource, ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.posture.permissions import PERMISSIONS

Evaluate = Callable[[ProjectFacts], Iterable[tuple[Resource, Verdict]]]
"""Judges everything in one project that the rule is about.

What cannot even be listed is judged as a whole: the verdict then stands on the project.
A verdict other than *unknown* must hold whatever the facts that are still unread may turn out to say.
"""


class Lifecycle(StrEnum):
    """How far along a rule is."""

    PREVIEW = "preview"
    """Defender for Cloud publishes the recommendation as a preview; its meaning may still move."""
    STABLE = "stable"
    DEPRECATED = "deprecated"
    """Kept for its history; a later version removes it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement of what should be, how to tell, and what to do about it.

    `title` says what should be, `why` which attack it stops, `judged` how it is told, `fix` the steps in the
    portal, `limits` what the rule does not tell. `assessment_key` is Defender's key of the same
    recommendation, `aliases` are the ids of rules of other tools that mean the same.
    """

    id: RuleId
    title: str
    resource: ResourceKind
    severity: Severity
    topic: str
    why: str
    judged: str
    fix: tuple[str, ...]
    needs: frozenset[FactKind]
    evaluate: Evaluate
    assessment_key: str = ""
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle.STABLE
    limits: str = ""

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the identity needs for the rule to be more than *unknown*, in a stable order."""
        return tuple(dict.fromkeys(PERMISSIONS[kind] for kind in FactKind if kind in self.needs))
