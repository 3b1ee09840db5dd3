"""Run the broker until it is told to end: `python -m tests.amqp_broker --queue NAME ...`.

Prints one line of JSON, `{"connectionString": "…", "port": …}`, when it listens.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from datetime import timedelta
from queue import SimpleQueue

from shared.queue.receiver import QUEUES
from tests.amqp_broker.broker import LOCK, MAX_DELIVERY_COUNT, Broker


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.amqp_broker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--queue", action="append", help="a queue to serve; by default all of the app's")
    parser.add_argument("--lock-seconds", type=float, default=LOCK.total_seconds())
    parser.add_argument("--max-delivery-count", type=int, default=MAX_DELIVERY_COUNT)
    asked = parser.parse_args()
    broker = Broker(
        asked.queue or QUEUES,
        host=asked.host,
        port=asked.port,
        lock=timedelta(seconds=asked.lock_seconds),
        max_delivery_count=asked.max_delivery_count,
    )
    # No event: a signal that came while this thread begins to wait for one would wait for itself.
    ended: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: ended.put(number))
    with broker:
        told = {"connectionString": broker.connection_string, "port": broker.port}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            ended.get()


if __name__ == "__main__":
    main()
