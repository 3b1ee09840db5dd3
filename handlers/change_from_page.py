"""HTTP: what somebody changes from a page: onboard now, remove, exempt a finding, end an exemption.

A change takes the role that may change what it is about, and a form of ours. It is noted in the journal with
the person who made it. What a viewer may not change is answered like what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from shared.model.assessment import AssessmentStatus
from shared.model.command import OnboardOrganization
from shared.model.connector import Connector
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.ids import ConnectorId
from shared.model.viewer import Sight, Viewer, ViewerRefused
from shared.model.web import WebReply, WebRequest
from shared.pages import addresses, forms
from shared.pages.look import Absent
from shared.pages.rendering import POLICY, render
from shared.ports import Dependencies, StateUnavailable, Viewers
from shared.posture.exemption_plan import ExemptionProblem, check_expiry, journal_of, plan
from shared.posture.exemptions import exemption_id
from shared.views.lists import Overview, Row, overview
from shared.views.sheets import Sheet, Sheets

Remove = Callable[[str, str, str, Dependencies], str]
"""Takes an organization out of a connector for somebody; returns the refusal."""

_BODY_MOST: Final = 20_000
_REASON_MOST: Final = 2_000
_TOLD_MOST: Final = 300
_DAYS: Final = ("30", "90", "180", "365")
_HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class _Refused(Exception):
    """A change that is not made: the status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for, by whom, and what they may change."""

    fields: Mapping[str, str]
    viewer: Viewer
    seen: Overview
    deps: Dependencies


def change_from_page(
    request: WebRequest,
    deps: Dependencies,
    viewers: Viewers,
    sheets: Sheets,
    remove: Remove,
    longest_exemption: timedelta,
) -> WebReply:
    """Make one change, and send the browser back to the page that it was asked for on."""
    try:
        viewer = viewers.identify(request.headers)
        fields = _fields(request)
        seen = overview(deps.state, sheets, viewer.changing(), deps.intervals, deps.clock.now())
        asked = _Asked(fields, viewer, seen, deps)
        done = _change(asked, remove, longest_exemption)
    except ViewerRefused as refused:
        deps.log.warning("page.refused", code=refused.code, status=refused.status)
        return _page(deps, refused.status, "This is not for you", str(refused))
    except Absent:
        return _page(deps, 404, "Nothing was changed", "It is not there, or you may not change it.")
    except _Refused as refused:
        return _page(deps, refused.status, "Nothing was changed", str(refused))
    except ExemptionProblem as problem:
        return _page(deps, 400, "Nothing was changed", str(problem))
    except StateUnavailable:
        return _page(deps, 503, "Nothing was changed", "The state cannot be reached. Try again in a moment.")
    deps.log.info("page.changed", change=fields["change"], by=viewer.name)
    return WebReply(303, headers={**_HEADERS, "Location": _back(fields.get("back", ""), done)})


def _fields(request: WebRequest) -> dict[str, str]:
    if request.method.upper() != "POST":
        raise _Refused(405, "A change is a form that is sent.")
    if len(request.body) > _BODY_MOST:
        raise _Refused(413, "The form is too large.")
    try:
        fields = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
    except ValueError:
        raise _Refused(400, "The form cannot be read.") from None
    if not forms.is_genuine(request.headers, fields):
        raise _Refused(403, "The form is none of this app, or its page is old. Open the page again.")
    return fields


def _change(asked: _Asked, remove: Remove, longest: timedelta) -> str:
    change = asked.fields.get("change", "")
    if change in {"onboard", "remove"}:
        sheet, connector = _organization(asked)
        if change == "onboard":
            return _onboard(asked, sheet, connector)
        refusal = remove(sheet.organization.name, connector.id, asked.viewer.name, asked.deps)
        if refusal:
            raise _Refused(409, refusal)
        return f"{sheet.organization.name} was removed from {connector.name}; its inventory is kept."
    if change == "exempt":
        return _exempt(asked, longest)
    if change == "endExemption":
        return _end_exemption(asked)
    raise _Refused(400, "change: is none of onboard, remove, exempt and endExemption.")


def _organization(asked: _Asked) -> tuple[Sheet, Connector]:
    """The organization and its connector, if the viewer may change all of it."""
    sheet = asked.seen.sheet(asked.fields.get("organization", ""))
    if sheet is None or asked.seen.sight(sheet) is not Sight.WHOLE:
        raise Absent
    wanted = ConnectorId(asked.fields.get("connector", ""))
    for view in (sheet.view, *sheet.others):
        if view.connector is not None and wanted in {"", view.connector.id}:
            return sheet, view.connector
    raise Absent


def _onboard(asked: _Asked, sheet: Sheet, connector: Connector) -> str:
    command = OnboardOrganization(
        sheet.organization.name, asked.viewer.name, "Asked for from a page.", connector.id
    )
    asked.deps.sender.send(command)
    return f"{sheet.organization.name} is onboarded or refreshed now; the journal tells how it went."


def _row(asked: _Asked) -> Row:
    """What a finding is of, if the viewer may change it."""
    sheet = asked.seen.sheet(asked.fields.get("organization", ""))
    if sheet is None:
        raise Absent
    wanted = asked.fields.get("kind", ""), asked.fields.get("resource", "")
    for row in asked.seen.rows(sheet):
        if (row.item.resource.kind.value, row.item.resource.id) == wanted:
            return row
    raise Absent


def _exempt(asked: _Asked, longest: timedelta) -> str:
    row, fields, now = _row(asked), asked.fields, asked.deps.clock.now()
    told = {rule.id: status for rule, status in row.own.told}
    rule = next((one for one in told if one == fields.get("rule")), None)
    if rule is None:
        raise Absent
    if told[rule] is not AssessmentStatus.UNHEALTHY:
        raise _Refused(409, "It is not unhealthy any more: there is nothing to exempt.")
    reason = " ".join(fields.get("reason", "").split())
    if not reason:
        raise ExemptionProblem("reason", "is missing.", "Say why nobody has to mend it.")
    if len(reason) > _REASON_MOST:
        raise ExemptionProblem("reason", f"is longer than {_REASON_MOST} characters.", "Shorten it.")
    days = fields.get("days", "")
    if days not in _DAYS:
        raise ExemptionProblem("days", "is not one of the choices.", f"Choose {', '.join(_DAYS)}.")
    resource, organization = row.item.resource, row.sheet.organization
    scope = ExemptionScope(rule, organization.name, row.project.name if row.project else "", resource.name)
    expires_at = now + timedelta(days=int(days))
    check_expiry(expires_at, now, longest)
    identifier = exemption_id("", ExemptionScope(rule, organization.id, resource.kind.value, resource.id))
    stored = [one for one in asked.deps.state.exemptions() if one.id == identifier]
    one = Exemption(
        id=identifier,
        scope=scope,
        target=ExemptionTarget(organization.id, resource.project, resource.kind, resource.id),
        kind=ExemptionKind.MITIGATED if fields.get("as") == "mitigated" else ExemptionKind.WAIVER,
        reason=reason,
        by=asked.viewer.name,
        created_at=stored[0].created_at if stored else now,
        expires_at=expires_at,
    )
    steps = plan([one], stored, "")
    asked.deps.state.change_exemptions([one], (), journal_of(steps, asked.viewer.name, now))
    return f"{rule} is exempted for {resource.name} until {expires_at:%Y-%m-%d}."


def _end_exemption(asked: _Asked) -> str:
    row, now = _row(asked), asked.deps.clock.now()
    found = [
        one
        for one in asked.deps.state.exemptions()
        if one.id == asked.fields.get("exemption") and one.target.resource == row.item.resource.id
    ]
    if not found:
        raise Absent
    if found[0].source:
        raise _Refused(409, f'It is of the file named "{found[0].source}": take it out there.')
    steps = plan([], found, "")
    asked.deps.state.change_exemptions([], [found[0].id], journal_of(steps, asked.viewer.name, now))
    return f"The exemption of {row.item.resource.name} ended; the finding is open again."


def _back(wanted: str, done: str) -> str:
    """The page to go back to: one of ours, whatever was asked for."""
    parts = urlsplit(wanted)
    inside = parts.path == addresses.ROOT or parts.path.startswith(f"{addresses.ROOT}/")
    if parts.scheme or parts.netloc or not inside:
        parts = urlsplit(addresses.ROOT)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "done"]
    told = urlencode([*query, ("done", done[:_TOLD_MOST])], errors="replace")
    return f"{quote(parts.path, safe='/%')}?{told}"


def _page(deps: Dependencies, status: int, heading: str, message: str) -> WebReply:
    values = {
        "title": heading,
        "heading": heading,
        "message": message,
        "back": True,
        "here": "",
        "viewer": "",
        "live": 0,
        "now": deps.clock.now(),
    }
    return WebReply(status, render("refused.html", values), _HEADERS, _HTML)
