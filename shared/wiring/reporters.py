"""What the intake of reports remembers within a process: which organizations are connected, and the rate."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.model.ids import OrganizationId
from shared.model.organization import OnboardingState, Organization
from shared.ports import Clock, ConnectorState

REMEMBERED: Final = timedelta(seconds=30)
"""How late the intake may notice that an organization was connected or left."""

_BURST_SECONDS: Final = 10


class KnownOrganizations:
    """`shared.ports.ConnectedOrganizations`, read from the state now and then."""

    def __init__(self, state: ConnectorState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._known: Mapping[str, tuple[Organization, bool]] = {}

    def find(self, identifier: str, now: datetime) -> tuple[Organization | None, bool]:
        """The organization of this id, and whether it is onboarded; at most `REMEMBERED` ago."""
        with self._lock:
            if self._read_at is None or not timedelta(0) <= now - self._read_at < REMEMBERED:
                self._known, self._read_at = self._read(), now
            return self._known.get(identifier.lower(), (None, False))

    def _read(self) -> Mapping[str, tuple[Organization, bool]]:
        onboarded = {
            one.organization for one in self._state.enrollments() if one.state is OnboardingState.ONBOARDED
        }
        known: dict[str, tuple[Organization, bool]] = {}
        for one in self._state.organizations():
            for identifier in (one.instance_id, one.account_id):
                # Of two tenants' records of one organization, the one that is onboarded counts.
                if identifier and not known.get(identifier.lower(), (None, False))[1]:
                    known[identifier.lower()] = one, one.id in onboarded
        return known


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class ReportRate:
    """`shared.ports.Rate`: so many a minute for each organization, in bursts of ten seconds' worth."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_second = per_minute / 60
        self._most = max(self._per_second * _BURST_SECONDS, 1.0)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[OrganizationId, _Bucket] = {}

    def wait(self, organization: OrganizationId) -> float:
        """Seconds until the organization may send one; 0 takes one of those that it may send now."""
        now = self._clock.now()
        with self._lock:
            bucket = self._buckets.setdefault(organization, _Bucket(self._most, now))
            passed = max((now - bucket.at).total_seconds(), 0.0)
            bucket.left, bucket.at = min(bucket.left + passed * self._per_second, self._most), now
            if bucket.left < 1:
                return (1 - bucket.left) / self._per_second
            bucket.left -= 1
            return 0.0
