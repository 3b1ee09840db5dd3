"""HTTP: the pages, to whoever may see them.

Reads alone. Whoever is not known is sent to sign in, or told how to get in; what a viewer may not see is
answered like what is not there. Every page is made on the server from what is known, and loads nothing from
elsewhere.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from shared.model.viewer import ViewerRefused
from shared.model.web import WebReply, WebRequest
from shared.pages import addresses, forms
from shared.pages.connectors import connectors_page
from shared.pages.inventory import inventory_page, inventory_rows
from shared.pages.look import Absent, Look, QueueCounts, Values
from shared.pages.recommendations import recommendation_rows, recommendations_page, rule_page
from shared.pages.rendering import POLICY, asset, moment, render
from shared.pages.resources import organization_page, project_page, repository_page
from shared.ports import Dependencies, StateUnavailable, ThrottleStore, Viewers
from shared.views.lists import overview
from shared.views.sheets import Sheets
from shared.views.text import printable

_HTML: Final = "text/html; charset=utf-8"
_CSV: Final = "text/csv; charset=utf-8"
_YEAR: Final = "public, max-age=31536000, immutable"
_ALWAYS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PRIVATE: Final = {**_ALWAYS, "Cache-Control": "private, no-cache"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula (OWASP, CSV Injection)."""
_ROWS: Final = 1_000
"""Rows of a page of JSON."""
_LIVE: Final = 5
"""Seconds between looks of an open page."""
_REDIRECT: Final = 303
OK: Final = 200


def show_page(
    request: WebRequest,
    deps: Dependencies,
    viewers: Viewers,
    sheets: Sheets,
    throttles: ThrottleStore,
    queue_counts: QueueCounts,
    new_text: Callable[[], str],
) -> WebReply:
    """Answer one request. Whatever is refused is answered with a page that says why."""
    url = urlsplit(request.url)
    path = url.path.removeprefix(addresses.ROOT).rstrip("/")
    if path.startswith("/assets/"):
        return _asset(path)
    query = dict(parse_qsl(url.query))
    try:
        if "token" in query:
            cookie = viewers.enter(request.headers, query["token"])
            return WebReply(_REDIRECT, headers={**_PRIVATE, "Location": addresses.ROOT, "Set-Cookie": cookie})
        viewer = viewers.identify(request.headers)
        if request.method.upper() not in {"GET", "HEAD"}:
            return _refused(
                deps, 405, "This page is only looked at", "Changes are made with the command line."
            )
        if not viewer.grants:
            told = f"{viewer.name or 'You'}: no role of this app. Ask for the app role Security Reader."
            return _refused(deps, 403, "You have no role here", told)
        now = deps.clock.now()
        seen = overview(deps.state, sheets, viewer, deps.intervals, now)
        form = forms.text_in(request.headers) or new_text()
        look = Look(
            deps.state, deps.graph, throttles.throttles, seen, deps.intervals, query, path, form, queue_counts
        )
        return _with_form(request, _shown(request, look, path), form)
    except ViewerRefused as refused:
        deps.log.warning("page.refused", code=refused.code, status=refused.status)
        return _turned_away(deps, request, refused)
    except Absent:
        told = "It is not there, or you may not see it."
        return _refused(deps, 404, "There is no such page", told, back=True)
    except StateUnavailable:
        told = "What is known cannot be read now. Try again in a moment."
        return _refused(deps, 503, "Not now", told)


def _with_form(request: WebRequest, reply: WebReply, form: str) -> WebReply:
    """The page with the cookie that its forms need, unless the browser has one."""
    if reply.status != OK or form == forms.text_in(request.headers):
        return reply
    told = forms.cookie(form, secure=urlsplit(request.url).scheme == "https")
    return replace(reply, headers={**reply.headers, "Set-Cookie": told})


