"""Queue: is the Container Mapping extension there and working? Installs it where the connector may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from handlers.unit_of_work import acting_connector, perform
from shared.model.command import DoWork
from shared.model.connector import Connector
from shared.model.extension import ExtensionState
from shared.model.fact import Fact
from shared.model.failure import Denied, Gone, Unreadable
from shared.model.identity import ExtensionLook
from shared.model.journal import JournalEntry
from shared.model.organization import Organization
from shared.model.work import Lease, WorkKind
from shared.ports import AzureDevOps, Dependencies
from shared.reconcile import extension

T = TypeVar("T")


def check_container_mapping(
    lease: Lease,
    deps: Dependencies,
    connector: Connector,
    organization: Organization,
    deadline: datetime,
    person: str = "",
) -> str:
    """Read the extension's state; install a missing one if the connector is told to.

    Requests: 1 where it is installed, else 2 or 3, and 2 to 5 more to install. `person` is who asks for the
    installation by hand. Raises `ServiceError` where the state could not be read; what is known of a
    permanent refusal is stored as unknown, with the reason, before it is raised.
    """
    del deadline
    ado = deps.connect(connector)
    known = extension.of_this(deps.state.extension(organization.id), connector)
    try:
        look = _look(ado, connector, organization)
    except (Denied, Gone, Unreadable) as error:
        now = deps.clock.now()
        state = extension.could_not_tell(error.failure, connector, known, now)
        deps.state.put_extension(lease, state, extension.changes(known, state, connector, organization, now))
        raise
    now = deps.clock.now()
    state = extension.judge(look, connector, known, now)
    journal: list[JournalEntry] = []
    found = extension.settled(state)
    if found != state:
        state = found
        journal.append(extension.installed_entry(state, connector, organization, was_lost=True))
    decision = extension.decide(state, look, connector, now, person=person)
    if not decision.install:
        state = extension.left_alone(state, decision, connector)
    journal += extension.changes(known, state, connector, organization, now)
    if decision.install:
        # Kept before the write: a process that dies in between leaves behind that it was about to be made.
        state = extension.begun(state, decision, now, person=person)
        if not decision.resumed:
            journal.append(extension.asked_entry(state, connector, organization, decision.why))
        deps.state.put_extension(lease, state, journal)
        state, journal = _install(ado, deps, connector, organization, state, known)
    deps.state.put_extension(lease, state, journal)
    return ""


def _look(ado: AzureDevOps, connector: Connector, organization: Organization) -> ExtensionLook:
    options = connector.options
    which = (organization.name, options.extension_publisher, options.extension_name)
    installed = ado.installed_extension(*which)
    if installed is not None and installed.is_there:
        return ExtensionLook(installed)
    offer = _ask(lambda: ado.extension_offer(*which))
    if offer.value is not None and not offer.value.is_shared:
        return ExtensionLook(installed, offer)
    return ExtensionLook(installed, offer, _ask(lambda: ado.extension_requests(*which)))


def _ask(question: Callable[[], T]) -> Fact[T]:
    """What is told, or why not. What passes by itself is raised: the whole look is made again later."""
    try:
        return Fact.read(question())
    except (Denied, Gone, Unreadable) as error:
        return Fact.unread(error.failure)


def _install(
    ado: AzureDevOps,
    deps: Dependencies,
    connector: Connector,
    organization: Organization,
    begun: ExtensionState,
    known: ExtensionState | None,
) -> tuple[ExtensionState, list[JournalEntry]]:
    """The state after the write. A write whose answer was lost stays pending, and its error is raised."""
    options = connector.options
    try:
        installed = ado.install_extension(
            organization.name, options.extension_publisher, options.extension_name
        )
    except (Denied, Gone, Unreadable) as error:
        now = deps.clock.now()
        state = extension.refused(replace(begun, checked_at=now), error.failure, connector, known)
        journal = [extension.refused_entry(state, connector, organization)]
    else:
        now = deps.clock.now()
        state = extension.settled(extension.judge(ExtensionLook(installed), connector, begun, now))
        journal = [extension.installed_entry(state, connector, organization, was_lost=False)]
    return state, [*journal, *extension.changes(begun, state, connector, organization, now)]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a check would store, and whether it would install, with the reason."""

    state: ExtensionState
    decision: extension.Decision


def preview(deps: Dependencies, connector: Connector, organization: Organization, person: str) -> Preview:
    """What a check would find and do now; nothing is written. Raises `ServiceError`."""
    known = extension.of_this(deps.state.extension(organization.id), connector)
    look = _look(deps.connect(connector), connector, organization)
    now = deps.clock.now()
    state = extension.judge(look, connector, known, now)
    return Preview(state, extension.decide(state, look, connector, now, person=person))


def holder_of(deps: Dependencies, organization: Organization) -> Connector | None:
    """The connector that looks after the organization's extension."""
    return acting_connector(deps, organization, WorkKind.EXTENSION)


def check_now(deps: Dependencies, organization: Organization, person: str = "") -> bool:
    """Check here and now, as the queue would; `person` asks for the installation. False if it was not done.

    It is not where another process is about it. How it went is in the state and on the work.
    """
    started = deps.clock.now()
    work = deps.state.bring_forward(organization.id, WorkKind.EXTENSION, started)
    command = DoWork(organization.id, WorkKind.EXTENSION, work.revision)
    perform(
        command, deps, partial(check_container_mapping, person=person) if person else check_container_mapping
    )
    after = next(iter(deps.state.work(organization=organization.id, kind=WorkKind.EXTENSION)), None)
    return after is not None and after.revision != work.revision
