"""The sign-in of a person, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """A person's sign-in as it is kept: sealed tokens, and who is renewing them.

    `sealed` is ciphertext (see `shared.ado.sealing`). While `renewing_until` lies ahead, `renewing_by` alone
    asks for new tokens.
    """

    sealed: str = ""
    renewing_by: str = ""
    renewing_until: datetime | None = None
    revision: int = 0
