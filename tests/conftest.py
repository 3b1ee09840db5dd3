from __future__ import annotations

import signal

import hypothesis
import pytest

from tests.azurite.server import Azurite, shared

# No deadline, neither for an example nor for drawing it: how long that takes says how busy the machine is,
# not whether the code is right.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

# A shell starts what is in its background with interrupts ignored, and so would be every program that a test
# starts and then interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def azurite() -> Azurite:
    """The storage emulator of this process."""
    return shared()
