"""`doctor`: is everything there that the connectors need; if not, what is missing, and what to do first."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.text import Text

from cli import keys
from cli.checks import Check, Group, Outcome, Step, Weight, plan, verdict
from cli.command import Answer, Command, invocation
from cli.connector_checks import list_organizations, sign_in
from cli.local_checks import LOCAL_CHECKS, Place, is_new_place
from cli.organization_checks import Subject, not_looked_at, organization_checks
from cli.output import OutputFormat, console, instant, many, note, printable, write_line, write_object
from cli.problems import ExitCode, WrongOption
from cli.session import find_connector, named, redact, settings
from shared.model.connector import Connector
from shared.model.organization import OnboardingCause, Organization
from shared.ports import StateUnavailable
from shared.views.organizations import View, views

if TYPE_CHECKING:
    from shared.ports import State
    from shared.queue.receiver import Queues
    from shared.wiring.runtime import Runtime
    from shared.wiring.settings import Settings

LIMIT = 25
_SHOWN = 5
_NAME = re.compile(r"[^\s/\\?#%:]{1,64}")
_WORDS = {Outcome.MET: "met", Outcome.NOT_MET: "NOT MET", Outcome.UNKNOWN: "UNKNOWN"}
_STYLES = {Outcome.MET: "green", Outcome.NOT_MET: "red", Outcome.UNKNOWN: "magenta"}
_EXIT = {
    Outcome.MET: ExitCode.DONE,
    Outcome.NOT_MET: ExitCode.FINDINGS,
    Outcome.UNKNOWN: ExitCode.UNKNOWN,
}


@dataclass(slots=True)
class Examination:
    """Everything that was found."""

    begun: datetime
    checks: list[Check] = field(default_factory=list)
    left_out: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """0 all met, 1 something not met, 2 something could not be told."""
        return _EXIT[verdict(self.checks)]

    def row(self) -> dict[str, object]:
        """The JSON of it."""
        counted = Counter(one.outcome for one in self.checks)
        return {
            "verdict": verdict(self.checks).value,
            "checkedAt": instant(self.begun),
            "counts": {one.value: counted[one] for one in Outcome},
            "organizationsLeftOut": self.left_out,
            "checks": [one.row() for one in self.checks],
            "plan": [one.row(number) for number, one in enumerate(plan(self.checks), 1)],
        }


@click.command(
    cls=Command,
    answer=Answer(keys.DOCTOR, parts={"checks": keys.CHECK, "plan": keys.STEP}),
    examples=(
        "ado-connector doctor",
        "ado-connector doctor contoso",
        "ado-connector doctor --connector prod --limit 200 --output json",
    ),
)
@click.argument("organization", required=False)
@click.option("--connector", metavar="NAME", default=None, help="Only this connector: its name or id.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="Look at no more organizations than this, those that are not onboarded first.",
)
def doctor(organization: str | None, connector: str | None, limit: int) -> int:
    """Check everything that the connectors need, and say what to do about what is missing.

    Looks at settings, state, queues, secrets and the clock; then for every connector at its sign-in and its
    listing of organizations; then, for every organization or for the one that is named (known or not), at the
    prerequisites as they are now and at each permission that something needs, about 15 requests each.

    It only reads. In the state it leaves nothing but the count of its requests, which the rate limit is
    shared by, and the tokens of a person's sign-in where they had to be renewed.

    Exit codes: 0 all is met, 1 something is not, 2 something could not be told.
    """
    if organization is not None and not _NAME.fullmatch(organization.strip()):
        raise WrongOption("ORGANIZATION", f'"{organization}" is no name.', "Give a name such as contoso.")
    found = _examine(organization.strip() if organization else None, connector, limit)
    if invocation().output is OutputFormat.JSON:
        write_object(found.row())
    else:
        _write(found)
    return found.exit_code


def _examine(organization: str | None, connector: str | None, limit: int) -> Examination:
    from shared.wiring.clock import SystemClock  # noqa: PLC0415 - heavy
    from shared.wiring.settings import SettingsError  # noqa: PLC0415

    found = Examination(SystemClock().now())
    try:
        chosen = settings()
    except SettingsError as error:
        found.checks += [_wrong_setting(line) for line in redact(str(error)).splitlines()]
        found.checks.append(_untried(Group.STATE, "The settings have to be right first."))
        return found
    found.checks.append(
        Check("settings", Group.SETTINGS, "settings", Outcome.MET, "Every setting can be used.")
    )
    with _opened(chosen, found) as place:
        if place is None:
            return found
        runtime = place.runtime
        connectors = runtime.state.connectors()
        if connector is not None:
            connectors = (find_connector(runtime.state, connector, "--connector"),)
        for check in LOCAL_CHECKS:
            found.checks += check(Place(runtime, connectors, place.has_queue))
        if not connectors:
            found.checks.append(_NO_CONNECTOR)
        subjects = _subjects(runtime.state, connectors, organization)
        if organization is not None:
            concerned = {one.connector.id for one in subjects}
            connectors = tuple(one for one in connectors if one.id in concerned)
        _look(runtime, connectors, subjects, found, None if organization else limit)
    if found.left_out:
        found.checks.append(_left_out(found.left_out, limit))
    return found


@contextmanager
def _opened(chosen: Settings, found: Examination) -> Iterator[Place | None]:
    """State and queue, each with its check; None where there is nothing to look at."""
    from shared.connector_state import StateUrlError, open_state  # noqa: PLC0415 - heavy
    from shared.queue import QueueUrlError, open_queue  # noqa: PLC0415 - heavy
    from shared.wiring.clock import SystemClock  # noqa: PLC0415 - heavy
    from shared.wiring.places import is_file, queue_place  # noqa: PLC0415
    from shared.wiring.runtime import build_runtime  # noqa: PLC0415
    from shared.wiring.settings import SettingsError  # noqa: PLC0415

    path = chosen.state_url.removeprefix("sqlite:///")
    if is_file(chosen.state_url) and is_new_place(Path(path).expanduser()):
        found.checks += [
            _state(Outcome.MET, "There is none yet; it is made when it is first used."),
            _NO_CONNECTOR,
        ]
        yield None
        return
    state: State | None = None
    try:
        state = open_state(chosen.state_url)
        connectors = state.connectors()
    except (StateUrlError, StateUnavailable) as error:
        if state is not None:
            state.close()
        found.checks.append(_state(Outcome.NOT_MET, *_told(redact(str(error)))))
        yield None
        return
    found.checks.append(
        _state(Outcome.MET, f"It can be read; it knows {many(len(connectors), 'connector')}.")
    )
    queue: Queues | None = None
    try:
        url, setting = queue_place(chosen)
        queue = open_queue(url, SystemClock(), setting=setting)
    except (QueueUrlError, SettingsError, StateUnavailable) as error:
        found.checks.append(_no_queue(redact(str(error))))
    stores = (state, queue or cast("Queues", _NoQueue()))
    try:
        runtime = build_runtime(chosen, stream_logs=True, stores=lambda *_: stores, look_only=True)
    except SettingsError as error:
        for store in stores:
            store.close()
        found.checks += [_wrong_setting(line) for line in redact(str(error)).splitlines()]
        yield None
        return
    try:
        yield Place(runtime, connectors, has_queue=queue is not None)
    finally:
        runtime.close()


def _told(problem: str) -> tuple[str, str]:
    """What is wrong with the state, and what to do: the error's own words where it has some."""
    what, _, fix = problem.partition(". ")
    if fix and "STATE_URL" in problem:
        return f"{what}.", fix
    return problem, "Check STATE_URL, and that the app may read and write there."


