"""Which table the URL names, and how to sign in to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from shared.azure_sign_in import SignIn, sign_in
from shared.connector_state.place import StateUrlError

if TYPE_CHECKING:
    from azure.data.tables import TableClient

SCHEME = "tables://"

TABLE = "adoconnector"
"""The table, unless the URL names another: several connectors' worlds may share one storage account."""

_DEVELOPMENT_ACCOUNT = "devstoreaccount1"
_DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The storage emulator's account and key: the same for everybody, and published in its documentation."""

_SERVICE = ("https://", "http://")
"""How the address of an account's table service begins, as the portal and settings of Azure have it."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
_OTHER_SERVICE = re.compile(r"\.(blob|queue|file|dfs|web)\.")
_EXAMPLES = (
    "tables://ACCOUNT (signed in as the app's identity), tables://ACCOUNT/TABLE, "
    "tables://ACCOUNT?client_id=ID (as a user-assigned managed identity), "
    "or the storage account's connection string, with ;TableName=TABLE where it is not 'adoconnector'"
)

# Retries of the Azure client, in seconds: enough for a busy server or a moved partition, short enough that an
# outage is told to the caller, who gives the work back to the queue, rather than slept through.
_RETRIES: Mapping[str, Any] = {
    "retry_total": 5,
    "retry_connect": 3,
    "retry_read": 3,
    "retry_status": 5,
    "retry_backoff_factor": 0.3,
    "retry_backoff_max": 10,
    "connection_timeout": 5,
    "read_timeout": 30,
}


def is_tables(url: str) -> bool:
    """Whether the URL is for Table Storage: its scheme says so, or it is a connection string."""
    return url.startswith((SCHEME, *_SERVICE)) or "AccountName=" in url or "UseDevelopmentStorage=" in url


@dataclass(frozen=True, slots=True)
class Account:
    """A table and how to reach it. Never printed whole: it may hold a key."""

    table: str
    where: str
    """Table and host, for people."""
    endpoint: str = ""
    client_id: str = ""
    connection_string: str = ""
    development: bool = False

    def __repr__(self) -> str:
        return f"Account({self.where!r})"

    @property
    def has_key(self) -> bool:
        """Whether it is opened by a key rather than as somebody."""
        return self.development or bool(self.connection_string)

    @property
    def sign_in(self) -> SignIn:
        """As whom it is asked, where that needs no key."""
        return sign_in(self.client_id)

    def open(self) -> TableClient:
        """A client of the table; nothing is sent yet."""
        from azure.data.tables import TableClient  # noqa: PLC0415 - only where the URL asks for it

        if self.connection_string:
            return TableClient.from_connection_string(self.connection_string, self.table, **_RETRIES)
        if self.development:
            from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415

            key = AzureNamedKeyCredential(_DEVELOPMENT_ACCOUNT, _DEVELOPMENT_KEY)
            return TableClient(self.endpoint, self.table, credential=key, **_RETRIES)
        return TableClient(self.endpoint, self.table, credential=self.sign_in, **_RETRIES)


def account_of(url: str, setting: str) -> Account:
    """Read the URL. It is not echoed in errors, since a connection string holds a key."""
    text = url.removeprefix(SCHEME).strip()
    if "AccountName=" in text or "UseDevelopmentStorage=" in text:
        return _of_connection_string(text, setting)
    return _of_url(text, setting)


def _of_connection_string(text: str, setting: str) -> Account:
    parts: dict[str, str] = {}
    # Those of the emulator end with a semicolon, and people put one before what they add.
    pieces = [one for one in text.split(";") if one.strip()]
    for part in pieces:
        name, separator, value = part.partition("=")
        if not separator or not name.strip():
            raise StateUrlError(f"{setting}: is not a whole connection string. Supported: {_EXAMPLES}")
        parts[name.strip().lower()] = value.strip()
    table = _checked_table(parts.pop("tablename", TABLE), setting)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return _development("127.0.0.1:10002", table)
    if "accountkey" not in parts and "sharedaccesssignature" not in parts:
        raise StateUrlError(
            f"{setting}: the connection string holds no AccountKey. Copy it whole from the storage account's "
            f"page 'Access keys', or name the account alone, to sign in by identity. Supported: {_EXAMPLES}"
        )
    endpoint = parts.get("tableendpoint", "")
    host = urlsplit(endpoint).netloc or f"{parts.get('accountname', '')}.table.core.windows.net"
    # Our own part goes out: the Azure client refuses what it does not know.
    rest = ";".join(part for part in pieces if not part.strip().lower().startswith("tablename="))
    return Account(table, f"table {table} of {host}", connection_string=rest)


def _of_url(text: str, setting: str) -> Account:
    secured, address = text.startswith("https://"), text
    for scheme in _SERVICE:
        address = address.removeprefix(scheme)
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise StateUrlError(f"{setting}: is not a URL. Supported: {_EXAMPLES}") from None
    if not host or parts.username or parts.password or parts.fragment:
        raise StateUrlError(f"{setting}: names no storage account. Supported: {_EXAMPLES}")
    query = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(set(query) - {"client_id"})
    if unknown:
        raise StateUrlError(
            f"{setting}: knows no {unknown[0]!r} behind the question mark, only client_id. "
            f"Supported: {_EXAMPLES}"
        )
    segments = [one for one in parts.path.split("/") if one]
    if host in _LOOPBACK and secured:
        name, *segments = segments or [_DEVELOPMENT_ACCOUNT]
        table = _checked_table(segments[0] if segments else TABLE, setting)
        endpoint = f"https://{parts.netloc}/{name}"
        return Account(table, f"table {table} of {parts.netloc}", endpoint, _client_id(query))
    if host in _LOOPBACK:
        if segments and segments[0] == _DEVELOPMENT_ACCOUNT:
            segments = segments[1:]
        table = _checked_table(segments[0] if segments else TABLE, setting)
        return _development(f"{host}:{port or 10002}", table)
    _check_service(text, host, setting)
    if len(segments) > 1:
        raise StateUrlError(f"{setting}: has more behind the account than one table. Supported: {_EXAMPLES}")
    if "." not in host:
        if not _ACCOUNT_NAME.fullmatch(host):
            raise StateUrlError(
                f"{setting}: a storage account's name has 3 to 24 lower-case letters and digits. "
                f"Supported: {_EXAMPLES}"
            )
        host = f"{host}.table.core.windows.net"
    table = _checked_table(segments[0] if segments else TABLE, setting)
    address = host if port is None else f"{host}:{port}"
    return Account(
        table,
        f"table {table} of {host}",
        endpoint=f"https://{address}",
        client_id=_client_id(query),
    )


def _check_service(text: str, host: str, setting: str) -> None:
    if text.startswith("http://"):
        raise StateUrlError(
            f"{setting}: must be https (http is allowed for loopback). Supported: {_EXAMPLES}"
        )
    if _OTHER_SERVICE.search(host):
        raise StateUrlError(
            f"{setting}: is the address of another service of the storage account. That of its tables is "
            "https://ACCOUNT.table.core.windows.net"
        )


def _client_id(query: Mapping[str, list[str]]) -> str:
    return (query.get("client_id") or [""])[0]


def _development(address: str, table: str) -> Account:
    return Account(
        table,
        f"table {table} of the storage emulator at {address}",
        endpoint=f"http://{address}/{_DEVELOPMENT_ACCOUNT}",
        development=True,
    )


def _checked_table(name: str, setting: str) -> str:
    if not _TABLE_NAME.fullmatch(name):
        raise StateUrlError(
            f"{setting}: the table's name must have 3 to 63 letters and digits and begin with a letter. "
            f"Supported: {_EXAMPLES}"
        )
    return name
