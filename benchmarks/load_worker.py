"""One worker of `benchmarks.load`: the app's own triggers on the local host, until terminated or killed.

`python -m benchmarks.load_worker BEGAN SPEED RETRY_MOST`; settings come from the environment. Only two things
differ from `ado-connector run`: the clock may run faster, and what failed is tried again sooner.
"""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import function_app
from benchmarks.load_clock import FastClock
from local.host import Host
from shared import wiring
from shared.wiring.runtime import build_runtime
from shared.wiring.settings import load_settings


def main() -> int:
    """Work until SIGTERM, or until standard input ends, as it does when the process that started us does."""
    began, speed, retry_most = map(float, sys.argv[1:4])
    runtime = build_runtime(load_settings(), clock=FastClock(began, speed), stream_logs=True)
    sooner = replace(
        runtime.dependencies.intervals,
        retry_first=timedelta(seconds=2),
        retry_most=timedelta(seconds=retry_most),
    )
    runtime = replace(runtime, dependencies=replace(runtime.dependencies, intervals=sooner))
    wiring.use(runtime)
    host = Host(function_app.app, runtime)
    ended: list[int] = []

    def end(*_: object) -> None:
        ended.append(1)
        host.stop()

    def watch() -> None:
        sys.stdin.read()
        end()

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host.run(until=lambda: bool(ended))
    runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
