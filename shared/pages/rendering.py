"""Templates to bytes. Whatever comes from outside is a text: escaped, and without what would bend it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.pages import charts
from shared.views.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: no script or style that stands in a page runs, whoever wrote it."""

_HERE: Final = Path(__file__).parent
_KINDS: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def render(template: str, values: Mapping[str, object]) -> bytes:
    """The page. A name that the template asks for and nobody gave is an error, never an empty place."""
    text = _environment().get_template(template).render(**values)
    return text.encode("utf-8", errors="backslashreplace")


def asset(name: str) -> tuple[bytes, str] | None:
    """Content and media type of a file that pages load; None where there is no such file."""
    return _assets().get(name)


@cache
def _assets() -> dict[str, tuple[bytes, str]]:
    return {
        one.name: (one.read_bytes(), _KINDS[one.suffix])
        for one in (_HERE / "assets").iterdir()
        if one.suffix in _KINDS
    }


@cache
def _mark() -> str:
    """Another one when any file that pages load is another one: browsers keep them by their address."""
    whole = hashlib.sha256()
    for name, (content, _) in sorted(_assets().items()):
        whole.update(name.encode() + content)
    return whole.hexdigest()[:12]


@cache
def _environment() -> Environment:
    # Loaded with the first page: the app's other functions have no use for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_text,
        auto_reload=False,
    )
    made.globals |= {"mark": _mark(), "bar": charts.severity_bar, "meter": charts.meter, "line": charts.line}
    made.filters |= {
        "number": _number,
        "moment": moment,
        "ago": _ago,
        "plural": _plural,
        "words": _words,
        "emphasis": _emphasis,
    }
    return made


def _text(value: object) -> object:
    """Control characters and what turns the direction of a text are shown, not obeyed."""
    if value is None:
        return ""
    return printable(value) if type(value) is str else value


def _number(value: float) -> str:
    return f"{value:,}".replace(",", "\u202f")


def moment(value: datetime) -> str:
    """A time as machines read it, and those without a script: UTC."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _ago(value: datetime, now: datetime) -> str:
    seconds = (now - value).total_seconds()
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            told = f"{abs(seconds) // size:.0f}\u202f{word}"
            return f"{told} ago" if seconds > 0 else f"in {told}"
    return "just now" if seconds >= 0 else "in a moment"


def _plural(number: int, one: str, many: str = "") -> str:
    return f"{_number(number)} {one if number == 1 else many or f'{one}s'}"


def _emphasis(value: str) -> Markup:
    """What our rules write as `*so*` or in backticks, as elements."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - comes with the templates

    told = str(escape(printable(value)))
    told = re.sub(r"`([^`]+)`", r"<code>\1</code>", told)
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", told))  # noqa: S704 - it was escaped


def _words(value: str) -> str:
    """`onboardedByOtherConnector` as words."""
    found = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in value)
    return found.strip()
