from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.bench import Bench, opened


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all tests of a file, which must leave nothing."""
    with opened(tmp_path_factory.mktemp("intake")) as running:
        yield running
