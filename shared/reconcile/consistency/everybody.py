"""What is few, and read whole before anything is judged."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.organization import Enrollment, Organization
from shared.model.record import Claim, KeptWork, Record, RecordKind
from shared.model.work import SKEW, WorkKind, without_lease

LONGEST_WAIT = timedelta(days=366)
"""No interval is longer, and no service asks for a longer wait."""

SETTLED_AFTER = timedelta(hours=1)
"""What several writes make is whole by then, or the process that made them died."""

WRITTEN_WITHIN = timedelta(seconds=2)
"""The writes of a command or a discovery, which hold no work, follow each other faster."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What only those can tell who know the rules, or go on from what was kept as bytes."""

    has_rule: Callable[[str], bool] = lambda _: True
    """Whether a rule, or a pattern of rules, means any."""
    is_content: Callable[[RecordKind, tuple[str, ...], bytes], bool] = lambda *_: True
    """Whether the bytes of facts or of a partial listing can be read."""
    is_checkpoint: Callable[[WorkKind, str, Container[str]], bool] = lambda *_: True
    """Whether work can go on from it, in an organization of these projects."""


@dataclass(slots=True)
class Everybody:
    """What is few: read whole before anything is judged."""

    connectors: dict[ConnectorId, Connector] = field(default_factory=dict)
    organizations: dict[OrganizationId, Organization] = field(default_factory=dict)
    claims: dict[OrganizationId, list[Record]] = field(default_factory=dict)
    enrollments: dict[tuple[OrganizationId, ConnectorId], Record] = field(default_factory=dict)
    work: dict[tuple[OrganizationId, WorkKind], KeptWork] = field(default_factory=dict)
    others: list[Record] = field(default_factory=list)
    exemptions: dict[OrganizationId, list[Record]] = field(default_factory=dict)
    """Those of one organization."""
    unreadable: list[Record] = field(default_factory=list)
    readers: Readers = field(default_factory=Readers)

    @classmethod
    def of(cls, records: Iterable[Record], readers: Readers | None = None) -> Everybody:
        """Sort the records of everybody."""
        one = cls(readers=readers or Readers())
        for record in records:
            match record.value:
                case None:
                    one.unreadable.append(record)
                case Connector() as connector:
                    one.connectors[connector.id] = connector
                    one.others.append(record)
                case Organization() as organization:
                    one.organizations[organization.id] = organization
                    one.others.append(record)
                case Claim():
                    one.claims.setdefault(OrganizationId(record.key[1]), []).append(record)
                case Enrollment() as enrollment:
                    one.enrollments[enrollment.organization, enrollment.connector] = record
                    one.others.append(record)
                case KeptWork(work=work) as kept:
                    one.work[work.organization, work.kind] = kept
                    one.others.append(record)
                case Exemption(target=target):
                    if target.organization is not None:
                        one.exemptions.setdefault(target.organization, []).append(record)
                    one.others.append(record)
                case _:
                    one.others.append(record)
        return one

    def free(self, now: datetime, longest: Longest) -> None:
        """Take work with a lease that nobody has for so long, or that nobody has, for what nobody is at.

        The lease is told as it is. What it would otherwise excuse is told beside it.
        """
        for key, kept in self.work.items():
            until, by = kept.work.leased_until, kept.work.leased_by
            if (until is None) != (not by) or (until is not None and until > longest.until(now)):
                self.work[key] = replace(kept, work=without_lease(kept.work))

    def enrollments_of(self, organization: OrganizationId) -> list[Record]:
        """What each connector makes of an organization."""
        return [one for (of, _), one in self.enrollments.items() if of == organization]

    def is_unreadable(self, kind: RecordKind) -> bool:
        """Whether a record of this kind cannot be read: what is not known may then be that one."""
        return any(record.kind is kind for record in self.unreadable)

    def is_settled(self, organization: OrganizationId, kind: WorkKind) -> bool:
        """Whether this work is not under way, and did not break off: what it writes is then whole."""
        kept = self.work.get((organization, kind))
        if kept is None:
            return True
        work = kept.work
        return work.leased_until is None and not work.checkpoint and not work.failures_in_a_row

    def is_whole(self, enrollment: Enrollment, now: datetime) -> bool:
        """Whether all was written that goes with an enrollment: its claim, and the work that follows.

        Whoever onboards holds the check of prerequisites meanwhile. So what was changed a moment ago is not
        excused for being new, but only while somebody is at it, or broke off and will try again.
        """
        age = now - enrollment.changed_at
        checked = self.is_settled(enrollment.organization, WorkKind.PREREQUISITES)
        return age > (WRITTEN_WITHIN if checked else SETTLED_AFTER)


@dataclass(frozen=True, slots=True)
class Longest:
    """How long things may last, as the app is set."""

    lease: timedelta
    """For which a worker takes a lease."""
    wait: timedelta = LONGEST_WAIT
    """Between two times that something is due."""

    def until(self, now: datetime) -> datetime:
        """To when a lease may go that is taken by now."""
        return now + self.lease + SKEW

    def among(self, everybody: Everybody) -> Longest:
        """With the intervals that connectors have of their own."""
        own = (one.options.posture_interval or self.wait for one in everybody.connectors.values())
        return replace(self, wait=max(self.wait, *own, timedelta(0)))
