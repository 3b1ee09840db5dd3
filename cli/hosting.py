"""The app on this machine: its own triggers, on the local host."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.output import note
from cli.problems import CannotTell
from shared.model.connector import AuthKind

if TYPE_CHECKING:
    from local.host import Host
    from shared.model.connector import IdentityReference
    from shared.wiring.runtime import Runtime


def is_shared(runtime: Runtime) -> bool:
    """Whether machines share the state, which a deployed app then most likely works on."""
    from shared.wiring.places import is_file  # noqa: PLC0415 - heavy

    return not is_file(runtime.settings.state_url)


def only_with_app(identity: IdentityReference, runtime: Runtime) -> str:
    """What the identity signs in with that a deployed app has and this machine has not; empty for none.

    Tried from here, it would tell a connector that works as one that does not.
    """
    from shared.wiring.runtime import ado_options  # noqa: PLC0415 - heavy

    if not is_shared(runtime) or identity.kind in {AuthKind.AZURE_CLI, AuthKind.USER}:
        return ""
    settings = runtime.settings
    instead = settings.azure_client_certificate_path or settings.azure_federated_token_file
    secret = ado_options(settings).secrets.get(identity.secret_setting)
    if (secret is not None and secret()) or (identity.kind is AuthKind.SERVICE_PRINCIPAL and instead):
        return ""
    return identity.secret_setting or "its managed identity"


def host_of(runtime: Runtime, say: Callable[[str], object] | None = None) -> Host:
    """A host for the app. A schedule that cannot be read is told as the wrong setting it is.

    `say` is told how to ask for what is known, once it can be asked for.
    """
    from function_app import app  # noqa: PLC0415 - loads the Functions library
    from local.host import Host, IndexingError, way_in  # noqa: PLC0415

    if is_shared(runtime):
        note(
            "STATE_URL names a store that machines share, and an app deployed on it goes on beside this run. "
            "Nothing is done twice, but what runs here signs in with what this machine has: a connector "
            "whose identity or secret is not here is told as failed, until the app looks again."
        )
    try:
        return Host(
            app,
            runtime,
            http_port=runtime.settings.http_port or None,
            on_serving=None if say is None else lambda url: say(way_in(url, runtime)),
        )
    except IndexingError as error:
        raise CannotTell(str(error)) from None
