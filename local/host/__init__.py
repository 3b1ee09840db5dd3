"""The local Functions host. Never deployed: in Azure, the real one does its work."""

from local.host.events import Event, EventKind
from local.host.functions import IndexingError
from local.host.host import Host, way_in

__all__ = ["Event", "EventKind", "Host", "IndexingError", "way_in"]
