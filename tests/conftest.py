from __future__ import annotations

import hypothesis
import pytest

from tests.azurite.server import Azurite, shared

# No deadline: how long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session")
def azurite() -> Azurite:
    """The storage emulator of this process."""
    return shared()
