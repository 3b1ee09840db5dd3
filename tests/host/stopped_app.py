"""Run by test_stopping.py in a process of its own: an app whose only function takes long.

`stopped_app.py FOLDER HOW GRACE`: `HOW` is `sleep` (until told to stop), `hang` (forever), or `interrupt`,
which hangs too, with a host that is run as the command line runs it. `interrupt-early` interrupts that host
itself, when its thread has begun and whoever called does not wait for it yet. `end-early` hangs, and is told
to end while it still writes that it runs.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import azure.functions as func

from local.host import Host
from local.host.__main__ import serve
from shared.wiring.runtime import build_runtime
from shared.wiring.settings import Settings

app = func.FunctionApp()
folder, how, grace = Path(sys.argv[1]), sys.argv[2], timedelta(seconds=float(sys.argv[3]))
host_json = folder / "host.json"
runtime = build_runtime(Settings(state_url=f"sqlite:///{folder / 'state.db'}"), stream_logs=True)
begun = threading.Event()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@app.service_bus_queue_trigger("message", connection="Bus", queue_name="inventory")
def work(message: func.ServiceBusMessage) -> None:
    del message
    say("started")
    begun.set()
    if how == "sleep":
        runtime.clock.sleep(600)
    else:
        threading.Event().wait(600)
    say("finished")


def interrupt_early() -> None:
    """Ctrl-C at the worst moment. A host that takes messages before it is waited for has time to do so."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "functions-host":
            begun.wait(0.5)
            signal.raise_signal(signal.SIGINT)

    threading.Thread.start = interrupted  # type: ignore[assignment, method-assign]


class EndedWhileWriting(io.RawIOBase):
    """Stderr, of a process that is told to end by somebody who has read its first line already."""

    def __init__(self) -> None:
        super().__init__()
        self._said = False

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        count = os.write(2, content)
        if not self._said:
            self._said = True
            signal.raise_signal(signal.SIGTERM)
        return count


if how == "interrupt-early":
    interrupt_early()
if how == "end-early":
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(EndedWhileWriting()), write_through=True)
if how.startswith("interrupt"):
    try:
        Host(app, runtime, host_json=host_json, grace=grace).run()
    except KeyboardInterrupt:
        say("interrupted")
    runtime.close()
    sys.exit(0)
sys.exit(serve(app, runtime, host_json=host_json, grace=grace))
