from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.views.bench import Bench, opened
from tests.views.furniture import furnish


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all tests of a file, which only look."""
    with opened(tmp_path_factory.mktemp("pages")) as bench:
        furnish(bench, 3)
        yield bench


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path) as bench:
        yield bench
