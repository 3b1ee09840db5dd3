"""The audit log, newest first, with the continuation token in the body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local.ado_simulator.answers import Refusal, access_denied, ok
from local.ado_simulator.organization import Organization
from local.ado_simulator.resources import AuditEntry
from local.ado_simulator.router import AUDIT, Call, bad_request, route
from local.ado_simulator.wire import Answer


def _moment(text: str) -> datetime:
    """A date of the query or of an entry; seven digits and a missing zone are fine."""
    head, dot, rest = text.strip().replace(" ", "+").partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        text = f"{head}.{digits[:6]}{rest[len(digits) :]}"
    else:
        text = head
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(bad_request(f"'{text}' is no date.")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _document(organization: Organization, entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "correlationId": entry.correlation_id,
        "activityId": entry.activity_id,
        "actorCUID": "00000000-0000-0000-0000-000000000000",
        "actorUserId": entry.actor_id,
        "actorClientId": "00000000-0000-0000-0000-000000000000",
        "actorUPN": entry.actor_upn,
        "authenticationMechanism": "AAD_Cookie",
        "timestamp": entry.timestamp,
        "scopeType": "organization",
        "scopeDisplayName": f"{organization.name} (Organization)",
        "scopeId": organization.instance_id,
        "projectId": entry.project_id or "00000000-0000-0000-0000-000000000000",
        "projectName": entry.project_name,
        "ipAddress": "192.0.2.7",
        "userAgent": "Simulator",
        "actionId": entry.action_id,
        "data": entry.data,
        "details": entry.details,
        "area": entry.area,
        "category": entry.category,
        "categoryDisplayName": entry.category.title(),
        "actorDisplayName": entry.actor_name,
        "actorImageUrl": None,
    }


@route(
    "GET",
    AUDIT,
    "/{organization}/_apis/audit/auditlog",
    scope="vso.auditlog",
    capability="auditlog",
    preview=True,
)
def audit_log(call: Call) -> Answer:
    """Entries between two times, newest first. Empty where logging is switched off."""
    if not call.is_administrator:
        return access_denied(call.identity.account_name, "View audit log")
    organization = call.organization
    policy = organization.policies.get("Policy.LogAuditEvents")
    entries = list(reversed(organization.audit_log)) if policy is not None and policy.value else []
    start, end = call.query.get("starttime"), call.query.get("endtime")
    if start:
        entries = [entry for entry in entries if _moment(entry.timestamp) >= _moment(start)]
    if end:
        entries = [entry for entry in entries if _moment(entry.timestamp) <= _moment(end)]
    token = call.query.get("continuationtoken")
    if token:
        positions = [index for index, entry in enumerate(entries) if entry.id == token]
        if not positions:
            return bad_request("The continuation token is not valid.")
        entries = entries[positions[0] + 1 :]
    size = min(call.number("batchSize") or 100_000, 100_000)
    page, rest = entries[:size], entries[size:]
    return ok(
        {
            "decoratedAuditLogEntries": [_document(organization, entry) for entry in page],
            "continuationToken": page[-1].id if rest else None,
            "hasMore": bool(rest),
        }
    )
