"""The audit log and Advanced Security: whether they can be read."""

from __future__ import annotations

from shared.ado.area import Area
from shared.ado.calls import READ_ADVANCED_SECURITY, READ_AUDIT_LOG
from shared.ado.parse import Fields


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
            _has_entries,
            query=[("batchSize", "1"), ("skipAggregation", "true")],
        )

    def advanced_security(self, organization: str) -> bool:
        """True where Advanced Security answers. Requests: 1.

        Its answer names every repository: what was asked for is known before the first byte of it is read.
        """
        return self._client.request(
            READ_ADVANCED_SECURITY, {"organization": organization}, lambda _answer: True
        )


def _has_entries(document: object) -> bool:
    fields = Fields(document)
    # The service's own example has the entries one level deeper than its specification.
    if fields.has("value"):
        fields = fields.nested("value")
    return bool(fields.sequence("decoratedAuditLogEntries"))
