"""Connections that ask, at the very moment they would send a request, whether it may still start.

Between the gate's word and the first byte lies time: the request is put together, a connection is made, TLS
is negotiated. An answer that asks everybody to wait may come in just then, so the gate is asked once more
with the connection ready, and holds its lock while the few hundred bytes are handed to the socket.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Start = Callable[[], AbstractContextManager[None]]
"""Entered around the sending of a request; may raise instead, and then nothing is sent."""

_thread = threading.local()


@contextlib.contextmanager
def sending(start: Start) -> Iterator[None]:
    """Ask `start` for the request that this thread sends meanwhile."""
    _thread.start = start
    try:
        yield
    finally:
        _thread.start = contextlib.nullcontext


class _Plain(HTTPConnection):
    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - handed on as they come
        """Send a request, if it may start."""
        if self.sock is None:
            self.connect()
        with getattr(_thread, "start", contextlib.nullcontext)():
            super().request(*args, **options)


class _Secure(HTTPSConnection):
    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - handed on as they come
        """Send a request, if it may start."""
        if self.sock is None:
            self.connect()
        with getattr(_thread, "start", contextlib.nullcontext)():
            super().request(*args, **options)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS: Final = {"http": _PlainPool, "https": _SecurePool}


class GatedAdapter(HTTPAdapter):
    """Makes such connections, directly and through proxies (not SOCKS, which has connections of its own)."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - handed on as they come
        """As its base does, with our connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401 - as its base has it
        """As its base does, with our connections."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager
