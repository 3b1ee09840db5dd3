"""Writes `docs/settings.md` from the settings themselves: `python -m local.settings_reference`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic.fields import FieldInfo

from shared.wiring.settings import Settings, format_duration

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"

_INTRODUCTION = """# Settings

Every setting is an environment variable (in Azure: an application setting). The command line also reads
them from a file of `NAME=value` lines given by `--settings FILE`; the environment wins over the file.
They are checked when the app starts: a wrong one is refused with its name, what is wrong, and an example.

Durations are written `30s`, `15m`, `8h`, `1d` or combined, `1h30m`. Schedules are NCRONTAB expressions of
six fields (second, minute, hour, day, month, weekday) in UTC.

This page is written by `python -m local.settings_reference`; a test keeps it in step.

| setting | meaning | default | bounds |
| --- | --- | --- | --- |
"""

_SPECIAL_DEFAULTS = {
    "state_url": "the storage account of `AzureWebJobsStorage__accountName` or `__tableServiceUri`; without"
    " either, a file `state.db` in the user's state directory, which is refused in Azure",
    "queue_url": "the Service Bus of `ServiceBusConnection` or"
    " `ServiceBusConnection__fullyQualifiedNamespace`, under the Functions host and where the state is no"
    " file; else the state's own file",
}


def page() -> str:
    """The whole page."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return _INTRODUCTION + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{name.upper()}`", field.description or "", _default(name, field), _bounds(field))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(name: str, field: FieldInfo) -> str:
    if name in _SPECIAL_DEFAULTS:
        return _SPECIAL_DEFAULTS[name]
    return f"`{shown(field.default)}`" if field.default not in {None, ""} else "not set"


def shown(value: object) -> str:
    """A value as it is written in the environment."""
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _bounds(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    bounds = [
        f"{word} {shown(getattr(limit, sign))}"
        for limit in field.metadata
        for sign, word in words.items()
        if hasattr(limit, sign)
    ]
    return ", ".join(bounds)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
