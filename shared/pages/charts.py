"""Charts as inline SVG, made on the server. Colours and sizes are classes of the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from shared.views.text import printable

if TYPE_CHECKING:
    from markupsafe import Markup

_BAR: Final = 96
_LINE_WIDTH: Final = 640
_LINE_HEIGHT: Final = 140
_EDGE: Final = 6


def severity_bar(high: int, medium: int, low: int, most: int) -> Markup:
    """Open findings by severity, as long as they are many among `most`. What is there is seen."""
    parts = [(high, "high"), (medium, "medium"), (low, "low")]
    total = high + medium + low
    length = _BAR * total / max(most, total, 1)
    drawn, place = [], 0.0
    for number, name in parts:
        if number:
            width = max(2.0, length * number / total)
            drawn.append(f'<rect class="{name}" x="{place:.1f}" y="0" width="{width:.1f}" height="8"/>')
            place += width + 1
    label = ", ".join(f"{number} {name}" for number, name in parts if number) or "no open findings"
    return _svg(max(_BAR, place), 8, "bar", label, "".join(drawn))


def meter(share: float | None, label: str) -> Markup:
    """A share from 0 to 1 as a bar; None is drawn as not known."""
    told = escape(printable(label))
    if share is None:
        drawn = f'<rect class="track unknown" x="0" y="0" width="{_BAR}" height="6" rx="3"/>'
        return _svg(_BAR, 6, "meter", f"{told}: not known", drawn, is_safe=True)
    width = _BAR * min(max(share, 0.0), 1.0)
    drawn = (
        f'<rect class="track" x="0" y="0" width="{_BAR}" height="6" rx="3"/>'
        f'<rect class="filled" x="0" y="0" width="{width:.1f}" height="6" rx="3"/>'
    )
    return _svg(_BAR, 6, "meter", f"{told}: {share:.0%}", drawn, is_safe=True)


def line(numbers: Sequence[int], first: str, last: str, label: str) -> Markup:
    """Numbers over time, evenly spaced, as a stepped area from zero. `first` and `last` name the ends."""
    most = max([1, *numbers])
    step = (_LINE_WIDTH - 2 * _EDGE) / max(1, len(numbers) - 1)
    height = _LINE_HEIGHT - 34
    points = [
        (_EDGE + step * index, 12 + height * (1 - number / most)) for index, number in enumerate(numbers)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    floor = 12 + height
    area = f"{_EDGE},{floor} {path} {_LINE_WIDTH - _EDGE},{floor}"
    drawn = (
        f'<line class="grid" x1="{_EDGE}" x2="{_LINE_WIDTH - _EDGE}" y1="{floor}" y2="{floor}"/>'
        f'<line class="grid" x1="{_EDGE}" x2="{_LINE_WIDTH - _EDGE}" y1="12" y2="12"/>'
        f'<polygon class="area" points="{area}"/><polyline class="stroke" points="{path}"/>'
        f'<text x="{_EDGE}" y="9">{most}</text>'
        f'<text x="{_EDGE}" y="{_LINE_HEIGHT - 6}">{escape(first)}</text>'
        f'<text class="end" x="{_LINE_WIDTH - _EDGE}" y="{_LINE_HEIGHT - 6}">{escape(last)}</text>'
    )
    return _svg(_LINE_WIDTH, _LINE_HEIGHT, "line", label, drawn)


def _svg(width: float, height: float, name: str, label: str, drawn: str, *, is_safe: bool = False) -> Markup:
    from markupsafe import Markup  # noqa: PLC0415 - comes with the templates

    told = label if is_safe else escape(printable(label))
    return Markup(  # noqa: S704 - every text in it was escaped
        f'<svg class="{name}" role="img" aria-label="{told}" preserveAspectRatio="xMinYMid" '
        f'viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">{drawn}</svg>'
    )
