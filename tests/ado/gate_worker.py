"""What the throttle tests run in other processes: `python -m tests.ado.gate_worker JSON`.

It says when it is ready, waits for a line, makes its requests, and tells what it did and what the state was
asked for.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ado.errors import HourlyCapReached
from shared.ado.factory import AdoOptions, AzureDevOpsFactory
from shared.connector_state import open_state
from shared.ports import AzureDevOps, State, ThrottleRecord
from tests.ado.bench import PAT, PATIENCE, TENANT, TOKEN


class Clock:
    """The real one, so many seconds off."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)
        self._never = threading.Event()
        self.of_thread = threading.local()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def sleep(self, seconds: float) -> None:
        self.of_thread.slept = self.slept + seconds
        self._never.wait(seconds)

    @property
    def slept(self) -> float:
        """Seconds for which this thread was told to sleep."""
        slept: float = getattr(self.of_thread, "slept", 0.0)
        return slept


class Counted:
    """A store, and how often it is asked."""

    def __init__(self, store: State) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.reads = 0
        self.writes = 0
        self.written = 0

    def throttle(self, key: str) -> ThrottleRecord:
        with self._lock:
            self.reads += 1
        return self._store.throttle(key)

    def put_throttle(self, key: str, record: ThrottleRecord) -> ThrottleRecord:
        with self._lock:
            self.writes += 1
        written = self._store.put_throttle(key, record)
        with self._lock:
            self.written += 1
        return written

    def throttles(self) -> Mapping[str, ThrottleRecord]:
        return self._store.throttles()


def run(
    ado: AzureDevOps, clock: Clock, organization: str, count: int, threads: int, meanwhile: str
) -> dict[str, float]:
    """Make the requests; as long as that takes, others to the organization `meanwhile`.

    Tells how many were sent, and for how many seconds threads were told to sleep.
    """
    done = threading.Event()

    def ask(_: int) -> tuple[int, float]:
        before = clock.slept
        try:
            ado.connection(organization)
        except HourlyCapReached:
            return 0, clock.slept - before
        return 1, clock.slept - before

    def ask_the_other() -> tuple[int, float]:
        asked = 0
        while meanwhile and not done.is_set():
            ado.connection(meanwhile)
            asked += 1
        return asked, clock.slept

    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as aside:
        other = aside.submit(ask_the_other)
        try:
            asked = list(pool.map(ask, range(count)))
        finally:
            done.set()
        sent, slept = (sum(of_one) for of_one in zip(*asked, strict=True))
        number, other_slept = other.result()
        return {"sent": sent, "slept": slept, "other": number, "other_slept": other_slept}


def main(given: dict[str, Any]) -> None:
    store = Counted(open_state(given["state"]))
    options = AdoOptions(
        gateway_url=given["url"],
        timeout=PATIENCE,
        user_agent=given["name"],
        secrets={"ADO_PAT": lambda: TOKEN},
        hourly_cap=given.get("cap", 0),
    )
    clock = Clock(given.get("ahead", 0.0))
    factory = AzureDevOpsFactory(options, store, clock)
    ado = factory.connect(PAT, TENANT)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    started = time.monotonic()
    told = run(ado, clock, "contoso", given["count"], given.get("threads", 2), given.get("meanwhile", ""))
    if not given.get("crash"):
        factory.close()
    told["seconds"] = time.monotonic() - started
    told |= {"reads": store.reads, "writes": store.writes, "written": store.written}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
