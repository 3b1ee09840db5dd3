"""What faults do to answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from local.ado_simulator import answers
from local.ado_simulator.answers import encode
from local.ado_simulator.faults import Fault, FaultKind, Target
from local.ado_simulator.paging import HEADER, body_offset, body_token
from local.ado_simulator.wire import Answer, Json

_ITEM_KEYS = ("value", "members", "items", "decoratedAuditLogEntries")
_HTTP_ERROR = 400


def replacement(fault: Fault, target: Target, tenant: str) -> Answer:
    """The answer of a fault that replaces the regular one."""
    answer = _REPLACEMENTS[FaultKind(fault.kind)](fault, target, tenant)
    _finish(fault, answer)
    return answer


def _finish(fault: Fault, answer: Answer) -> None:
    if fault.body is not None:
        answer.body = fault.body.encode() if isinstance(fault.body, str) else fault.body
    if fault.content_type is not None:
        answer.content_type = fault.content_type
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = _retry_after(fault)
    answer.headers |= fault.headers


def _retry_after(fault: Fault) -> str:
    wait = fault.retry_after
    if fault.retry_after_date and not isinstance(wait, str):
        moment = datetime.now(UTC) + timedelta(seconds=float(wait or 0))
        return format_datetime(moment, usegmt=True)
    return f"{wait:g}" if isinstance(wait, float) else str(wait)


def _status(fault: Fault, _target: Target, _tenant: str) -> Answer:
    status = fault.status or 500
    if fault.body is not None:
        return Answer(status, b"", answers.JSON)
    if status >= _HTTP_ERROR:
        return answers.failure(
            status, fault.type_key or "VssServiceException", "A failure that was asked for."
        )
    return answers.ok({}, status)


def _redirect(fault: Fault, target: Target, _tenant: str) -> Answer:
    location = fault.location or f"https://elsewhere.example.com{target.path}"
    return Answer(fault.status or 302, b"", None, {"Location": location})


def _access_denied(_fault: Fault, _target: Target, _tenant: str) -> Answer:
    return answers.access_denied("The caller", "Edit instance-level information")


def _conflict(_fault: Fault, _target: Target, _tenant: str) -> Answer:
    return answers.failure(
        409, "ExtensionAlreadyInstalledException", "TF1590010: The extension is already installed."
    )


def _trouble(fault: Fault, _target: Target, _tenant: str) -> Answer:
    html = fault.content_type is None or "html" in fault.content_type
    return answers.trouble(fault.status or 500, html=html)


_Replacement = Callable[[Fault, Target, str], Answer]
_REPLACEMENTS: dict[FaultKind, _Replacement] = {
    FaultKind.STATUS: _status,
    FaultKind.SIGN_IN: lambda fault, _target, _tenant: answers.sign_in_page(fault.status or 203),
    FaultKind.WEB_PAGE: lambda fault, _target, _tenant: answers.sign_in_page(fault.status or 200),
    FaultKind.SIGN_IN_REDIRECT: lambda _fault, target, _tenant: answers.sign_in_redirect(
        target.host, target.path
    ),
    FaultKind.REDIRECT: _redirect,
    FaultKind.UNAUTHORIZED: lambda _fault, target, _tenant: answers.empty_unauthorized(target.host),
    FaultKind.UNAUTHORIZED_USER: lambda _fault, target, tenant: answers.unauthorized_user(
        target.organization, tenant, "someone"
    ),
    FaultKind.ACCESS_DENIED: _access_denied,
    FaultKind.NOT_FOUND: lambda _fault, target, _tenant: answers.repository_not_found(target.path),
    FaultKind.NOT_FOUND_PLAIN: lambda _fault, target, _tenant: answers.controller_not_found(target.path),
    FaultKind.NOT_FOUND_HTML: lambda _fault, _target, _tenant: answers.organization_not_found(),
    FaultKind.CONFLICT: _conflict,
    FaultKind.BLOCKED: lambda _fault, _target, _tenant: answers.blocked(),
    FaultKind.TROUBLE: _trouble,
    FaultKind.STOPPED: lambda _fault, target, _tenant: answers.organization_stopped(target.organization),
    FaultKind.EMPTY: lambda fault, _target, _tenant: Answer(fault.status or 200, b"", answers.JSON),
    FaultKind.EMPTY_LIST: lambda _fault, _target, _tenant: answers.listing([]),
    FaultKind.RESET: lambda _fault, _target, _tenant: Answer(0, reset=True),
    FaultKind.HANG: lambda _fault, _target, _tenant: Answer(0, hang=True),
}


def change(fault: Fault, answer: Answer, target: Target) -> Answer:
    """Change a regular answer as a passing fault says."""
    kind = FaultKind(fault.kind)
    if kind is FaultKind.SLOW_DOWN:
        _slow_down(fault, answer)
    elif kind is FaultKind.TRUNCATED:
        answer.cut = len(answer.body) // 2
    elif kind is FaultKind.MALFORMED:
        answer.body = answer.body[: max(1, len(answer.body) - 2)] + b',"'
    elif kind is FaultKind.LOOP_TOKEN:
        _set_token(answer, 0 if _asked_offset(target) else 1)
    elif kind is FaultKind.REPEAT_TOKEN:
        _set_token(answer, _asked_offset(target))
    elif kind is not FaultKind.DELAY and kind is not FaultKind.RUN:
        _rewrite(answer, fault.mutate or _REWRITES[kind])
    _finish(fault, answer)
    return answer


def _slow_down(fault: Fault, answer: Answer) -> None:
    answer.headers |= {
        "X-RateLimit-Resource": "Core/TSTU",
        "X-RateLimit-Delay": f"{fault.seconds or 3.25:.3f}",
        "X-RateLimit-Limit": "200",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + 300),
    }
    if fault.retry_after is None:
        answer.headers["Retry-After"] = "5"


def _set_token(answer: Answer, offset: int) -> None:
    document = _decode(answer)
    if isinstance(document, dict) and "members" in document:
        document["continuationToken"] = body_token(offset)
        answer.body = encode(document)
    else:
        answer.headers[HEADER] = str(offset)


def _asked_offset(target: Target) -> int:
    token = target.query.get("continuationtoken") or "0"
    return int(token) if token.isdigit() else body_offset(token) or 0


def _decode(answer: Answer) -> Json:
    try:
        return json.loads(answer.body.decode("utf-8-sig"))
    except ValueError:
        return None


def _rewrite(answer: Answer, rewrite: Callable[[Any], Any]) -> None:
    document = _decode(answer)
    if document is not None:
        answer.body = encode(rewrite(document))


def _over_items(change_items: Callable[[list[Any]], list[Any]]) -> Callable[[Any], Any]:
    def rewrite(document: Json) -> Json:
        if isinstance(document, dict):
            for key in _ITEM_KEYS:
                if isinstance(document.get(key), list):
                    document[key] = change_items(document[key])
            if isinstance(document.get("value"), list) and "count" in document:
                document["count"] = len(document["value"])
            return document
        return change_items(document) if isinstance(document, list) else document

    return rewrite


def _each(change_item: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    over = _over_items(
        lambda items: [change_item(item) if isinstance(item, dict) else item for item in items]
    )

    def rewrite(document: Json) -> Json:
        if isinstance(document, dict) and not any(isinstance(document.get(key), list) for key in _ITEM_KEYS):
            return change_item(document)
        return over(document)

    return rewrite


_IDS = ("id", "extensionId", "accountId", "instanceId", "subjectDescriptor", "descriptor")
_NAMES = ("name", "displayName", "extensionName", "accountName", "providerDisplayName")


def _wrong(item: dict[str, Any]) -> dict[str, Any]:
    wrong = {"string": 12345, "integer": "many", "bool": "maybe", "list": {}, "dict": [], "none": 0}
    kinds = {str: "string", int: "integer", float: "integer", bool: "bool", list: "list", dict: "dict"}
    return {key: wrong[kinds.get(type(value), "none")] for key, value in item.items()}


def _without_ids(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in _IDS}


def _deep(item: dict[str, Any]) -> dict[str, Any]:
    nested: Json = {"bottom": True}
    for _ in range(400):
        nested = {"deeper": [nested]}
    return {**item, "unexpected": nested}


def _huge(item: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) + "x" * 100_000 if key in _NAMES else value for key, value in item.items()}


_REWRITES: dict[FaultKind, Callable[[Any], Any]] = {
    FaultKind.WRONG_TYPES: _each(_wrong),
    FaultKind.MISSING_IDS: _each(_without_ids),
    FaultKind.DROP_ITEMS: _over_items(lambda items: items[::2]),
    FaultKind.DUPLICATE_ITEMS: _over_items(lambda items: items + items),
    FaultKind.DEEP_NESTING: _each(_deep),
    FaultKind.HUGE_NAMES: _each(_huge),
}
