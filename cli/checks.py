"""What one check of `doctor` found, and the one plan that follows from all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.failure import Failure, FailureKind
from shared.views.organizations import sentence


class Outcome(StrEnum):
    """Unknown is not met, and is not the same as not met."""

    MET = "met"
    NOT_MET = "notMet"
    UNKNOWN = "unknown"


class Weight(StrEnum):
    """What hangs on a check."""

    BLOCKING = "blocking"
    """Without it an organization is not onboarded, or nothing of it can be read."""
    DEGRADING = "degrading"
    """Without it something that we do is not told, or not done."""
    INFORMATIONAL = "informational"
    """Shown to explain; nothing that was asked for depends on it."""


class Group(StrEnum):
    """Where a check belongs, in the order in which they are made and mended."""

    SETTINGS = "settings"
    STATE = "state"
    QUEUE = "queue"
    SECRETS = "secrets"
    CLOCK = "clock"
    CONNECTOR = "connector"
    PREREQUISITES = "prerequisites"
    PERMISSIONS = "permissions"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was asked, what the answer is and rests on, what it breaks, and what to do.

    `id` is a stable word for machines; several organizations have checks of the same id. `breaks` and `fix`
    are told of what is not met or unknown; `warning` of what is met in an unusual way.
    """

    id: str
    group: Group
    title: str
    outcome: Outcome
    evidence: str
    breaks: str = ""
    fix: str = ""
    warning: str = ""
    weight: Weight = Weight.DEGRADING
    code: str = ""
    connector: str = ""
    organization: str = ""
    permission: str = ""
    capabilities: tuple[str, ...] = field(default=())

    @property
    def counts(self) -> bool:
        """Whether anything depends on it."""
        return self.weight is not Weight.INFORMATIONAL

    def row(self) -> dict[str, object]:
        """The JSON of it."""
        is_met = self.outcome is Outcome.MET
        return {
            "id": self.id,
            "group": self.group.value,
            "connector": self.connector or None,
            "organization": self.organization or None,
            "title": self.title,
            "outcome": self.outcome.value,
            "weight": self.weight.value,
            "evidence": self.evidence,
            "warning": self.warning or None,
            "breaks": None if is_met else self.breaks or None,
            "fix": None if is_met else self.fix or None,
            "code": self.code or None,
            "permission": self.permission or None,
            "capabilities": list(self.capabilities),
        }

    def line(self) -> str:
        """All of it in one line."""
        if self.outcome is Outcome.MET:
            return sentence(f"{self.title}: {self.evidence}", self.warning)
        return sentence(
            f"{self.title}: {self.evidence}",
            f"It breaks: {self.breaks}" if self.breaks else "",
            f"Fix: {self.fix}" if self.fix else "",
        )


def outcome_of(failure: Failure) -> Outcome:
    """What a refusal says of a right: missing only where the service says so."""
    refused = failure.kind is FailureKind.DENIED and failure.code not in _SAYS_NOTHING
    return Outcome.NOT_MET if refused else Outcome.UNKNOWN


_SAYS_NOTHING = {"ProviderUnavailable", "SignInRequired", "OrganizationStopped"}
"""Refusals that leave open whether it is the right that is missing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and every check that it is for."""

    fix: str
    checks: tuple[Check, ...]

    @property
    def weight(self) -> Weight:
        """The heaviest of what it is for."""
        return min((one.weight for one in self.checks), key=list(Weight).index)

    @property
    def titles(self) -> tuple[str, ...]:
        """What it is for, each once."""
        return tuple(dict.fromkeys(one.title for one in self.checks))

    @property
    def organizations(self) -> tuple[str, ...]:
        """Where it is to be done, each once."""
        return tuple(dict.fromkeys(one.organization for one in self.checks if one.organization))

    @property
    def connectors(self) -> tuple[str, ...]:
        """For whom, each once."""
        return tuple(dict.fromkeys(one.connector for one in self.checks if one.connector))

    def row(self, number: int) -> dict[str, object]:
        """The JSON of it."""
        return {
            "step": number,
            "fix": self.fix,
            "weight": self.weight.value,
            "checks": list(dict.fromkeys(one.id for one in self.checks)),
            "connectors": list(self.connectors),
            "organizations": list(self.organizations),
        }


def plan(checks: Iterable[Check]) -> list[Step]:
    """What to do, the most blocking first, each thing once.

    Within a weight it goes from our own machine outwards, and what is known to be missing comes before what
    could not be told: mending the first often answers the second.
    """
    open_checks = [one for one in checks if one.counts and one.outcome is not Outcome.MET and one.fix]
    by_fix: dict[str, list[Check]] = {}
    for one in sorted(open_checks, key=_urgency):
        by_fix.setdefault(one.fix, []).append(one)
    return [Step(fix, tuple(found)) for fix, found in by_fix.items()]


def _urgency(check: Check) -> tuple[int, int, bool]:
    return (
        list(Weight).index(check.weight),
        list(Group).index(check.group),
        check.outcome is Outcome.UNKNOWN,
    )


def verdict(checks: Sequence[Check]) -> Outcome:
    """All met, something not met, or else something that could not be told; what informs does not count."""
    outcomes = {one.outcome for one in checks if one.counts}
    return next((one for one in (Outcome.NOT_MET, Outcome.UNKNOWN) if one in outcomes), Outcome.MET)
