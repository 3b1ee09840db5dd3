from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.views.bench import Bench, fill, opened


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all tests of a file, which only look."""
    with opened(tmp_path_factory.mktemp("views")) as running:
        fill(running)
        yield running


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path) as running:
        yield running
