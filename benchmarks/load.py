"""Everything goes wrong at once; then it stops, and everything must be as if nothing had been.

    .venv/bin/python -m benchmarks.load
    .venv/bin/python -m benchmarks.load --organizations 60 --seconds 12 --clock-speed 4

Many organizations, several worker processes on one state, a simulated Azure DevOps that answers a share of
all requests with every kind of trouble it knows, a world that changes meanwhile, rights that are lost,
workers that are killed (SIGKILL), messages that come twice or late or cannot be read. Then the weather is
calm, and without any help the state must become the world's. Prints what was done and what came of it, and
then the invariants. Exit code 1 when one does not hold.

`--clock-speed` lets the workers' clock run faster, and waits, intervals and windows with it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.load_clock import FastClock
from benchmarks.load_weather import Strike, Weather, kinds
from benchmarks.load_world import Changes, build_world
from benchmarks.simulated import ROOT
from benchmarks.storage import azurite
from local.ado_simulator import Simulator, World
from local.ado_simulator.organization import Organization as Truth
from local.ado_simulator.recorder import RecordedRequest, RequestLog
from shared.model.command import DoWork, OnboardOrganization
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from shared.model.work import LOOKING, ONBOARDING_QUEUE, Work, WorkKind
from shared.wiring.runtime import Runtime, build_runtime
from shared.wiring.settings import Settings

_TENANT = TenantId("load")
_SHARE = 0.06
"""Share of all requests that is hit."""
_UNDER_WAY = 0.5
"""Real seconds for which a request may have been on its way when a wait was told: two cores are busy."""
_WORD_GETS_ROUND = 2.5
"""Real seconds until other processes know of a wait; they look about once a second."""
_OWNERSHIP = "one claim per organization, held by who onboarded it"
_LETTERS = "dead letters are the unreadable messages only"
_SOON = 2.0
"""Real seconds after a fault in which its effect is looked for."""
_TELL_MOST = 5
_TOLD = re.compile(
    r"^(?P<at>\S+Z) .*(?:work\.failed|posture\.interrupted|discovery\.failed) .*code=(?P<code>\w+)"
    r"(?:.* organization=(?P<organization>\S+))?"
)
"""How a worker's log tells of a failure; see `shared.wiring.telemetry`."""

POISON: tuple[tuple[str, bytes], ...] = (
    (ONBOARDING_QUEUE, b"not json"),
    (ONBOARDING_QUEUE, b'{"version": 2, "organization": "contoso"}'),
    (ONBOARDING_QUEUE, b'{"version": 1, "organization": "a/b"}'),
    (ONBOARDING_QUEUE, b"[" * 10_000),
    ("inventory", b"\xff\xfe\x00"),
    ("inventory", b'{"version": 1, "organizationId": "x", "kind": "posture", "revision": 1}'),
    ("prerequisites", b'{"version": 1, "organizationId": "x", "kind": "prerequisites", "revision": "1"}'),
    ("extension", b"{}"),
    ("posture", b""),
    ("posture", b'{"version": 1, "organizationId": "", "kind": "posture", "revision": 0}'),
)


@dataclass(slots=True)
class Worker:
    """A worker process."""

    process: subprocess.Popen[bytes]
    number: int


