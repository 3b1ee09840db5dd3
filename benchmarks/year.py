"""How large the state of 100 organizations becomes in a year, and that it then grows no more.

One organization is discovered and assessed for real, at the simulator; the others are its like under other
ids. Then days pass: every organization has repositories that come, go and are renamed, findings that change,
failures that pass, and notifications, each written as the app writes it. The benchmark fails when the state
is larger than `STATED_MB` after a year, or grows by more than a twentieth in the last quarter, which is after
the retention of 400 days. A run that ends before its retention does not ask for the latter.

    python -m benchmarks.year
    python -m benchmarks.year --organizations 10 --retention-days 60
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.ado_simulator import Simulator, generate_world
from shared.connector_state import open_state
from shared.connector_state.record_forms import plain_of, record_of
from shared.model.assessment import (
    AssessmentStatus,
    Resource,
    ResourceKind,
)
from shared.model.ids import OrganizationId, RepositoryId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.notification import Notified
from shared.model.record import Record, RecordKind
from shared.model.work import Lease, WorkKind
from shared.ports import InventoryChange, State
from shared.posture.judge import changes
from shared.posture.judging import JudgedResource, ResourceKey, key_of
from shared.posture.verdicts import CHANGED_BY
from tests.scenarios.bench import Bench

STATED_MB = 800
"""After a year, of 100 organizations with 10 projects and 75 repositories each."""

PROJECTS, REPOSITORIES = 10, 10
NEW, GONE, RENAMED, CHANGED, FAILURES = 0.1, 0.1, 0.2, 6, 0.3
"""In one organization, a day: repositories that come, go, are renamed; findings that change; failures."""

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_DAY = timedelta(days=1)
_MONTH, _YEAR = 30, 365
_GROWTH_MOST = 1.05
"""In the last quarter: tombstones, and chance. What was never forgotten would make it a sixth."""
_AT_ONCE = 2_000


def main() -> int:
    """Run it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--organizations", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--days", type=int, default=540, help="how many pass (default: 540)")
    parser.add_argument(
        "--retention-days",
        type=int,
        default=400,
        help="for which history and journal are kept (default: 400)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of what changes (default: 1)")
    chosen = parser.parse_args()
    started = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/year.db"
        sizes: list[tuple[int, int]] = []
        year = 0
        with open_state(url) as state:
            begin = fill(state, folder, chosen.organizations)
            life = Life(state, begin, timedelta(days=chosen.retention_days), chosen.seed)
            sys.stdout.write("| day | file | in use | journal | changes of status | repositories |\n")
            sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
            for day in range(chosen.days + 1):
                if day % _MONTH == 0 or day in {_YEAR, chosen.days}:
                    sizes.append((day, _write_line(folder / "year.db", day)))
                    if day <= _YEAR:
                        year = sizes[-1][1]
                life.day(day)
    stated = STATED_MB * chosen.organizations / 100
    sys.stdout.write(f"\n{year / 1e6:.0f} MB after {min(chosen.days, _YEAR)} days (stated: {stated:.0f}); ")
    # Until the retention ends nothing is forgotten, and it grows as it should.
    settled = [size for day, size in sizes if day >= max(chosen.retention_days, chosen.days * 3 // 4)]
    late = settled[-1] / settled[0] if settled else None
    if late is None:
        sys.stdout.write("the retention had not ended; ")
    else:
        sys.stdout.write(f"at the end {late:.3f} times as much as at three quarters; ")
    sys.stdout.write(f"{time.process_time() - started:.0f} s CPU\n")
    return 0 if year <= stated * 1e6 and (late is None or late < _GROWTH_MOST) else 1


def _write_line(file: Path, day: int) -> int:
    """Print what is there, and return the bytes that are in use."""
    with sqlite3.connect(file) as connection:
        page, pages, free = (
            connection.execute(f"PRAGMA {one}").fetchone()[0]
            for one in ("page_size", "page_count", "freelist_count")
        )
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("journal", "status_changes", "repositories")
        ]
    connection.close()
    used = int(page * (pages - free))
    told = " | ".join(f"{one:,}" for one in counts)
    sys.stdout.write(f"| {day} | {page * pages / 1e6:.0f} MB | {used / 1e6:.0f} MB | {told} |\n")
    sys.stdout.flush()
    return used


def fill(state: State, folder: Path, organizations: int) -> datetime:
    """Organizations as they are after their first assessment."""
    world = generate_world(seed=7, organizations=1, projects=PROJECTS, repositories=REPOSITORIES)
    first = folder / "first"
    first.mkdir()
    with Simulator(world) as simulator:
        bench = Bench(world, simulator, first)
        bench.connect()
        bench.run()
        bench.run()
        with open_state(f"sqlite:///{first}/state.db") as source:
            records = list(source.records())
            (like,) = source.organizations()
            kept = {str(one.id) for one in source.connectors()}
        begin = bench.clock.now()
        bench.runtime.close()
    state.import_records(_multiplied(records, like.name, kept, organizations), "year")
    return begin.replace(tzinfo=UTC)


def _multiplied(records: list[Record], name: str, kept: set[str], times: int) -> Iterator[Record]:
    lines = [(one.kind, json.dumps(plain_of(one))) for one in records]
    for kind in RecordKind:
        for number in range(times if kind is not RecordKind.CONNECTOR else 1):
            for its, line in lines:
                if its is kind:
                    yield record_of(json.loads(_other(line, name, kept, number)))


def _other(line: str, name: str, kept: set[str], number: int) -> str:
    def renamed(found: re.Match[str]) -> str:
        one = found[0]
        return one if one in kept or not number else str(uuid.uuid5(uuid.UUID(one), str(number)))

    return _GUID.sub(renamed, line).replace(f'"{name}"', f'"{name}-{number}"')


class Life:
    """What happens from day to day."""

    def __init__(self, state: State, begin: datetime, retention: timedelta, seed: int) -> None:
        self.state, self.begin, self.retention = state, begin, retention
        self.chance = random.Random(seed)  # noqa: S311 - a simulation
        self.rows = {
            one.id: {key_of(row.resource): row for row in state.assessments(one.id) if row.assessments}
            for one in state.organizations()
        }
        every = (row for rows in self.rows.values() for row in rows.values())
        like = next(row for row in every if row.resource.kind is ResourceKind.REPOSITORY)
        self.verdicts = {rule: one.verdict for rule, one in like.assessments.items()}
        """What is said of each repository that comes."""
        self.fresh: dict[OrganizationId, list[Resource]] = {}
        self.gone: dict[OrganizationId, set[ResourceKey]] = {}
        self.repositories = {one: list(state.repositories(one)) for one in self.rows}
        self.projects: dict[OrganizationId, list[Project]] = {
            one: list(state.projects(one)) for one in self.rows
        }
        self.told: dict[OrganizationId, int] = dict.fromkeys(self.rows, 0)

    def day(self, number: int) -> None:
        """One day of every organization."""
        now = self.begin + number * _DAY
        for organization in self.rows:
            self._inventory(organization, now)
            self._posture(organization, now)
            self._failure(organization, now)
        while self.state.forget_journal(now - self.retention, _AT_ONCE) == _AT_ONCE:
            pass

    def _times(self, rate: float) -> int:
        whole = int(rate)
        return whole + (self.chance.random() < rate - whole)

    def _held(self, organization: OrganizationId, kind: WorkKind, now: datetime) -> Lease:
        work = self.state.ensure_work(organization, kind, now)
        lease = self.state.lease_work(
            organization, kind, work.revision, owner="year", now=now, until=now + timedelta(minutes=10)
        )
        if lease is None:
            raise RuntimeError("somebody else works on it")
        return lease

    def _done(self, lease: Lease, now: datetime) -> None:
        (work,) = (one for one in self.state.work(organization=lease.organization) if one.kind is lease.kind)
        self.state.finish_work(lease, replace(work, due_at=now + _DAY, last_success=now))

    def _entry(
        self,
        now: datetime,
        event: JournalEvent,
        organization: OrganizationId,
        subject: str,
        subject_name: str = "",
        reason: str = "",
    ) -> JournalEntry:
        return JournalEntry(
            now,
            event,
            organization=organization,
            subject=subject,
            subject_name=subject_name,
            reason=reason,
        )

    def _inventory(self, organization: OrganizationId, now: datetime) -> None:
        known = self.repositories[organization]
        alive = [one for one in known if one.retired_at is None]
        rows: list[Repository] = []
        journal: list[JournalEntry] = []
        for _ in range(self._times(NEW)):
            like = self.chance.choice(alive)
            one = replace(
                like, id=RepositoryId(str(uuid.UUID(int=self.chance.getrandbits(128)))), first_seen=now
            )
            rows.append(one)
            known.append(one)
            resource = Resource(ResourceKind.REPOSITORY, one.id, one.name, one.project_id)
            self.fresh.setdefault(organization, []).append(resource)
            journal.append(
                self._entry(
                    now,
                    JournalEvent.REPOSITORY_DISCOVERED,
                    organization,
                    subject=one.id,
                    subject_name=one.name,
                )
            )
        for event, rate in (
            (JournalEvent.REPOSITORY_RETIRED, GONE),
            (JournalEvent.REPOSITORY_RENAMED, RENAMED),
        ):
            for _ in range(self._times(rate)):
                one = self.chance.choice(alive)
                place = known.index(one)
                changed = (
                    replace(one, retired_at=now, missing_since=now)
                    if event is JournalEvent.REPOSITORY_RETIRED
                    else replace(one, name=f"{one.name[:40]}-x")
                )
                if any(row.id == one.id for row in rows):
                    continue
                known[place] = changed
                if changed.retired_at is not None:
                    gone = key_of(Resource(ResourceKind.REPOSITORY, one.id, one.name))
                    self.gone.setdefault(organization, set()).add(gone)
                rows.append(changed)
                alive = [other for other in alive if other.id != one.id]
                journal.append(self._entry(now, event, organization, subject=one.id, subject_name=one.name))
        if rows:
            lease = self._held(organization, WorkKind.INVENTORY, now)
            self.state.apply_inventory(lease, InventoryChange((), tuple(rows), tuple(journal)))
            self._done(lease, now)

    def _posture(self, organization: OrganizationId, now: datetime) -> None:
        lease = self._held(organization, WorkKind.POSTURE, now)
        rows = self.rows[organization]
        picked = [self.chance.choice(sorted(rows)) for _ in range(CHANGED)]
        fresh = self.fresh.pop(organization, [])
        gone = self.gone.pop(organization, set())
        scopes = {rows[one].resource.project for one in (*picked, *gone) if one in rows}
        for project in sorted(scopes | {one.project for one in fresh}, key=str):
            stored = {key: row for key, row in rows.items() if row.resource.project == project}
            judged = {
                key: JudgedResource(
                    row.resource, {rule: one.verdict for rule, one in row.assessments.items()}
                )
                for key, row in stored.items()
                if key not in gone
            }
            for key in picked:
                if key in judged:
                    judged[key] = self._changed(judged[key])
            for resource in fresh:
                if resource.project == project:
                    judged[key_of(resource)] = JudgedResource(resource, self.verdicts)
            change = changes(organization, judged, stored, frozenset(), now)
            self.state.apply_assessments(lease, project, change, now)
            rows.update((key_of(one.resource), one) for one in change.rows)
            for key in change.dropped:
                del rows[key]
            self.told[organization] += len(change.history)
        self.state.forget_status_changes(lease, now - self.retention)
        self._done(lease, now)
        tell = self._held(organization, WorkKind.NOTIFICATIONS, now)
        self.state.put_notified(tell, Notified(self.told[organization], now))
        self._done(tell, now)

    def _changed(self, one: JudgedResource) -> JudgedResource:
        """The resource with another status from one of its rules."""
        rule = self.chance.choice(sorted(one.verdicts))
        before = one.verdicts[rule]
        status = self.chance.choice([other for other in _STATUSES if other is not before.status])
        evidence = {**before.evidence, CHANGED_BY: "ana@contoso.com"}
        verdict = replace(before, status=status, evidence=evidence)
        return JudgedResource(one.resource, {**one.verdicts, rule: verdict})

    def _failure(self, organization: OrganizationId, now: datetime) -> None:
        for _ in range(self._times(FAILURES)):
            self.state.append_journal(
                [
                    self._entry(now, event, organization, subject="inventory", reason=_REASON)
                    for event in (JournalEvent.WORK_FAILED, JournalEvent.WORK_RECOVERED)
                ]
            )


_STATUSES = (AssessmentStatus.HEALTHY, AssessmentStatus.UNHEALTHY, AssessmentStatus.UNKNOWN)
_REASON = "Organization contoso: listing repositories failed: Azure DevOps answered 503. It is tried again."

if __name__ == "__main__":
    sys.exit(main())