def _shown(request: WebRequest, look: Look, path: str) -> WebReply:
    if path == "/inventory.csv":
        return _file("inventory.csv", inventory_rows(look))
    if path == "/recommendations.csv":
        return _file("recommendations.csv", recommendation_rows(look))
    if path == "/inventory.json":
        return _listing(look, inventory_rows(look))
    if path == "/recommendations.json":
        return _listing(look, recommendation_rows(look))
    here, (template, values) = _page(look, path)
    values |= {"here": here, "viewer": look.overview.viewer.name, "live": _LIVE, "now": look.now}
    body = render(template, values)
    # Of what was told, not of when: a page on which nothing has changed is not sent again.
    timeless = body.replace(moment(look.now).encode(), b"")
    tag = f'"{hashlib.sha256(timeless).hexdigest()[:32]}"'
    headers = {**_PRIVATE, "ETag": tag}
    if tag in {one.strip() for one in request.headers.get("if-none-match", "").split(",")}:
        return WebReply(304, headers=headers)
    return WebReply(200, body, headers, _HTML)


def _page(look: Look, path: str) -> tuple[str, tuple[str, Values]]:
    parts = [unquote(one) for one in path.split("/")[1:]]
    plain: Mapping[tuple[str, ...], tuple[str, Callable[[Look], tuple[str, Values]]]] = {
        (): ("security", inventory_page),
        ("recommendations",): ("recommendations", recommendations_page),
        ("connectors",): ("connectors", connectors_page),
    }
    found = plain.get(tuple(parts))
    if found is not None:
        return found[0], found[1](look)
    match parts:
        case ["recommendations", rule]:
            return "recommendations", rule_page(look, rule)
        case ["organizations", organization]:
            return "security", organization_page(look, organization)
        case ["organizations", organization, "projects", project]:
            return "security", project_page(look, organization, project)
        case ["organizations", organization, "projects", project, "repositories", repository]:
            return "security", repository_page(look, organization, project, repository)
    raise Absent


def _asset(path: str) -> WebReply:
    """A file that pages load. Its address changes with it, so that browsers may keep it."""
    found = asset(path.rpartition("/")[2])
    if found is None:
        return WebReply(404, headers=_ALWAYS)
    content, kind = found
    return WebReply(200, content, {**_ALWAYS, "Cache-Control": _YEAR}, kind)


def _file(name: str, rows: Iterable[Values]) -> WebReply:
    """The rows as a file. No cell is taken for a formula, and none bends the line that it is in."""
    text = io.StringIO(newline="")
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\r\n")
            writer.writeheader()
        writer.writerow({key: _cell(value) for key, value in row.items()})
    headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    # With a mark that says UTF-8, without which spreadsheets guess.
    body = text.getvalue().encode("utf-8-sig", errors="backslashreplace")
    return WebReply(200, body, headers, _CSV)


def _listing(look: Look, rows: Iterable[Values]) -> WebReply:
    """A page of the rows as JSON, with the address of the next one as `nextLink`."""
    begin = (look.number - 1) * _ROWS
    page = list(islice(rows, begin, begin + _ROWS + 1))
    document: dict[str, object] = {"value": page[:_ROWS]}
    if len(page) > _ROWS:
        document["nextLink"] = look.to_page(look.number + 1)
    return WebReply(OK, json.dumps(document).encode(), _PRIVATE)


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
    told = printable(value)
    return f"'{told}" if told.startswith(_FORMULA) else told


def _turned_away(deps: Dependencies, request: WebRequest, refused: ViewerRefused) -> WebReply:
    if refused.sign_in and request.method.upper() == "GET":
        url = urlsplit(request.url)
        back = quote(f"{url.path}?{url.query}" if url.query else url.path, safe="")
        headers = {**_PRIVATE, "Location": f"{refused.sign_in}?post_login_redirect_uri={back}"}
        return WebReply(302, headers=headers)
    return _refused(deps, refused.status, "This is not shown to you", str(refused))


def _refused(deps: Dependencies, status: int, heading: str, message: str, *, back: bool = False) -> WebReply:
    values = {
        "title": heading,
        "heading": heading,
        "message": message,
        "back": back,
        "here": "",
        "viewer": "",
        "live": 0,
        "now": deps.clock.now(),
    }
    headers = {**_PRIVATE, "Retry-After": "30"} if status == 503 else _PRIVATE  # noqa: PLR2004 - HTTP
    return WebReply(status, render("refused.html", values), headers, _HTML)
