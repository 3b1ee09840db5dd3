from __future__ import annotations

import pytest

from tests.azurite.server import Azurite, shared


@pytest.fixture(scope="session")
def azurite() -> Azurite:
    """The storage emulator of this process."""
    return shared()
