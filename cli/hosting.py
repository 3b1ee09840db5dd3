"""The app on this machine: its own triggers, on the local host."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.problems import CannotTell

if TYPE_CHECKING:
    from local.host import Host
    from shared.wiring.runtime import Runtime


def host_of(runtime: Runtime, say: Callable[[str], object] | None = None) -> Host:
    """A host for the app. A schedule that cannot be read is told as the wrong setting it is.

    `say` is told how to ask for what is known, once it can be asked for.
    """
    from function_app import app  # noqa: PLC0415 - loads the Functions library
    from local.host import Host, IndexingError, way_in  # noqa: PLC0415

    try:
        return Host(
            app,
            runtime,
            http_port=runtime.settings.http_port or None,
            on_serving=None if say is None else lambda url: say(way_in(url, runtime)),
        )
    except IndexingError as error:
        raise CannotTell(str(error)) from None
