"""`python -m local.host`: this app on this machine, with settings from the environment, until Ctrl-C.

Exit code 130 after Ctrl-C, 0 after SIGTERM, 1 when the settings or the app are wrong, or the state
cannot be reached.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import FrameType

import azure.functions as func

import function_app
from local.host.functions import IndexingError
from local.host.host import GRACE, Host, way_in
from shared import wiring
from shared.ports import StateUnavailable
from shared.wiring.runtime import Runtime, build_runtime
from shared.wiring.settings import SettingsError, load_settings

_INTERRUPTED = 130
_STDERR = 2


def main() -> int:
    """Run until somebody ends it; returns the exit code."""
    try:
        runtime = build_runtime(load_settings(), stream_logs=True)
        wiring.use(runtime)
        return serve(function_app.app, runtime)
    except (SettingsError, StateUnavailable, IndexingError) as error:
        _say(str(error))
        return 1


def serve(
    app: func.FunctionApp, runtime: Runtime, *, host_json: Path | None = None, grace: timedelta = GRACE
) -> int:
    """Host the app in this process until a signal ends it; returns the exit code."""
    port = runtime.settings.http_port or None
    host = Host(
        app,
        runtime,
        host_json=host_json,
        grace=grace,
        http_port=port,
        on_serving=lambda url: _say(way_in(url, runtime)),
    )
    codes: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if codes:
            raise KeyboardInterrupt
        codes.append(_INTERRUPTED if number == signal.SIGINT else 0)
        host.stop()
        _say_at_once("Stopping. Ctrl-C again quits at once.")

    def is_over() -> bool:
        """A signal may come before there is anything to stop."""
        if codes:
            host.stop()
        return bool(codes)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, end)
    try:
        _say(f"Running {len(host.functions)} functions. Stop with Ctrl-C.")
        host.run(until=is_over)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        runtime.close()
    return codes[0] if codes else 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _say_at_once(line: str) -> None:
    """Say it from within a signal handler: it may have come while the same thread was writing to stderr."""
    with suppress(OSError):
        os.write(_STDERR, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
