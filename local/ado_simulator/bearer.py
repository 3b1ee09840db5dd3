"""What a token of Microsoft Entra says, for whoever can check one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is, of which tenant, and whether its time is over."""

    object_id: str
    tenant: str
    expired: bool


class BearerTokens(Protocol):
    """Checks tokens. The simulator itself knows no cryptography."""

    def read(self, token: str) -> Bearer | None:
        """What the token says; None where it is none, forged, or meant for another service."""
        ...


class TokenIssuer(Protocol):
    """Issues tokens of pipelines' jobs, elsewhere; its keys are served here."""

    def published(self, path: str) -> dict[str, Any] | None:
        """The document at this path of the issuer's host; None where there is none."""
        ...
