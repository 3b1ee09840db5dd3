"""A client on a server that we script, with a clock that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ado.factory import AdoOptions, AzureDevOpsFactory
from shared.model.connector import AuthKind, IdentityReference
from shared.model.ids import ProjectId, RepositoryId, TenantId
from shared.ports import AzureDevOps, StateConflict, StateUnavailable, ThrottleRecord

PATIENCE = 60.0
"""Seconds for what takes no time, but on a machine that stands still for a while."""
TOKEN = "secret-token-nobody-may-see"
PAT = IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT")
TENANT = TenantId("72f988bf-86f1-41af-91ab-2d7cd011db47")
PROJECT = ProjectId("b778afa3-eac1-4ff0-92ba-21481d5bfe63")
REPOSITORY = RepositoryId("152076b6-7532-4668-b51f-808194db358f")
ME = "22157d54-1821-6536-a446-928b06348385"

CONNECTION = {
    "authenticatedUser": {"id": ME, "subjectDescriptor": "aad.MjIx", "providerDisplayName": "Conn Svc"},
    "instanceId": "2AD38D1E-3EAF-4769-931C-3A2DA67BBB01",
}


class FakeClock:
    """Both clocks, of the day and the monotonic one; they stand still but for those who sleep.

    A gate that looked at the real monotonic clock would wait the less, the longer the machine stood still.
    """

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
        self._ticks = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._pass(timedelta(seconds=seconds))

    def ticks(self) -> float:
        with self._lock:
            return self._ticks

    def advance(self, **units: float) -> None:
        """Let time pass."""
        with self._lock:
            self._pass(timedelta(**units))

    def jump(self, **units: float) -> None:
        """Set the time of day to another, ahead or back."""
        with self._lock:
            self._now += timedelta(**units)

    def _pass(self, time: timedelta) -> None:
        self._now += time
        self._ticks += time.total_seconds()


@dataclass
class MemoryThrottles:
    """A throttle store as the port describes it; counts what it is asked."""

    records: dict[str, ThrottleRecord] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    before_write: Callable[[], object] | None = None
    is_away: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def throttle(self, key: str) -> ThrottleRecord:
        if self.is_away:
            raise StateUnavailable
        with self._lock:
            self.reads += 1
            return self.records.get(key, ThrottleRecord())

    def put_throttle(self, key: str, record: ThrottleRecord) -> ThrottleRecord:
        if self.is_away:
            raise StateUnavailable
        if self.before_write is not None:
            before, self.before_write = self.before_write, None
            before()
        with self._lock:
            self.writes += 1
            if self.records.get(key, ThrottleRecord()).revision != record.revision:
                raise StateConflict
            self.records[key] = replace(record, revision=record.revision + 1)
            return self.records[key]

    def throttles(self) -> dict[str, ThrottleRecord]:
        with self._lock:
            return dict(self.records)


class Bench:
    """Builds clients that talk to one address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = FakeClock()
        self.store = MemoryThrottles()
        self.factories: list[AzureDevOpsFactory] = []

    def connect(self, identity: IdentityReference = PAT, **options: Any) -> AzureDevOps:
        """A client of a factory of its own, as another process would have it."""
        clock, ticks = options.pop("clock", self.clock), options.pop("ticks", self.clock.ticks)
        settings: dict[str, Any] = {"gateway_url": self.url, "timeout": PATIENCE}
        settings["secrets"] = {"ADO_PAT": lambda: TOKEN}
        settings |= options
        factory = AzureDevOpsFactory(AdoOptions(**settings), self.store, clock, ticks=ticks)
        self.factories.append(factory)
        return factory.connect(identity, TENANT)

    def close(self) -> None:
        """Close every connection."""
        for factory in self.factories:
            factory.close()
