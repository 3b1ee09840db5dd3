"""`connector authorize`: sign in for a connector, also as somebody else; and what signing in is made of."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.connector_rows import connector_row
from cli.hosting import only_with_app
from cli.output import OutputFormat, note, write_line, write_object
from cli.problems import CannotTell, ExitCode, Refused, WrongOption
from cli.session import find_connector, opened, person
from shared.model.connector import (
    AuthKind,
    AuthorizationState,
    AuthorizationStatus,
    Connector,
    IdentityReference,
)
from shared.model.journal import JournalEntry, JournalEvent

if TYPE_CHECKING:
    from shared.ado.user import SignedIn
    from shared.model.ids import TenantId
    from shared.wiring.runtime import Runtime

_TRIES = 5


@click.command(
    cls=Command,
    answer=Answer(keys.CONNECTOR),
    examples=(
        "ado-connector connector authorize contoso",
        "ado-connector connector authorize contoso --device-code --account svc-connector@contoso.com",
        "ado-connector connector authorize contoso --discovering",
    ),
)
@click.argument("wanted", metavar="CONNECTOR")
@click.option(
    "--account",
    default="",
    metavar="NAME",
    help="Sign-in name of the person to sign in as; another one takes the connector over.",
)
@click.option(
    "--device-code/--browser",
    "device_code",
    default=None,
    help="Sign in on any device with a code, or with this machine's browser.  [default: the browser where "
    "there is one]",
)
@click.option(
    "--discovering", is_flag=True, help="Authorize the identity that lists organizations, where it differs."
)
def authorize(wanted: str, account: str, device_code: bool | None, discovering: bool) -> int:
    """Sign in for a connector, anew or as somebody else, and put it to work again.

    For a person, this signs in to the tenant, in place of whoever did before. For every other kind
    of identity it checks that the credential works. It serves a deployed app from this machine, too: with the
    app's STATE_URL and TOKEN_KEY in the settings. The journal records who took over.
    """
    with opened() as runtime:
        found = find_connector(runtime.state, wanted)
        identity = _identity_of(found, discovering=discovering)
        if account and identity.kind is not AuthKind.USER:
            raise WrongOption(
                "--account",
                f'connector "{found.name}" signs in as {identity.kind.value}, which has no account.',
                "Leave it out.",
            )
        if identity.kind is not AuthKind.USER:
            _check_is_here(found, identity, runtime)
        if identity.kind is AuthKind.USER:
            asked = replace(identity, account=account or identity.account)
            signed_in = sign_in(asked, found.tenant, runtime, device_code=device_code)
            identity = kept(asked, signed_in, runtime)
        authorized = _authorized(found, identity, runtime, discovering=discovering)
        row = connector_row(authorized)
        works = authorized.authorization.status in {AuthorizationStatus.OK, AuthorizationStatus.ENDING}
    if invocation().output is OutputFormat.JSON:
        write_object(row)
    elif works:
        whom = identity.account or identity.kind.value
        write_line(f'Connector "{authorized.name}" is authorized as {whom}.')
    if not works:
        state = authorized.authorization
        raise CannotTell(
            f'Connector "{authorized.name}" is not authorized: {state.reason} {state.fix}'.strip()
        )
    return ExitCode.DONE


def _check_is_here(connector: Connector, identity: IdentityReference, runtime: Runtime) -> None:
    """What only a deployed app has is not tried here: that would tell a working connector as ended."""
    if what := only_with_app(identity, runtime):
        raise Refused(
            f'Connector "{connector.name}" signs in as {identity.kind.value}, and {what} is not on this '
            "machine but with the deployed app. Nothing was changed. The app tries it at its next discovery; "
            f'"ado-connector connector show {connector.name}" then tells how that went.'
        )


def _identity_of(connector: Connector, *, discovering: bool) -> IdentityReference:
    if not discovering:
        return connector.identity
    if connector.discover_as is None:
        raise WrongOption(
            "--discovering",
            f'connector "{connector.name}" lists organizations as the identity that it runs as.',
            "Leave it out.",
        )
    return connector.discover_as


def sign_in(
    identity: IdentityReference, tenant: TenantId, runtime: Runtime, *, device_code: bool | None
) -> SignedIn:
    """Have a person sign in to the tenant, now. Raises `CannotTell` with the reason when that fails."""
    from cli.signing_in import has_browser, sign_in_by_browser, sign_in_by_device_code  # noqa: PLC0415 - heavy
    from shared.model.failure import ServiceError  # noqa: PLC0415

    by_code = device_code if device_code is not None else not has_browser()
    entra = runtime.sign_ins.entra
    try:
        if by_code:
            return sign_in_by_device_code(identity, tenant, entra, note)
        note(f"Sign in to tenant {tenant} in the browser that opens now. (--device-code uses any other one.)")
        return sign_in_by_browser(identity, tenant, entra, note)
    except ServiceError as error:
        raise CannotTell(error.failure.sentence()) from None


def kept(identity: IdentityReference, signed_in: SignedIn, runtime: Runtime) -> IdentityReference:
    """The identity with the sign-in that was just made, kept and sealed under a name of its own."""
    from shared.ado.user import keep_sign_in  # noqa: PLC0415 - heavy

    name = str(uuid.uuid4())
    keep_sign_in(name, signed_in, runtime.sign_ins)
    return replace(identity, account=signed_in.account, sign_in=name)


def _authorized(
    connector: Connector, identity: IdentityReference, runtime: Runtime, *, discovering: bool
) -> Connector:
    """Store the identity, forget the sign-in it replaces, and look at once whether it works."""
    from handlers.discover_organizations import discover_connector, look_again  # noqa: PLC0415 - heavy
    from shared.ports import StateConflict  # noqa: PLC0415

    for attempt in range(_TRIES):
        current = runtime.state.get_connector(connector.id)
        if current is None:
            raise CannotTell(f'Connector "{connector.name}" was deleted meanwhile. Create it anew.')
        before = current.discover_as if discovering and current.discover_as else current.identity
        now = runtime.clock.now()
        changed = replace(
            current,
            authorization=AuthorizationState(
                status=current.authorization.status,
                since=current.authorization.since,
                authorized_by=person(),
                authorized_at=now,
            ),
        )
        changed = (
            replace(changed, discover_as=identity) if discovering else replace(changed, identity=identity)
        )
        entry = JournalEntry(
            at=now,
            event=JournalEvent.CONNECTOR_AUTHORIZED,
            connector=current.id,
            subject=current.id,
            subject_name=current.name,
            before=before.account or before.kind.value,
            after=identity.account or identity.kind.value,
            reason=current.authorization.reason,
            requested_by=person(),
        )
        try:
            written = runtime.state.put_connector(changed, [entry])
        except StateConflict:
            if attempt == _TRIES - 1:
                raise
            continue
        if before.sign_in and before.sign_in != identity.sign_in:
            runtime.state.drop_sign_in(before.sign_in)
        discover_connector(written, runtime.dependencies)
        after = runtime.state.get_connector(connector.id) or written
        if after.authorization.status is AuthorizationStatus.OK:
            look_again(after, runtime.dependencies)
        return after
    raise AssertionError("the last try returns or raises")
