"""Answers in the shapes of the service: JSON, listings, and the whole table of errors."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from local.ado_simulator.wire import Answer, Json

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
_FRAMEWORK = "Microsoft.TeamFoundation.Framework.Server"
_COMMON = "Microsoft.VisualStudio.Services.Common"


class Refusal(Exception):
    """Raised by a route to answer something else than what was asked for."""

    def __init__(self, answer: Answer) -> None:
        """Carry the answer."""
        super().__init__(answer.status)
        self.answer = answer


def encode(document: Json) -> bytes:
    """Compact JSON, non-ASCII as it is."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def ok(document: Json, status: int = 200) -> Answer:
    """A JSON document."""
    return Answer(status, encode(document), JSON)


def listing(items: list[Any], *, value_first: bool = False) -> Answer:
    """The usual envelope; Git listings write `value` before `count`."""
    if value_first:
        return ok({"value": items, "count": len(items)})
    return ok({"count": len(items), "value": items})


def encoded_listing(items: list[str], *, value_first: bool = False) -> Answer:
    """The envelope around items that are JSON text already."""
    joined = ",".join(items)
    if value_first:
        text = f'{{"value":[{joined}],"count":{len(items)}}}'
    else:
        text = f'{{"count":{len(items)},"value":[{joined}]}}'
    return Answer(200, text.encode(), JSON)


def failure(
    status: int,
    type_key: str,
    message: str,
    *,
    namespace: str = _COMMON,
    event_id: int = 3000,
    bom: bool = False,
    extra: dict[str, Json] | None = None,
) -> Answer:
    """An error in the service's JSON shape."""
    document = {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"{namespace}.{type_key}, {namespace}",
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": event_id,
        **(extra or {}),
    }
    body = encode(document)
    return Answer(status, b"\xef\xbb\xbf" + body if bom else body, JSON)


_SIGN_IN = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>Azure DevOps Services | Sign In</title>\n</head>\n'
     "<body>\n"
    + "<!-- nothing to read on this page for a program -->\n" * 310
    + "<h1>Sign in to continue</h1>\n</body>\n</html>\n"
).encode()  # fmt: skip


def sign_in_page(status: int = 203) -> Answer:
    """The sign-in page: 203 for API calls without a usable credential, 200 on some portal pages."""
    return Answer(status, _SIGN_IN, HTML)


def sign_in_redirect(host: str, path: str) -> Answer:
    """302 to the sign-in page, for callers that did not ask to suppress it."""
    location = (
        f"https://spsprodeus27.vssps.visualstudio.com/_signin?realm={host}&reply_to={quote(path, safe='')}"
    )
    return Answer(302, b"<html><body>Object moved</body></html>", HTML, {"Location": location})


def empty_unauthorized(host: str) -> Answer:
    """401 without a body: the token is expired, revoked or lacks a scope."""
    return Answer(401, b"", None, {"WWW-Authenticate": f'Basic realm="https://{host}/"'})


def unauthorized_user(organization: str, tenant: str, account: str) -> Answer:
    """401 TF400813: the identity is known and not a user of the organization."""
    answer = failure(
        401,
        "UnauthorizedRequestException",
        f"TF400813: The user '{account}' is not authorized to access this resource.",
        namespace=_FRAMEWORK,
    )
    answer.headers |= {
        "WWW-Authenticate": (
            f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}, TFS-Federated"
        ),
        "X-VSS-ResourceTenant": tenant,
        "X-VSS-AuthenticateError": "Unauthorized",
        "X-VSS-AuthorizationEndpoint": f"https://vssps.dev.azure.com/{organization}/",
        "X-TFS-FedAuthRealm": "https://tfsprodcus3.visualstudio.com/",
        "X-TFS-FedAuthIssuer": f"https://dev.azure.com/{organization}/",
    }
    return answer


def access_denied(account: str, permission: str, **custom: Json) -> Answer:
    """403 AccessCheckException naming the missing permission."""
    message = (
        f"Access Denied: {account} needs the following permission(s) on the resource to perform this action: "
        f"{permission}"
    )
    if custom:
        return failure(
            403, "AccessCheckException", message, namespace=_FRAMEWORK, extra={"customProperties": custom}
        )
    return failure(403, "AccessCheckException", message, namespace=_FRAMEWORK)


def project_not_found(name: str) -> Answer:
    """404 TF200016."""
    return failure(
        404,
        "ProjectDoesNotExistWithNameException",
        f"TF200016: The following project does not exist: {name}. Verify that the name of the project is "
        "correct and that the project exists on the specified Azure DevOps Server.",
        namespace="Microsoft.TeamFoundation.Core.WebApi",
    )


def repository_not_found(name: str) -> Answer:
    """404 TF401019: gone, hidden or disabled."""
    return failure(
        404,
        "GitRepositoryNotFoundException",
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do not have "
        "permissions for the operation you are attempting.",
        namespace="Microsoft.TeamFoundation.Git.Server",
    )


def extension_not_installed(publisher: str, name: str) -> Answer:
    """404 InstalledExtensionNotFoundException."""
    return failure(
        404,
        "InstalledExtensionNotFoundException",
        f"The extension {publisher}.{name} is not installed on this organization.",
        namespace="Microsoft.VisualStudio.Services.ExtensionManagement.WebApi",
    )


def organization_stopped(name: str) -> Answer:
    """503 TF24668 with a byte order mark: deactivated for inactivity."""
    message = (
        f"TF24668: The following team project collection is stopped: {name}. Start the collection and then "
        "try again. Administrator Reason: This Azure DevOps organization was deactivated due to inactivity."
    )
    answer = failure(503, "VssServiceException", message, bom=True)
    answer.content_type = "application/json"
    answer.headers["X-TFS-ServiceError"] = quote(message, safe="")
    return answer


def organization_not_found() -> Answer:
    """404 with a web page: no such organization."""
    page = "<!DOCTYPE html><html><head><title>Azure DevOps</title></head><body>404 Not found</body></html>"
    return Answer(404, page.encode(), HTML)


def controller_not_found(path: str) -> Answer:
    """404 text/plain: the route is wrong, the organization exists."""
    text = (
        f"The controller for path '{path}' was not found or does not implement IController. Verify the route."
    )
    return Answer(404, text.encode(), "text/plain; charset=utf-8")


def method_not_allowed(method: str) -> Answer:
    """405: the resource knows other methods only."""
    return failure(405, "VssRequestMethodNotAllowed", f"The requested resource does not support '{method}'.")


def blocked(resource: str = "Concurrency") -> Answer:
    """429 without headers."""
    return failure(
        429,
        "RequestBlockedException",
        f"Request was blocked due to exceeding usage of resource '{resource}' in namespace 'VSID'. For more "
        "information on why your request was blocked, see the rate limits page.",
        namespace=_FRAMEWORK,
    )


def trouble(status: int, *, html: bool) -> Answer:
    """500, 502, 503 or 504, as a web page or as JSON."""
    if html:
        return Answer(status, f"<html><body><h1>{status} Service trouble</h1></body></html>".encode(), HTML)
    return failure(status, "VssServiceException", f"TF400898: An Internal Error Occurred ({status}).")
