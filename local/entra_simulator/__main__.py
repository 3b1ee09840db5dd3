"""Runs it as a process of its own; where it is stands on the first line, as JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from queue import SimpleQueue

from local.entra_simulator.directory import Directory
from local.entra_simulator.server import EntraSimulator


def main(arguments: list[str] | None = None) -> int:
    """Serve one tenant with two people until interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="python -m local.entra_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--tenant", default=None, help="id of the tenant")
    parser.add_argument("--user", action="append", default=[], metavar="NAME[=OBJECT_ID]")
    options = parser.parse_args(arguments)
    directory = Directory()
    tenant = directory.add_tenant("contoso.example", id=options.tenant)
    for told in options.user or ["ana@contoso.example", "ben@contoso.example"]:
        name, _, object_id = told.partition("=")
        directory.add_user(name, tenant, object_id=object_id or None)
    # No event: a signal that came while this thread begins to wait for one would wait for itself.
    ended: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: ended.put(number))
    with EntraSimulator(directory, port=options.port) as simulator:
        hello = {
            "AZURE_AUTHORITY_HOST": simulator.url,
            "REQUESTS_CA_BUNDLE": str(simulator.authority_file),
            "tenant": tenant.id,
            "users": [one.name for one in directory.users],
        }
        sys.stdout.write(json.dumps(hello) + "\n")
        sys.stdout.flush()
        ended.get()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
