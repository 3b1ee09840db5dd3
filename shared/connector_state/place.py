"""Where the state is kept: reading the URL, and the error that says why a place cannot be used."""

from __future__ import annotations

from pathlib import Path

_PREFIX = "sqlite:///"


class StateUrlError(ValueError):
    """The place that the URL names cannot hold the state. The message names the setting and what to do."""


def file_of(url: str, setting: str) -> Path:
    """The file that a `sqlite:///PATH` URL names. The URL is not echoed: another scheme's may hold a key."""
    if not url.startswith(_PREFIX):
        scheme = url.split(":", 1)[0] if "://" in url else ""
        said = f"the scheme {scheme!r} is not supported" if scheme else "it is not a URL"
        raise StateUrlError(
            f"{setting}: {said}. Supported: sqlite:///PATH, with four slashes for an absolute path, such as "
            f"{setting}=sqlite:////var/lib/ado-connector/state.db; and tables://ACCOUNT, a storage account "
            "in Azure, or its connection string"
        )
    name = url.removeprefix(_PREFIX)
    if not name.strip() or name.startswith(":memory:") or "\0" in name or name.endswith("/"):
        raise StateUrlError(
            f"{setting}: names no file. The state is shared by processes, so it has to be one; for example "
            f"{setting}=sqlite:////var/lib/ado-connector/state.db"
        )
    return Path(name).expanduser()
