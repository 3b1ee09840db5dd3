"""HTTP: what is known, in the shape of Microsoft Defender for Cloud's own API, to whoever may see it.

Reads alone. Whoever is not known learns nothing, not even which addresses there are; what a viewer may not
see is answered like what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from shared.model.viewer import ViewerRefused
from shared.model.web import WebReply, WebRequest
from shared.ports import Dependencies, StateUnavailable, Viewers
from shared.views.defender_api import Absent, DefenderApi
from shared.views.defender_paths import Address, What, parse_path
from shared.views.defender_resources import entity_tag, written
from shared.views.paging import UnreadableToken

CONNECTOR_VERSIONS: Final = (
    "2023-10-01-preview",
    "2024-03-01-preview",
    "2024-07-01-preview",
    "2024-08-01-preview",
)
DEVOPS_VERSIONS: Final = (
    "2023-09-01-preview",
    "2024-04-01",
    "2024-05-15-preview",
    "2025-03-01",
    "2025-11-01-preview",
)
ASSESSMENT_VERSIONS: Final = ("2020-01-01", "2021-06-01", "2025-05-04")
"""What azure-mgmt-security 7.0.0 and 8.0.0b2 send is among these; the answers are the same but where told."""

_VERSIONS: Final = {
    **dict.fromkeys((What.CONNECTORS, What.CONNECTOR), CONNECTOR_VERSIONS),
    **dict.fromkeys((What.ASSESSMENTS, What.ASSESSMENT), ASSESSMENT_VERSIONS),
}
_ONE: Final = frozenset(
    {
        What.CONNECTOR,
        What.CONFIGURATION,
        What.ORGANIZATION,
        What.PROJECT,
        What.REPOSITORY,
        What.ASSESSMENT,
    }
)
_VERSION: Final = "api-version"
_GO_ON: Final = "$skiptoken"
_RETRY_SOON: Final = "30"


class _Refused(Exception):
    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


_ALWAYS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def read_defender_api(request: WebRequest, deps: Dependencies, viewers: Viewers) -> WebReply:
    """Answer one request. Whatever is refused is answered with an error in the form of ARM."""
    try:
        return _read(request, deps, viewers)
    except ViewerRefused as refused:
        deps.log.warning("api.refused", code=refused.code, status=refused.status)
        challenge = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}  # noqa: PLR2004 - HTTP
        return _error(_Refused(refused.status, refused.code, str(refused), challenge))
    except _Refused as refused:
        return _error(refused)
    except StateUnavailable:
        return _error(
            _Refused(
                503, "StateUnavailable", "What is known cannot be read now.", {"Retry-After": _RETRY_SOON}
            )
        )


def _read(request: WebRequest, deps: Dependencies, viewers: Viewers) -> WebReply:
    viewer = viewers.identify(request.headers)
    url = urlsplit(request.url)
    address = parse_path(url.path)
    if address is None:
        raise _Refused(
            404, "InvalidResourceType", "There is nothing of this address. See docs/defender-api.md."
        )
    _check_method(request.method, address)
    query = {name.lower(): value for name, value in parse_qsl(url.query)}
    version = _version(query, address)
    api = DefenderApi(deps.state, viewer, deps.intervals, deps.clock.now())
    try:
        if address.what in _ONE:
            return _found(request, api.one(address, version))
        listing = api.listing(address, version, query.get(_GO_ON, ""))
    except Absent:
        raise _Refused(404, "ResourceNotFound", _absent(address)) from None
    except UnreadableToken:
        raise _Refused(
            400, "InvalidSkipToken", "$skipToken: is none that was handed out. Take it from a nextLink."
        ) from None
    document: dict[str, object] = {"value": list(listing.values)}
    if listing.next:
        following = urlencode({"api-version": version, "$skipToken": listing.next}, quote_via=quote)
        document["nextLink"] = f"{url.scheme}://{url.netloc}{url.path}?{following}"
    return _found(request, document)


def _check_method(method: str, address: Address) -> None:
    # A page behind the first is got with GET, whatever the first was asked for with.
    allowed = ("GET", "POST") if address.what is What.AVAILABLE else ("GET",)
    if method.upper() not in allowed:
        raise _Refused(
            405,
            "MethodNotAllowed",
            f"{method.upper()} is not taken here: this API reads. Changes are made with the command line.",
            {"Allow": ", ".join(allowed)},
        )


def _version(query: Mapping[str, str], address: Address) -> str:
    supported = _VERSIONS.get(address.what, DEVOPS_VERSIONS)
    version = query.get(_VERSION, "").lower()
    if not version:
        raise _Refused(
            400,
            "MissingApiVersionParameter",
            f"The api-version query parameter (?api-version=) is required: {', '.join(supported)}.",
        )
    if version not in supported:
        raise _Refused(
            400,
            "InvalidApiVersionParameter",
            f"The api-version is not supported here. The supported ones are: {', '.join(supported)}.",
        )
    return version


def _absent(address: Address) -> str:
    """Says what was looked for and not found, whichever part of the path it is that is not there."""
    return f"The {address.what.value} at this address: not found. It is not there, or may not be seen."


def _found(request: WebRequest, document: Mapping[str, object]) -> WebReply:
    tag = str(document.get("etag") or entity_tag(document))
    headers = {**_ALWAYS, "ETag": tag}
    wanted = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if request.method.upper() == "GET" and not wanted.isdisjoint({tag, "*"}):
        return WebReply(304, headers=headers)
    return WebReply(200, written(document), headers)


def _error(refused: _Refused) -> WebReply:
    body = {"error": {"code": refused.code, "message": str(refused)}}
    headers = {**_ALWAYS, **refused.headers, "x-ms-error-code": refused.code}
    return WebReply(refused.status, written(body), headers)
