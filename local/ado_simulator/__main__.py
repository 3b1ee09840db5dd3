"""Runs the simulator as a process of its own; its address is the first line on standard output, as JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from queue import SimpleQueue

from local.ado_simulator.generate import generate_world
from local.ado_simulator.server import Simulator


def main(arguments: list[str] | None = None) -> int:
    """Serve a generated world until interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="python -m local.ado_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same world")
    parser.add_argument("--organizations", type=int, default=3)
    parser.add_argument("--projects", type=int, default=5, help="projects in each organization")
    parser.add_argument("--repositories", type=int, default=4, help="repositories in each project")
    parser.add_argument(
        "--exact", action="store_true", help="exactly that many repositories, no TFVC projects"
    )
    parser.add_argument("--no-posture", action="store_true", help="projects hold repositories only")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every answer")
    parser.add_argument("--page-size", type=int, default=100, help="largest page of header-paged listings")
    parser.add_argument("--enterprise-catalog", action="store_true", help="serve the tenant's CSV catalog")
    options = parser.parse_args(arguments)
    world = generate_world(
        options.seed,
        options.organizations,
        options.projects,
        options.repositories,
        exact=options.exact,
        posture=not options.no_posture,
    )
    world.enterprise_catalog = options.enterprise_catalog
    # No event: a signal that came while this thread begins to wait for one would wait for itself.
    ended: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: ended.put(number))
    simulator = Simulator(
        world, latency=options.latency_ms / 1000, page_size=options.page_size, port=options.port
    )
    with simulator:
        hello = {
            "url": simulator.url,
            "token": world.token,
            "organizations": [each.name for each in world.organizations],
        }
        sys.stdout.write(json.dumps(hello) + "\n")
        sys.stdout.flush()
        ended.get()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
