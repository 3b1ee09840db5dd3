"""Asks whether a call is answered, without reading what it answers."""

from __future__ import annotations

from collections.abc import Mapping

from shared.ado.area import Area
from shared.ado.calls import Call, Query
from shared.ado.parse import listed, parse_document


class ProbesArea(Area):
    """Cheap questions for who checks rights; nothing of an answer is kept."""

    def probe(self, call: Call, segments: Mapping[str, str], query: Query = ()) -> None:
        """Make the call, and leave the body where it is. Requests: 1. Raises `ServiceError`."""
        self._client.request(call, dict(segments), lambda _answer: None, query=query)

    def first_of(self, call: Call, segments: Mapping[str, str], query: Query = ()) -> str:
        """Id of the first item of a listing's first answer; empty where there is none. Requests: 1.

        Raises `ServiceError`.
        """
        return self._client.request(
            call,
            dict(segments),
            lambda answer: next((one.guid("id") for one in listed(parse_document(answer.read()))), ""),
            query=query,
        )
