"""What was told outside of an organization's changes of status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notified:
    """How far changes were told: those up to number `told`, as of `at`.

    `sending` and `sending_at` are the same of the message that is on its way, so that one that is tried again
    tells exactly the same changes under the same id. They are 0 and None while there is none.
    """

    told: int = 0
    at: datetime | None = None
    sending: int = 0
    sending_at: datetime | None = None
