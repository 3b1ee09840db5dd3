"""The streaming reader, against the standard library's."""

from __future__ import annotations

import json
import time
import tracemalloc
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ado.inventory import read_repositories
from shared.ado.parse import BrokenJsonError, ShapeError
from shared.ado.stream import ITEM_MOST, stream_items

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@settings(deadline=None)
@given(
    items=st.lists(json_values, max_size=6),
    others=st.dictionaries(
        st.text(max_size=6).filter(lambda key: key not in {"value", "count"}), json_values
    ),
    size=st.integers(1, 40),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    last=st.booleans(),
)
def test_items_are_what_the_standard_library_reads(
    items: list[Any], others: dict[str, Any], size: int, ascii_only: bool, indent: int | None, last: bool
) -> None:
    document = {**others, "value": items} if last else {"value": items, **others}
    try:
        body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:
        return
    assert list(stream_items(pieces(body, size))) == json.loads(body)["value"]


@settings(deadline=None)
@given(items=st.lists(json_values, max_size=4), size=st.integers(1, 30), data=st.data())
def test_a_document_that_is_cut_anywhere_is_refused(items: list[Any], size: int, data: st.DataObject) -> None:
    body = json.dumps({"value": items, "count": len(items)}).encode()
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises((BrokenJsonError, ShapeError)):
        list(stream_items(pieces(body[:cut], size)))


@settings(deadline=None)
@given(body=st.binary(max_size=60), size=st.integers(1, 10))
def test_garbage_is_refused_in_our_own_words(body: bytes, size: int) -> None:
    try:
        found = list(stream_items(pieces(body, size)))
    except (BrokenJsonError, ShapeError):
        return
    assert json.loads(body.decode("utf-8-sig"))["value"] == found


def test_an_item_without_an_end_is_given_up() -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"value":["'
        for _ in range(1_000):
            yield b"x" * 65_536
        raise AssertionError("read far beyond the longest item")

    with pytest.raises(BrokenJsonError, match=str(ITEM_MOST)):
        list(stream_items(endless()))


def repositories(count: int) -> Iterator[bytes]:
    yield b'{"value":['
    for number in range(count):
        project, own = uuid.UUID(int=number // 20 + 1), uuid.UUID(int=number + 10**9)
        item = {
            "id": str(own),
            "name": f"repository-{number}",
            "url": f"https://dev.azure.com/contoso/{project}/_apis/git/repositories/{own}",
            "project": {"id": str(project), "name": f"Project {number // 20}", "state": "wellFormed"},
            "defaultBranch": "refs/heads/main",
            "size": 3_000_000_000,
            "webUrl": f"https://dev.azure.com/contoso/Project%20{number // 20}/_git/repository-{number}",
        }
        yield json.dumps(item).encode() + (b"," if number < count - 1 else b"")
    yield b'],"count":%d}' % count


def test_a_large_listing_takes_little_time_and_memory() -> None:
    body = list(repositories(20_000))
    # What we work for it, whatever else the machine does meanwhile.
    started = time.thread_time()
    assert len(read_repositories(body, "contoso")) == 20_000
    # Measured 0.2 s; the rest is for slow machines.
    assert time.thread_time() - started < 4
    del body
    tracemalloc.start()
    try:
        found = read_repositories(repositories(5_000), "contoso")
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 5_000
    assert len({id(repository.project_name) for repository in found}) == 250
    assert held < 5_000 * 600
    assert peak < held + 2_000_000
