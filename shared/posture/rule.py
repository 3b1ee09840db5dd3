"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.model.assessment import Resource, ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.fact_sets import BY_KIND, FACT_SETS

Said = Iterable[tuple[Resource, Verdict]]
"""What a rule says: of each resource that it is about, its verdict."""


@dataclass(frozen=True, slots=True)
class OfProject:
    """Judges everything in one project that the rule is about.

    What cannot even be listed is judged as a whole: the verdict then stands on the project.
    A verdict other than *unknown* must hold whatever the facts that are still unread may turn out to say.
    """

    judge: Callable[[ProjectFacts, Thresholds], Said]


@dataclass(frozen=True, slots=True)
class OfOrganization:
    """Judges everything of the organization itself that the rule is about; else as `OfProject`."""

    judge: Callable[[OrganizationFacts, Thresholds], Said]


Evaluate = OfProject | OfOrganization


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
    portal or the command, `limits` what the rule does not tell. `assessment_key` is Defender's key of the
    same recommendation, `aliases` are the ids of rules of other tools that mean the same; `standards` what
    catalogues of risks and techniques the rule answers to. `thresholds` names the numbers it measures by.
    `beyond_log`: it looks at something of which the audit log does not tell, in a fact set of which it does.
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
    standards: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle.STABLE
    limits: str = ""
    beyond_log: bool = False

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the identity needs for the rule to be more than *unknown*, in a stable order."""
        return tuple(dict.fromkeys(one.permission for one in FACT_SETS if one.kind in self.needs))

    @property
    def sources(self) -> tuple[str, ...]:
        """Where in Azure DevOps the evidence is read, in a stable order."""
        return tuple(dict.fromkeys(BY_KIND[one.kind].source for one in FACT_SETS if one.kind in self.needs))

    @property
    def is_logged(self) -> bool:
        """Whether its verdicts hold until the audit log tells of a change."""
        return not self.beyond_log and all(BY_KIND[kind].is_logged for kind in self.needs)
