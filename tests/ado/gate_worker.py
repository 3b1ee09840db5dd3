"""What the throttle tests run in other processes: `python -m tests.ado.gate_worker JSON`.

It says when it is ready, waits for a line, makes its requests, and tells what it did and what the state was
asked for.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ado.errors import HourlyCapReached
from shared.ado.factory import AdoOptions, AzureDevOpsFactory
from shared.connector_state import open_state
from shared.ports import AzureDevOps, State, ThrottleRecord
from tests.ado.bench import PAT, TENANT, TOKEN


class Clock:
    """The real one, so many seconds off."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)
        self._never = threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def sleep(self, seconds: float) -> None:
        self._never.wait(seconds)


class Counted:
    """A store, and how often it is asked."""

    def __init__(self, store: State) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.reads = 0
        self.writes = 0

    def throttle(self, key: str) -> ThrottleRecord:
        with self._lock:
            self.reads += 1
        return self._store.throttle(key)

    def put_throttle(self, key: str, record: ThrottleRecord) -> ThrottleRecord:
        with self._lock:
            self.writes += 1
        return self._store.put_throttle(key, record)

    def throttles(self) -> Mapping[str, ThrottleRecord]:
        return self._store.throttles()


def run(ado: AzureDevOps, organization: str, count: int, threads: int, meanwhile: str) -> dict[str, int]:
    """Make the requests; as long as that takes, others to the organization `meanwhile`."""
    done = threading.Event()

    def ask(_: int) -> int:
        try:
            ado.connection(organization)
        except HourlyCapReached:
            return 0
        return 1

    def ask_the_other() -> int:
        asked = 0
        while meanwhile and not done.is_set():
            ado.connection(meanwhile)
            asked += 1
        return asked

    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as aside:
        other = aside.submit(ask_the_other)
        try:
            sent = sum(pool.map(ask, range(count)))
        finally:
            done.set()
        return {"sent": sent, "other": other.result()}


def main(given: dict[str, Any]) -> None:
    store = Counted(open_state(given["state"]))
    options = AdoOptions(
        gateway_url=given["url"],
        timeout=20.0,
        user_agent=given["name"],
        secrets={"ADO_PAT": lambda: TOKEN},
        hourly_cap=given.get("cap", 0),
    )
    factory = AzureDevOpsFactory(options, store, Clock(given.get("ahead", 0.0)))
    ado = factory.connect(PAT, TENANT)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    told = run(ado, "contoso", given["count"], given.get("threads", 2), given.get("meanwhile", ""))
    if not given.get("crash"):
        factory.close()
    told |= {"reads": store.reads, "writes": store.writes}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
