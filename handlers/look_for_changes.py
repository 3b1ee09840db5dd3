"""Asks the audit log what has changed: between full refreshes, only that is read again."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.audit import AuditEntry
from shared.model.connector import Connector
from shared.model.facts import Fact, FactKind, OrganizationFacts
from shared.model.failure import ServiceError, Throttled
from shared.model.ids import ProjectId
from shared.model.observation import Observation
from shared.model.organization import Organization
from shared.model.work import SKEW
from shared.ports import AzureDevOps, Dependencies
from shared.posture.audit import EVERY_LOOK, OVERLAP, Changes, changes_of, has_log, matters
from shared.posture.catalogue import RULES
from shared.posture.gathering import unread_of_organization
from shared.posture.kept_facts import Kept
from shared.posture.rule import OfProject

_ONE_CLOCK = timedelta(seconds=2)
"""Clocks that differ by less are taken for one: the service tells whole seconds, and answers take time."""

_IN_PROJECTS = frozenset(
    kind for rule in RULES if isinstance(rule.evaluate, OfProject) for kind in rule.needs
)
"""Fact sets on which some verdict inside a project rests."""


def basis_of(deps: Dependencies, connector: Connector) -> str:
    """A short text that is another one when other facts would be read, or read as somebody else."""
    told = (
        connector.id,
        connector.identity.key,
        connector.identity.sign_in,
        deps.thresholds,
        [(rule.id, sorted(rule.needs)) for rule in RULES],
    )
    return f"{zlib.crc32(repr(told).encode(errors='surrogatepass')):08x}"


def look(
    deps: Dependencies,
    ado: AzureDevOps,
    connector: Connector,
    organization: Organization,
    kept: Kept | None,
) -> Kept | None:
    """What is kept, with what no longer holds marked to be read again; None where all must be read anew.

    Requests: 1 for the organization's policies, which tell whether it keeps a log, and 1 for each 1,000
    entries. Everything is to be read anew when the last full refresh is as long ago as its interval, when
    auditing is off or may not be read, and when the log does not tell enough: it failed, is too long, or has
    an entry that cannot be placed. Raises `Throttled`: a log that may be read later is no gap.
    """
    now = deps.clock.now()
    in_full = deps.intervals.posture_in_full
    if in_full or kept is None or kept.full_at is None or kept.looked_at is None:
        return None
    if kept.basis != basis_of(deps, connector) or _is_full_due(deps, connector, kept.full_at, now):
        return None
    if not has_log(kept.facts):
        return None
    facts = _with_policies(ado, kept.facts)
    if facts is None or not has_log(facts):
        _in_full(deps, organization, "Auditing is off, or the policies cannot be read.")
        return None
    heard = ado.audit_entries(organization.name, _since(kept, ado.clock_ahead))
    if not heard.complete:
        _check_throttle(heard)
        reason = heard.failure.reason if heard.failure is not None else "The log was not read to its end."
        _in_full(deps, organization, reason)
        return None
    seen = set(kept.seen)
    fresh = [one for one in heard.items if one.id not in seen]
    known = frozenset(ProjectId(one.id) for one in deps.state.projects(organization.id))
    changes = changes_of(fresh, known)
    if changes.gap:
        _in_full(deps, organization, changes.gap)
        return None
    deps.log.info(
        "posture.looked",
        organization=organization.name,
        entries=len(heard.items),
        projects=len(changes.projects),
    )
    return _marked(kept, facts, changes, heard.items, now)


def in_projects(before: OrganizationFacts, after: OrganizationFacts) -> bool:
    """Whether facts of the organization differ on which verdicts in its projects rest."""
    names = (kind.name.lower() for kind in _IN_PROJECTS)
    return any(getattr(before, name, None) != getattr(after, name, None) for name in names)


def _marked(
    kept: Kept, facts: OrganizationFacts, changes: Changes, entries: tuple[AuditEntry, ...], now: datetime
) -> Kept:
    again = {*kept.forgotten, *changes.organization, *EVERY_LOOK, *unread_of_organization(facts)}
    again.discard(FactKind.ORGANIZATION_POLICIES)
    since = now - OVERLAP
    return replace(
        kept.with_marks(changes.projects),
        facts=facts,
        looked_at=now,
        seen=tuple(sorted(one.id for one in entries if one.at >= since and matters(one))),
        forgotten=tuple(sorted(again)),
        anew=kept.anew or in_projects(kept.facts, facts),
    )


def _since(kept: Kept, ahead: timedelta) -> datetime:
    """From when to ask: late entries are waited for, but what came before the last full refresh was read.

    Its time is told by our clock, and those of entries by the service's, which may be behind.
    """
    assert kept.full_at is not None  # noqa: S101 - for the type checker: a look asks before
    assert kept.looked_at is not None  # noqa: S101
    behind = min(ahead, SKEW) if ahead > _ONE_CLOCK else timedelta(0)
    return max(kept.looked_at - OVERLAP, kept.full_at - behind)


def _is_full_due(deps: Dependencies, connector: Connector, full_at: datetime, now: datetime) -> bool:
    """Due at the run that is nearest to one full interval after the last one began."""
    intervals = deps.intervals.posture_of(connector.options)
    return now >= full_at + intervals.full - intervals.look / 2


def _with_policies(ado: AzureDevOps, facts: OrganizationFacts) -> OrganizationFacts | None:
    try:
        return replace(facts, organization_policies=Fact.read(ado.policies(facts.name)))
    except Throttled:
        raise
    except ServiceError:
        return None


def _check_throttle(heard: Observation[AuditEntry]) -> None:
    if heard.failure is not None and isinstance(error := ServiceError.of(heard.failure), Throttled):
        raise error


def _in_full(deps: Dependencies, organization: Organization, reason: str) -> None:
    deps.log.warning("posture.readInFull", organization=organization.name, reason=reason)
