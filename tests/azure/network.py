"""The network of a program of its own: run by its path, since nothing else of the tests is there."""

import importlib
import json
import os
import socket
from typing import Any


def join_network() -> None:
    """Where names of Azure are answered by stand-ins on this machine, and their authority is trusted.

    `STAND_INS` is JSON: `ports` by `HOST:PORT` as the app asks for it, and the `authority` that signed.
    """
    told = os.environ.pop("STAND_INS", "")
    if not told:
        return
    network = json.loads(told)
    certifi: Any = importlib.import_module("certifi")
    certifi.where = lambda: network["authority"]
    of_the_machine = socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        at = network["ports"].get(f"{host}:{port}")
        if at is None:
            if str(host) not in {"127.0.0.1", "localhost"}:
                raise socket.gaierror(socket.EAI_NONAME, f"nobody asked for {host}:{port}")
            return of_the_machine(host, port, *more, **options)
        return of_the_machine("127.0.0.1", at, *more, **options)

    socket.getaddrinfo = look_up
