from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.test_packaging import WORKER, find_python_313, install
from tests.worker.worker import unpack_into


@pytest.fixture(scope="session")
def worker_python(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python 3.13 with what is deployed and the worker library; loudly nothing where there is none."""
    found = find_python_313()
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    return install(found, kept.mkdir("deployed") if kept else tmp_path_factory.getbasetemp(), *WORKER)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is deployed and nothing else."""
    return unpack_into(tmp_path_factory.mktemp("app") / "wwwroot")
