"""What `doctor` checks of this machine and of what the app keeps: settings, state, queue, secrets, clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.checks import Check, Group, Outcome, Weight
from cli.output import many
from cli.queues import dead_letter_count
from shared.model.connector import AuthKind, Connector
from shared.model.failure import ServiceError
from shared.ports import SecretUnavailable, StateUnavailable

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime

SKEW_MOST = timedelta(minutes=2)
"""A clock that is further off is told, well before the five minutes that tokens and leases allow."""


@dataclass(frozen=True, slots=True)
class Place:
    """The opened state and queue, and the connectors there."""

    runtime: Runtime
    connectors: tuple[Connector, ...]
    has_queue: bool = True


def queue_answers(place: Place) -> Iterator[Check]:
    """Whether the queues can be reached, and hold what was given up."""
    if not place.has_queue:
        return
    try:
        dead = dead_letter_count(place.runtime.queue)
    except StateUnavailable as error:
        problem, _, fix = str(error).partition(". ")
        yield _queue(Outcome.NOT_MET, f"{problem.rstrip('.')}.", fix or _QUEUE_FIX)
        return
    yield _queue(Outcome.MET, "The queues answer.")
    if dead:
        yield Check(
            "deadLetters",
            Group.QUEUE,
            "dead letters",
            Outcome.NOT_MET,
            f"{many(dead, 'message')} could not be handled.",
            "the work that they name, unless it was done since",
            'See why: "ado-connector queue dead-letters list"; then replay or discard them.',
        )


_QUEUE_FIX = "Check QUEUE_URL, and that the app may read and send there."


def _queue(outcome: Outcome, evidence: str, fix: str = "") -> Check:
    return Check(
        "queue", Group.QUEUE, "queues", outcome, evidence, "no work is done", fix, weight=Weight.BLOCKING
    )


def secrets_are_given(place: Place) -> Iterator[Check]:
    """Whether the secrets that connectors sign in with are there, and Key Vault gave them."""
    from shared.wiring.runtime import ado_options  # noqa: PLC0415 - heavy

    secrets = ado_options(place.runtime.settings).secrets
    needed: dict[str, list[str]] = {}
    for connector in place.connectors:
        for identity in (connector.identity, connector.discover_as):
            if identity is not None and identity.secret_setting:
                needed.setdefault(identity.secret_setting, []).append(connector.name)
    for setting, names in needed.items():
        users = ", ".join(f'"{name}"' for name in dict.fromkeys(names))
        breaks = f"signing in for {users}"
        try:
            given = secrets[setting]() if setting in secrets else None
        except SecretUnavailable as error:
            problem, _, fix = str(error).partition(". ")
            yield _secret(setting, Outcome.NOT_MET, f"{problem}.", breaks, fix)
            continue
        if given:
            yield _secret(setting, Outcome.MET, f"It is set; used by {users}.")
        elif _needs_it(place, setting):
            yield _secret(setting, Outcome.NOT_MET, "It is not set.", breaks, _SET.format(setting))
    if not needed:
        yield _secret("", Outcome.MET, "No connector signs in with a secret from the settings.")


_SET = "Set {} to a personal access token for all accessible organizations."
"""As the sign-in itself says it, so that both are one thing to do."""


def _needs_it(place: Place, setting: str) -> bool:
    """A service principal may have a certificate or a federated token instead: its sign-in tells."""
    identities = (one for each in place.connectors for one in (each.identity, each.discover_as) if one)
    return any(one.secret_setting == setting and one.kind is AuthKind.PAT for one in identities)


def _secret(setting: str, outcome: Outcome, evidence: str, breaks: str = "", fix: str = "") -> Check:
    return Check(
        f"secret.{setting}" if setting else "secrets",
        Group.SECRETS,
        f"secret {setting}" if setting else "secrets",
        outcome,
        evidence,
        breaks,
        fix,
        weight=Weight.BLOCKING,
    )


def token_key_opens(place: Place) -> Iterator[Check]:
    """Whether the key that seals people's sign-ins can be had, and opens those that are kept. Makes none."""
    from shared.ado.sealing import SealBroken, unseal  # noqa: PLC0415 - heavy

    sign_ins = place.runtime.sign_ins
    for connector in place.connectors:
        for identity in (connector.identity, connector.discover_as):
            if identity is None or not identity.sign_in:
                continue
            try:
                record = sign_ins.store.sign_in(identity.sign_in)
                if not record.sealed:
                    continue
                unseal(record.sealed, identity.sign_in, sign_ins.keys)
            except (SecretUnavailable, SealBroken) as error:
                problem, _, fix = str(error).partition(". ")
                again = f'Or sign in anew: "ado-connector connector authorize {connector.name}".'
                yield _token_key(connector, Outcome.NOT_MET, f"{problem}.", f"{fix or _KEY} {again}")
            else:
                yield _token_key(connector, Outcome.MET, f"It opens the sign-in of {identity.account}.")


_KEY = "Let TOKEN_KEY name the key that it was sealed with."


def _token_key(connector: Connector, outcome: Outcome, evidence: str, fix: str = "") -> Check:
    return Check(
        "tokenKey",
        Group.SECRETS,
        f"key of people's sign-ins (connector {connector.name})",
        outcome,
        evidence,
        f'signing in for "{connector.name}"',
        fix,
        weight=Weight.BLOCKING,
    )


def clock_agrees(place: Place) -> Iterator[Check]:
    """Whether the clock of this machine agrees with that of Azure DevOps."""
    clock = place.runtime.clock
    title, breaks = "clock", "tokens that count as expired or not valid yet, and leases between instances"
    before = clock.now()
    try:
        told = place.runtime.factory.service_time()
    except ServiceError as error:
        failure = error.failure
        yield Check(
            "clock",
            Group.CLOCK,
            title,
            Outcome.UNKNOWN,
            f"Azure DevOps did not tell the time: {failure.reason}",
            breaks,
            failure.fix,
            code=failure.code,
        )
        return
    after = clock.now()
    # The service's time is told to the second, and some time between the two readings.
    skew = max(told - after, before - (told + timedelta(seconds=1)), timedelta(0))
    ahead = "behind" if told > after else "ahead"
    seconds = round(skew.total_seconds())
    if skew <= SKEW_MOST:
        evidence = f"It agrees with that of Azure DevOps (within {seconds + 1} s)."
        yield Check("clock", Group.CLOCK, title, Outcome.MET, evidence)
        return
    yield Check(
        "clock",
        Group.CLOCK,
        title,
        Outcome.NOT_MET,
        f"The clock of this machine is {seconds} s {ahead} of that of Azure DevOps.",
        breaks,
        "Set the clock, and let it be kept by NTP (timedatectl set-ntp true, or w32tm /resync).",
        code="ClockSkew",
    )


LocalCheck = Callable[[Place], Iterator[Check]]

LOCAL_CHECKS: tuple[LocalCheck, ...] = (queue_answers, secrets_are_given, token_key_opens, clock_agrees)
"""Every check of what the app keeps, in order. One more is one more function here."""


def is_new_place(path: Path) -> bool:
    """Whether there is no state at the path yet, though it could be made there."""
    return not path.exists() and next((one for one in path.parents if one.exists()), path).is_dir()