class _NoQueue:
    """Stands where no queue could be opened: whoever only looks sends nothing."""

    def close(self) -> None:
        """There is nothing to close."""


def _subjects(state: State, connectors: Sequence[Connector], organization: str | None) -> list[Subject]:
    """Organizations to look at, those that are not onboarded first."""
    wanted = {one.id: one for one in connectors}
    known: list[Organization] = list(state.organizations())
    chosen = named(known, organization) if organization is not None else None
    rows = [
        view
        for view in views(state, chosen)
        if view.connector is not None and view.connector.id in wanted and (chosen or _is_wanted(view))
    ]
    if organization is not None and not rows:
        return [Subject(organization, one) for one in connectors]
    rows.sort(key=lambda view: view.is_onboarded)
    return [Subject(one.organization.name, one.connector, one.enrollment) for one in rows if one.connector]


def _is_wanted(view: View) -> bool:
    """Whether its connector has it, or would have it if it could."""
    cause = view.enrollment.cause if view.enrollment else None
    return cause not in {OnboardingCause.NOT_WANTED, OnboardingCause.HELD_ELSEWHERE}


def _look(
    runtime: Runtime,
    connectors: Iterable[Connector],
    subjects: Iterable[Subject],
    found: Examination,
    limit: int | None,
) -> None:
    """Connector by connector; the organizations of each, several at once, up to the limit for all of them."""
    by_connector: dict[str, list[Subject]] = {}
    for one in subjects:
        by_connector.setdefault(one.connector.id, []).append(one)
    left = limit
    for connector in connectors:
        mine = by_connector.get(connector.id, [])
        signed_in = sign_in(runtime, connector, [one.name for one in mine] or connector.organizations)
        found.checks.append(signed_in.check)
        failure = signed_in.failure
        if failure is not None:
            found.checks += [not_looked_at(one, failure) for one in mine[:limit]]
            continue
        listing = list_organizations(runtime, connector)
        found.checks += listing.checks
        if limit is not None and not runtime.state.enrollments(connector=connector.id):
            # Nothing was discovered yet: what the identity is shown now is what there will be.
            mine = [Subject(name, connector) for name in listing.wanted]
        if left is not None:
            found.left_out += max(len(mine) - left, 0)
            mine = mine[:left]
            left -= len(mine)
        with ThreadPoolExecutor(runtime.dependencies.concurrency, thread_name_prefix="doctor") as pool:
            for checks in pool.map(lambda one: organization_checks(one, runtime), mine):
                found.checks += checks