@dataclass(slots=True)
class Crew:
    """The worker processes: started, killed at random, started again, and stopped in the end.

    A worker ends with its standard input, so that none outlives a run that is killed itself.
    """

    environment: dict[str, str]
    arguments: tuple[str, ...]
    logs: Path
    workers: list[Worker] = field(default_factory=list)
    killed_at: list[float] = field(default_factory=list)
    """When workers were killed, by the monotonic clock."""
    died: list[int] = field(default_factory=list)
    """Exit codes of workers that ended though nobody had asked them to."""

    def start(self, number: int) -> Worker:
        """Start one more worker."""
        with (self.logs / f"worker-{number}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "benchmarks.load_worker", *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        worker = Worker(process, number)
        self.workers.append(worker)
        return worker

    def tend(self) -> None:
        """Replace workers that ended by themselves."""
        for worker in [one for one in self.workers if one.process.poll() is not None]:
            self.died.append(worker.process.returncode)
            self.workers.remove(worker)
            self.start(worker.number)

    def kill_one(self, chance: random.Random) -> None:
        """Kill one without warning, and start another in its place."""
        worker = chance.choice(self.workers)
        worker.process.kill()
        worker.process.wait()
        self.killed_at.append(time.monotonic())
        self.workers.remove(worker)
        self.start(worker.number)

    def stop(self, patience: float = 30.0) -> None:
        """Ask all to end, and wait for it."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                code = worker.process.wait(patience)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                code = worker.process.wait()
            if code:
                self.died.append(code)
        self.workers.clear()


@dataclass(slots=True)
class Messages:
    """Messages that should not be there: repeated ones, old ones, and those nobody can read."""

    runtime: Runtime
    chance: random.Random
    repeated: int = 0
    poison: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    forced: int = 0

    def repeat(self, works: tuple[Work, ...]) -> None:
        """Send messages of a few pieces of work again: the present revision twice, and an older one."""
        for work in self.chance.sample(works, min(len(works), 3)):
            for revision in (work.revision, work.revision, max(1, work.revision - 1)):
                self.runtime.queue.send(DoWork(work.organization, work.kind, revision))
                self.repeated += 1

    def force(self, world: World) -> None:
        """Ask for an organization that is onboarded anyway, as whichever connector."""
        name = self.chance.choice(world.organizations).name
        self.runtime.queue.send(OnboardOrganization(name, "load", "load", self.chance.choice(("one", "two"))))
        self.forced += 1

    def spoil(self) -> None:
        """Send one that cannot be read."""
        queue, body = POISON[sum(map(len, self.poison.values())) % len(POISON)]
        number = self.runtime.queue.send_raw(queue, body)
        if number is not None:
            self.poison[queue].add(number)


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold in the end, and sentences about where it does not."""

    name: str
    broken: list[str]


# --- setting up -------------------------------------------------------------------------------------------


@contextmanager
def store_of(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty state."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'state.db'}"
        return
    with azurite() as url:
        yield url


def settings_of(options: argparse.Namespace, state_url: str, folder: Path, simulator: Simulator) -> Settings:
    """Short intervals, so that a run of minutes sees what takes days elsewhere."""
    interval = max(30.0, options.organizations * 0.12)
    return Settings(
        state_url=state_url,
        queue_url=f"sqlite:///{folder / 'queue.db'}",
        ado_pat=SecretStr(simulator.world.token),
        ado_gateway_url=simulator.url,
        discover_organizations_schedule="*/10 * * * * *",
        refresh_prerequisites_schedule="*/3 * * * * *",
        refresh_inventory_schedule="*/3 * * * * *",
        refresh_extensions_schedule="*/3 * * * * *",
        refresh_posture_schedule="*/3 * * * * *",
        prerequisites_interval=timedelta(seconds=1.5 * interval),
        not_onboarded_interval=timedelta(seconds=15),
        inventory_interval=timedelta(seconds=interval),
        extension_interval=timedelta(seconds=4 * interval),
        posture_interval=timedelta(minutes=30),
        time_slice=timedelta(seconds=20),
        requeue_after=timedelta(seconds=30),
        request_timeout=timedelta(seconds=2),
        longest_sleep=timedelta(seconds=2),
        log_level="warning",
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as a worker's environment."""
    told = settings.model_dump(exclude_none=True)
    plain = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else _text(value)
        for name, value in told.items()
    }
    return {**os.environ, **plain}


def _text(value: object) -> str:
    return f"{value.total_seconds()}s" if isinstance(value, timedelta) else str(value)


def connect(runtime: Runtime) -> None:
    """Two connectors that both want every organization."""
    for number, name in enumerate(("one", "two"), 1):
        runtime.state.put_connector(
            Connector(
                ConnectorId(f"00000000-0000-4000-8000-00000000000{number}"),
                name,
                _TENANT,
                DiscoveryMode.EXISTING_AND_FUTURE,
                IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),  # noqa: S106 - a setting's name
                created_at=runtime.clock.now(),
            )
        )


# --- the storm and the calm -------------------------------------------------------------------------------


def storm(
    seconds: float,
    crew: Crew,
    changes: Changes,
    weather: Weather,
    messages: Messages,
    world: World,
) -> None:
    """Let everything go wrong for so long."""
    weather.is_calm = False
    rate = max(0.1, 4 / len(world.organizations))
    chance = messages.chance
    while not messages.runtime.state.organizations():
        time.sleep(rate)  # there is nothing yet that could be harmed
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(rate)
        changes.happen()
        crew.tend()
        dice = chance.random()
        if dice < rate / 2:
            messages.repeat(messages.runtime.state.work())
        if dice < rate / 2:
            messages.force(world)
        if dice < rate / 2:
            messages.spoil()
        if chance.random() < rate / 4:
            crew.kill_one(chance)
    weather.is_calm = True
    changes.make_good()


def wait_for_quiet(runtime: Runtime, world: World, since: datetime, patience: float) -> float | None:
    """Seconds until all is well by what the state says; None when that does not happen in time."""
    began = time.monotonic()
    told = -1
    while time.monotonic() - began < patience:
        time.sleep(0.5)
        now = runtime.clock.now()
        left = sum(not _is_quiet(one, since, now) for one in runtime.state.work())
        organizations = runtime.state.organizations()
        fresh = all(
            one.last_complete_listing is not None and one.last_complete_listing > since
            for one in organizations
        )
        if left != told and int(time.monotonic() - began) % 5 == 0:
            print(
                f"  calm for {time.monotonic() - began:.0f} s: {left} pieces of work not done",
                file=sys.stderr,
            )
            told = left
        if left == 0 and fresh and not _differences(runtime, world):
            return time.monotonic() - began
    return None


def _is_quiet(work: Work, since: datetime, now: datetime) -> bool:
    if work.last_success is None or work.last_failure is not None or work.checkpoint:
        return False
    if work.kind in {WorkKind.INVENTORY, WorkKind.PREREQUISITES}:
        return work.last_success > since
    # What is due after a long interval is due only because something happened.
    return work.due_at > now


# --- what must hold in the end ----------------------------------------------------------------------------


def _differences(runtime: Runtime, world: World) -> dict[str, str]:
    """Organizations, by instance id, whose inventory is not the world's, and how."""
    state = runtime.state
    mine = {one.instance_id: one for one in state.organizations()}
    found: dict[str, str] = {}
    for truth in world.organizations:
        record = mine.get(truth.instance_id)
        if record is None:
            found[truth.instance_id] = f"{truth.name}: is not known"
            continue
        difference = _difference(
            truth, list(state.projects(record.id)), list(state.repositories(record.id)), record.name
        )
        if difference:
            found[truth.instance_id] = f"{truth.name}: {difference}"
    return found


def _difference(truth: Truth, projects: list[Any], repositories: list[Any], name: str) -> str:
    if name != truth.name:
        return f"is known as {name}"
    wanted = {one.id: (one.name, one.visibility, one.state) for one in truth.projects.values()}
    known = {
        row.id: (row.name, row.visibility, row.state)
        for row in projects
        if row.retired_at is None and row.missing_since is None
    }
    wanted_below = {
        one.id: (one.name, project.id, one.is_disabled)
        for project in truth.projects.values()
        for one in project.repositories.values()
    }
    known_below = {
        row.id: (row.name, row.project_id, row.is_disabled)
        for row in repositories
        if row.retired_at is None and row.missing_since is None
    }
    parts = []
    for what, left, right in (("projects", wanted, known), ("repositories", wanted_below, known_below)):
        if left != right:
            other = sum(left[key] != right[key] for key in left.keys() & right.keys())
            parts.append(
                f"{what}: {len(left.keys() - right.keys())} lacking, "
                f"{len(right.keys() - left.keys())} too many, {other} other than they are"
            )
    return "; ".join(parts)


def check_ownership(runtime: Runtime, world: World) -> list[str]:
    """Each organization is known once, and onboarded by exactly one connector, which holds the claim."""
    state, broken = runtime.state, []
    claims = state.claims()
    records = state.organizations()
    if len(records) != len(world.organizations):
        broken.append(f"{len(records)} organizations are known, of {len(world.organizations)}")
    for record in records:
        onboarded = [
            one.connector
            for one in state.enrollments(organization=record.id)
            if one.state is OnboardingState.ONBOARDED
        ]
        if onboarded != [claims.get(record.id)]:
            broken.append(f"{record.name}: onboarded by {onboarded}, claimed by {claims.get(record.id)}")
    return broken


def check_retired(runtime: Runtime, world: World, changes: Changes) -> list[str]:
    """Nothing that exists is retired, and nothing that was there all the time ever was."""
    alive = {
        identifier
        for organization in world.organizations
        for project in organization.projects.values()
        for identifier in (project.id, *project.repositories)
    }
    broken = [
        f"{organization.name}: {row.name} is retired and exists"
        for organization in runtime.state.organizations()
        for rows in (runtime.state.projects(organization.id), runtime.state.repositories(organization.id))
        for row in rows
        if row.retired_at is not None and row.id in alive
    ]
    for event in (JournalEvent.PROJECT_RETIRED, JournalEvent.REPOSITORY_RETIRED):
        broken += [
            f"{entry.subject_name} was retired for a while and existed all the time: {entry.reason}"
            for entry in runtime.state.journal(event=event, limit=1_000_000)
            if entry.subject not in changes.vanished
        ]
    return broken


def check_work(runtime: Runtime, now: datetime) -> list[str]:
    """Every onboarded organization has every kind of work, done, free, and due again."""
    broken = []
    found: dict[OrganizationId, set[WorkKind]] = defaultdict(set)
    for work in runtime.state.work():
        found[work.organization].add(work.kind)
        name = f"{work.kind.value} of {work.organization}"
        if work.last_failure is not None:
            broken.append(f"{name} failed: {work.last_failure.sentence()}")
        if work.leased_by or (work.leased_until is not None and work.leased_until > now):
            broken.append(f"{name} is still leased by {work.leased_by} until {work.leased_until}")
        if work.checkpoint:
            broken.append(f"{name} was left at its checkpoint")
        if work.last_success is None:
            broken.append(f"{name} was never done")
    for organization in runtime.state.organizations():
        lacking = set(LOOKING) - found[organization.id]
        if lacking:
            broken.append(f"{organization.name}: has no work of the kinds {sorted(lacking)}")
    return broken


def check_assessed(runtime: Runtime) -> list[str]:
    """Every project that is there has been assessed."""
    broken = []
    for organization in runtime.state.organizations():
        assessed = set(runtime.state.assessed_at(organization.id))
        there = {
            row.id
            for row in runtime.state.projects(organization.id)
            if row.retired_at is None and row.missing_since is None
        }
        if there - assessed:
            broken.append(f"{organization.name}: {len(there - assessed)} projects were never assessed")
    return broken


def check_dead_letters(runtime: Runtime, messages: Messages) -> list[str]:
    """The dead letters are those that nobody can read, and no others."""
    broken = []
    for queue in (ONBOARDING_QUEUE, *(kind.value for kind in WorkKind)):
        letters = runtime.queue.dead_letters(queue, limit=1_000_000)
        found = {one.sequence_number for one in letters}
        broken += [
            f"{queue}: {one.reason}: {one.description}: {one.body[:200]!r}"
            for one in letters
            if one.sequence_number not in messages.poison[queue]
        ]
        lost = messages.poison[queue] - found
        if lost:
            broken.append(f"{queue}: {len(lost)} messages that cannot be read are not with the dead letters")
    return broken


def check_waits(weather: Weather, log: RequestLog, killed_at: Sequence[float]) -> list[str]:
    """After a wait was told, no request of that organization was sent before it was over.

    What was told to a worker that was killed before it could tell the others, nobody knows.
    """
    by_organization: dict[str, list[RecordedRequest]] = defaultdict(list)
    last: dict[str | None, float] = {}
    for entry in log:
        by_organization[(entry.organization or "").lower()].append(entry)
        last[entry.session] = max(entry.start, last.get(entry.session, entry.start))
    broken = []
    for strike in weather.strikes:
        was_killed = last.get(strike.session, strike.at) <= strike.at + _UNDER_WAY and any(
            strike.at <= at <= strike.at + _WORD_GETS_ROUND for at in killed_at
        )
        if not strike.wait or was_killed:
            continue
        for entry in by_organization[strike.organization]:
            same = entry.session == strike.session
            first = strike.at + (_UNDER_WAY if same else _WORD_GETS_ROUND)
            if first < entry.start < strike.at + strike.wait - 0.1:
                broken.append(
                    f"{strike.organization or 'outside of organizations'}: {entry.method} {entry.template} "
                    f"{entry.start - strike.at:.2f} s after {strike.kind} asked for {strike.wait:g} s "
                    f"({'the same' if same else 'another'} process)"
                )
    return broken


def check_secrets(folder: Path, token: str) -> list[str]:
    """The token is in no file."""
    return [
        f"{path.name} holds the token"
        for path in folder.rglob("*")
        if path.is_file() and token.encode() in path.read_bytes()
    ]


# --- telling ----------------------------------------------------------------------------------------------


def effects(weather: Weather, logs: Path, log: RequestLog) -> dict[str, Counter[str]]:
    """What became of the requests that were hit, by kind of trouble.

    A code is that of the failure or interruption that a worker then logged of the organization; without one,
    the same process either asked again, or did without that answer (told as unknown) and went on.
    """
    offset = time.time() - time.monotonic()
    told: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for path in sorted(logs.iterdir()):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if found := _TOLD.search(line):
                at = datetime.fromisoformat(found["at"]).timestamp() - offset
                told[(found["organization"] or "").lower()].append((at, found["code"]))
    asked: dict[tuple[str, str | None], list[RecordedRequest]] = defaultdict(list)
    for entry in log:
        asked[(entry.organization or "").lower(), entry.session].append(entry)
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for strike in weather.strikes:
        codes = [code for at, code in told[strike.organization] if 0 <= at - strike.at <= _SOON]
        seen[strike.kind][codes[0] if codes else _without_failure(strike, asked)] += 1
    return seen


def _without_failure(strike: Strike, asked: dict[tuple[str, str | None], list[RecordedRequest]]) -> str:
    entries = asked[strike.organization, strike.session]
    hit = min((one for one in entries if one.fault), key=lambda one: abs(one.start - strike.at), default=None)
    if hit is None:
        return "went on"
    again = any(
        hit.start < one.start <= hit.start + hit.duration + strike.wait + _SOON
        and (one.path, one.query) == (hit.path, hit.query)
        for one in entries
    )
    return "asked again" if again else "went on without"


def told_faults(
    weather: Weather,
    changes: Changes,
    seen: dict[str, Counter[str]],
    wrong: set[str],
    world: World,
) -> list[str]:
    """The rows of the table of faults."""
    instance_of = {one.name.lower(): one.instance_id for one in world.organizations}
    hit: dict[str, set[str]] = defaultdict(set)
    for strike in weather.strikes:
        hit[strike.kind].add(instance_of.get(strike.organization, ""))
    rows = []
    for kind, count in sorted(weather.counts.items()):
        effect = ", ".join(f"{code} ({number})" for code, number in seen[kind].most_common(3))
        rows.append(f"| {kind} | {count} | {effect} | {'NO' if hit[kind] & wrong else 'yes'} |")
    for change, count in sorted(changes.counts.items()):
        survived = "NO" if changes.touched[change] & wrong else "yes"
        rows.append(f"| {change} | {count} | found by the next syncs | {survived} |")
    return rows


def report(invariants: list[Invariant], rows: list[str], quiet: float | None) -> int:
    """Print it all; returns the exit code."""
    print("\n| fault | times | what came of it | survived |\n| --- | --- | --- | --- |")
    print("\n".join(rows))
    print("\n| invariant | holds |\n| --- | --- |")
    for one in invariants:
        print(f"| {one.name} | {'NO, ' + str(len(one.broken)) + ' times' if one.broken else 'yes'} |")
    broken = [one for one in invariants if one.broken]
    for one in broken:
        print(f"\n{one.name}:")
        for sentence in one.broken[:_TELL_MOST]:
            print(f"  {sentence}")
    passed = not broken and quiet is not None
    print(f"\n{'PASSED' if passed else 'FAILED'}")
    return 0 if passed else 1


def run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """One run; returns the exit code."""
    began = time.time()
    clock = FastClock(began, options.clock_speed)
    world = build_world(options.seed, options.organizations)
    changes = Changes(world, options.seed)
    weather = Weather(
        options.seed,
        _SHARE,
        kinds(clock, options.clock_speed, options.organizations),
        changes.between_pages,
    )
    simulator = Simulator(world, latency=options.latency_ms / 1000, page_size=4)
    simulator.requests = RequestLog(5_000_000)
    simulator.faults = weather
    stack.enter_context(simulator)
    settings = settings_of(options, stack.enter_context(store_of(options.store, folder)), folder, simulator)
    runtime = build_runtime(settings, clock=clock)
    stack.callback(runtime.close)
    connect(runtime)
    logs = folder / "logs"
    logs.mkdir()
    crew = Crew(environment_of(settings), (str(began), str(options.clock_speed), "20"), logs)
    stack.callback(crew.stop)
    messages = Messages(runtime, random.Random(options.seed))  # noqa: S311 - no secret
    for number in range(options.workers):
        crew.start(number)
    storm(options.seconds, crew, changes, weather, messages, world)
    stormy = time.time() - began
    requests = len(simulator.requests)
    calm = clock.now()
    quiet = wait_for_quiet(runtime, world, calm, options.patience)
    crew.tend()
    crew.stop()
    wrong = _differences(runtime, world)
    invariants = [
        Invariant("quiet came by itself", [] if quiet is not None else [f"not within {options.patience} s"]),
        Invariant("the inventory is the world", list(wrong.values())),
        Invariant(_OWNERSHIP, check_ownership(runtime, world)),
        Invariant("nothing that exists is or was retired", check_retired(runtime, world, changes)),
        Invariant("no work is stuck", check_work(runtime, clock.now())),
        Invariant("every project was assessed", check_assessed(runtime)),
        Invariant(_LETTERS, check_dead_letters(runtime, messages)),
        Invariant(
            "no request before a wait was over", check_waits(weather, simulator.requests, crew.killed_at)
        ),
        Invariant("no worker ended by itself", [f"exit code {code}" for code in crew.died]),
        Invariant("the token is in no file", check_secrets(folder, world.token)),
    ]
    rows = told_faults(weather, changes, effects(weather, logs, simulator.requests), set(wrong), world)
    poison = sum(map(len, messages.poison.values()))
    ownership, letters = (
        next(one for one in invariants if one.name == name) for name in (_OWNERSHIP, _LETTERS)
    )
    rows += [
        f"| {fault} | {count} | {effect} | {'yes' if survived else 'NO'} |"
        for fault, count, effect, survived in (
            ("worker killed (SIGKILL)", len(crew.killed_at), "another took over", not wrong),
            ("message repeated, or of an older revision", messages.repeated, "done once", not wrong),
            ("forced onboarding of what is onboarded", messages.forced, "one claim", not ownership.broken),
            ("message that cannot be read", poison, "dead letter", not letters.broken),
        )
    ]
    print(
        json.dumps(
            {
                "organizations": len(world.organizations),
                "projects": sum(len(one.projects) for one in world.organizations),
                "repositories": sum(
                    len(project.repositories)
                    for one in world.organizations
                    for project in one.projects.values()
                ),
                "workers": options.workers,
                "store": options.store,
                "seed": options.seed,
                "clockSpeed": options.clock_speed,
                "stormSeconds": round(stormy, 1),
                "quietAfterSeconds": None if quiet is None else round(quiet, 1),
                "requests": len(simulator.requests),
                "requestsInStorm": requests,
                "faultsInjected": sum(weather.counts.values()),
                "worldChanges": sum(changes.counts.values()),
                "unexpectedErrors": _unexpected(logs),
            }
        )
    )
    return report(invariants, rows, quiet)


def _unexpected(logs: Path) -> list[str]:
    """Errors of functions that no unreadable message explains, as the workers logged them."""
    return sorted(
        {
            line.strip()[:300]
            for path in logs.iterdir()
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
            if (
                any(name in line for name in ("function.failed", "message.failed", "message.givenUp"))
                and "MessageRefused" not in line
            )
            or "Traceback" in line
        }
    )


def main() -> int:
    """Run the load; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--organizations", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=90, help="how long everything goes wrong")
    parser.add_argument("--patience", type=float, default=300, help="most seconds until quiet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=("sqlite", "tables"), default="sqlite")
    parser.add_argument("--latency-ms", type=float, default=10)
    parser.add_argument("--clock-speed", type=float, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder to keep state and logs in")
    options = parser.parse_args()
    threading.stack_size(512 * 1024)
    with ExitStack() as stack:
        if options.keep is not None:
            folder = options.keep.resolve()
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return run(options, folder, stack)


if __name__ == "__main__":
    sys.exit(main())
