"""Whether a variable that is not marked secret looks like one. Values are looked at here, and never kept."""

from __future__ import annotations

import re
from typing import Final

_SHAPES: Final = tuple(
    (told, re.compile(pattern))
    for told, pattern in (
        ("private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
        ("Azure storage key", r"(?i)AccountKey=[A-Za-z0-9+/]{60,}"),
        ("shared access signature", r"(?i)[?&;]sig=[A-Za-z0-9%+/]{20,}"),
        ("shared access key", r"(?i)SharedAccessKey=[A-Za-z0-9+/=]{20,}"),
        ("connection string with a password", r"(?i)(?:password|pwd)=[^;\s]{4,}"),
        ("address with a password", r"(?i)\b[a-z][a-z0-9+.-]*://[^/\s:@$]+:[^/\s:@$]{3,}@"),
        ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
        ("GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{50,}"),
        ("Azure DevOps token", r"\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b"),
        ("Azure DevOps token", r"^[a-z2-7]{52}$"),
        ("AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        ("Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
        ("Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
        ("Entra client secret", r"\b[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}"),
        ("npm token", r"\bnpm_[A-Za-z0-9]{36}"),
        ("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    )
)
_NAME: Final = re.compile(
    r"(?i)(?:^|[._-]|(?<=[a-z]))(?:password|passwd|pwd|secret|api[._-]?key|access[._-]?key|private[._-]?key|"
    r"client[._-]?secret|(?:access|auth|api|pat|personal[._-]?access)[._-]?token)$"
)
_REFERENCE: Final = re.compile(r"^\s*(?:\$\(|\$\{\{|\$\[|@Microsoft\.KeyVault|#\{|<[^>]*>$|\*+$)")
_LEAST: Final = 6
"""Characters below which a value is no secret worth the name."""


def looks_like_secret(name: str, value: str) -> str:
    """What kind of secret the value looks like, by its shape or by the variable's name; empty if none."""
    if len(value) < _LEAST or _REFERENCE.match(value):
        return ""
    for told, shape in _SHAPES:
        if shape.search(value):
            return told
    if _NAME.search(name.strip()) and not value.casefold().startswith(("http://", "https://")):
        return "secret, by the name of the variable"
    return ""


def is_url(value: str) -> bool:
    """Whether the value is a web address."""
    return value.strip().casefold().startswith(("http://", "https://"))