def _wrong_setting(line: str) -> Check:
    return Check(
        "settings",
        Group.SETTINGS,
        "settings",
        Outcome.NOT_MET,
        line,
        "everything: nothing starts with a wrong setting",
        f"Correct {line.partition(':')[0]}, in the environment or in the file of --settings.",
        weight=Weight.BLOCKING,
    )


def _untried(group: Group, evidence: str) -> Check:
    title = "everything else"
    return Check("notTried", group, title, Outcome.UNKNOWN, evidence, weight=Weight.BLOCKING)


def _state(outcome: Outcome, evidence: str, fix: str = "") -> Check:
    breaks = "everything: nothing can be remembered"
    return Check("state", Group.STATE, "state", outcome, evidence, breaks, fix, weight=Weight.BLOCKING)


def _no_queue(evidence: str) -> Check:
    return Check(
        "queue",
        Group.QUEUE,
        "queues",
        Outcome.NOT_MET,
        evidence,
        "no work is done",
        "Check QUEUE_URL, and that the app may read and send there.",
        weight=Weight.BLOCKING,
    )


def _left_out(number: int, limit: int) -> Check:
    return Check(
        "organizationsLeftOut",
        Group.PREREQUISITES,
        "organizations left out",
        Outcome.UNKNOWN,
        f"{many(number, 'organization')} not looked at: --limit is {limit}.",
        "nothing here; they were not looked at",
        f"Look at all of them: --limit {number + limit}.",
    )


_NO_CONNECTOR = Check(
    "connectors",
    Group.CONNECTOR,
    "connectors",
    Outcome.NOT_MET,
    "There is no connector yet.",
    "there is nothing to do",
    'Create one: "ado-connector connector create" asks for what it needs.',
    weight=Weight.BLOCKING,
)


def _write(found: Examination) -> None:
    for heading, checks in groupby(found.checks, _heading):
        write_line(heading)
        told: set[tuple[str, str]] = set()
        for one in checks:
            repeats = one.outcome is not Outcome.MET and (one.evidence, one.fix) in told
            told.add((one.evidence, one.fix))
            line = f"{one.title}: for the same reason." if repeats else one.line()
            _write_check(one.outcome, line)
        write_line()
    _write_plan(plan(found.checks))
    _write_verdict(found)


def _write_check(outcome: Outcome, line: str) -> None:
    word = f"  {_WORDS[outcome]:<8} "
    if sys.stdout.isatty():
        console(sys.stdout).print(Text.assemble((word, _STYLES[outcome]), printable(line)))
    else:
        write_line(word + line)


def _heading(check: Check) -> str:
    if check.organization:
        return f"Organization {check.organization} (connector {check.connector})"
    if check.connector:
        return f"Connector {check.connector}"
    return "This installation"


def _write_plan(steps: Iterable[Step]) -> None:
    steps = list(steps)
    if not steps:
        return
    write_line("What to do, in this order:")
    for number, step in enumerate(steps, 1):
        write_line(f"{number:>3}. {step.fix}")
        where = step.organizations or step.connectors
        more = f" and {len(where) - _SHOWN} more" if len(where) > _SHOWN else ""
        places = f" in {', '.join(where[:_SHOWN])}{more}" if where else ""
        what = step.titles[:_SHOWN]
        others = f" and {len(step.titles) - _SHOWN} more" if len(step.titles) > _SHOWN else ""
        write_line(f"     ({step.weight}: {'; '.join(what)}{others}{places})")
    write_line()


def _write_verdict(found: Examination) -> None:
    counting = Counter(one.outcome for one in found.checks if one.counts)
    informing = sum(one.outcome is not Outcome.MET for one in found.checks if not one.counts)
    if verdict(found.checks) is Outcome.MET:
        write_line("All that anything depends on is met.")
    else:
        missing, untold = counting[Outcome.NOT_MET], counting[Outcome.UNKNOWN]
        write_line(f"{missing} not met, {untold} could not be told, {counting[Outcome.MET]} met.")
    if informing:
        note(f"{many(informing, 'check')} not met or unknown on which nothing depends.")
