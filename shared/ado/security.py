"""The audit log and Advanced Security: whether they can be read, and what was logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from shared.ado.area import Area
from shared.ado.calls import READ_ADVANCED_SECURITY, READ_AUDIT_LOG
from shared.ado.moments import moment
from shared.ado.pages import TOKEN_PARAMETER, Page, read_pages
from shared.ado.parse import Fields, ShapeError
from shared.model.audit import AuditEntry
from shared.model.ids import ProjectId
from shared.model.observation import Observation

_PAGE: Final = 1_000
"""Entries that are asked for at once."""
_PAGES_MOST: Final = 30
"""An organization that logs more than fits on so many pages is read anew as a whole."""
_VALUES_MOST: Final = 500
"""Texts of one entry that are looked at."""
_VALUE_MOST: Final = 200
"""Characters: what is longer is no id and no name."""
_NO_PROJECT: Final = "00000000-0000-0000-0000-000000000000"


class SecurityArea(Area):
    """What shows who changed what, and what scanners found."""

    def audit_log_has_entries(self, organization: str) -> bool:
        """Whether the audit log holds any entry. Requests: 1, for one entry; the log itself notes it.

        Where auditing is turned off the log answers as well, with what was noted before.
        Raises `PermissionMissing` without "View audit log".
        """
        return self._client.document(
            READ_AUDIT_LOG,
            {"organization": organization},
            lambda document: bool(_entries(document).sequence("decoratedAuditLogEntries")),
            query=[("batchSize", "1"), ("skipAggregation", "true")],
        )

    def audit_entries(self, organization: str, since: datetime) -> Observation[AuditEntry]:
        """What was logged at that time or later, in any order. Requests: one per 1,000 entries.

        The log itself notes that it was read. More than 30 pages are not read to their end: the listing is
        then partial.
        """
        start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

        def fetch(token: str | None) -> Page[AuditEntry]:
            query = [("startTime", start), ("batchSize", str(_PAGE)), ("skipAggregation", "true")]
            query += [] if token is None else [(TOKEN_PARAMETER, token)]
            return self._client.document(READ_AUDIT_LOG, {"organization": organization}, _page, query=query)

        return read_pages(fetch, READ_AUDIT_LOG.where(organization), _PAGES_MOST)

    def advanced_security(self, organization: str) -> bool:
        """True where Advanced Security answers. Requests: 1.

        Its answer names every repository: what was asked for is known before the first byte of it is read.
        """
        return self._client.request(
            READ_ADVANCED_SECURITY, {"organization": organization}, lambda _answer: True
        )


def _entries(document: object) -> Fields:
    """The answer. The service's own example has it one level deeper than its specification."""
    fields = Fields(document)
    return fields.nested("value") if fields.has("value") else fields


def _page(document: object) -> Page[AuditEntry]:
    fields = _entries(document)
    found = [_entry(one) for one in fields.objects("decoratedAuditLogEntries")]
    token = fields.text("continuationToken", "")
    # The last page has a token too: only `hasMore` tells that it is the last.
    has_more = fields.flag("hasMore", default=bool(token))
    if has_more and not token:
        raise ShapeError(fields.path("continuationToken"), "is missing, although there is more")
    return Page(found, token if has_more else None)


def _entry(fields: Fields) -> AuditEntry:
    at = moment(fields.text("timestamp"), fields.path("timestamp"))
    if at is None:
        raise ShapeError(fields.path("timestamp"), "is no point in time")
    project = fields.guid("projectId") if fields.text("projectId", "") else _NO_PROJECT
    category = fields.values().get("category")
    return AuditEntry(
        id=fields.name("id"),
        at=at,
        action=fields.name("actionId"),
        category=category.lower() if isinstance(category, str) else "",
        project=ProjectId(project) if project != _NO_PROJECT else None,
        data=_data(fields.values().get("data")),
    )


def _data(data: object) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for number, (key, text) in enumerate(_texts("", data)):
        if number >= _VALUES_MOST:
            break
        found.setdefault(key, set()).add(text)
    return {key: frozenset(texts) for key, texts in found.items()}


def _texts(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Every short text and number in it, however deep, with the nearest name above."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(name.lower(), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(key, inner)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value).strip().lower()
        if len(text) <= _VALUE_MOST:
            yield key, text
