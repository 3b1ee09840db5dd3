"""`python -m local.host`: this app on this machine, with settings from the environment, until Ctrl-C.

SIGTERM ends it the same way. Exit code 0 after SIGTERM, 130 after Ctrl-C, 1 for wrong settings.
"""

from __future__ import annotations

import signal
import sys

import function_app
from local.host.functions import IndexingError
from local.host.host import Host
from shared import wiring
from shared.wiring.runtime import build_runtime
from shared.wiring.settings import SettingsError, load_settings

_INTERRUPTED = 130


def main() -> int:
    """Run until somebody ends it; returns the exit code."""
    try:
        runtime = build_runtime(load_settings(), stream_logs=True)
        wiring.use(runtime)
        host = Host(function_app.app, runtime)
    except (SettingsError, IndexingError) as error:
        _say(str(error))
        return 1
    code = 0
    try:
        signal.signal(signal.SIGTERM, lambda _signal, _frame: host.stop())
        _say(f"Running {len(host.functions)} functions. Stop with Ctrl-C.")
        host.run()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    _say("Stopped.")
    runtime.close()
    return code


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
