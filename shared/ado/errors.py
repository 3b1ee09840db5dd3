"""What can go wrong with a request to Azure DevOps, and the one function that tells which it was.

The tree: what the model knows on the left, what happened on the right.

    ServiceError
    ├── Transient                  likely to pass by itself
    │   ├── ServerTrouble          a 5xx, as a web page or as JSON
    │   ├── TimedOut               no answer, or not the whole of it, within the time-out
    │   └── NoConnection           refused, reset, cut short, no such host, TLS
    ├── Throttled                  wait until `failure.retry_at`
    │   ├── RateLimited            a 429, or a wait that an earlier answer asked for
    │   └── HourlyCapReached       our own cap of requests per hour
    ├── Denied                     a person must act
    │   ├── SignInRequired         a sign-in page: 203, 302 to `_signin`, or 200 with a web page
    │   ├── TokenRefused           a 401 without a body: expired, revoked or without the scope
    │   ├── NotAMember             401 `UnauthorizedRequestException`; names the tenant that would be right
    │   ├── PermissionMissing      a 403
    │   ├── OrganizationStopped    503 TF24668: stopped for inactivity
    │   ├── ProviderUnavailable    a portal data provider left its data out, which it does without the rights
    │   ├── CredentialMissing      there is nothing to sign in with
    │   └── CredentialRefused      Microsoft Entra refuses to give a token
    │       ├── AccountDisabled        the account is disabled, locked or deleted
    │       ├── ConsentMissing         the consent was withdrawn or never given
    │       ├── InteractionRequired    conditional access demands a person
    │       ├── SignInEnded            the sign-in expired or was revoked
    │       ├── WrongTenant            the account is of another tenant, or there is no such tenant
    │       ├── ApplicationUnknown     the tenant does not know the application
    │       └── SecretRefused          the application's secret, certificate or federated token is refused
    ├── Gone                       does not exist, or is hidden
    │   ├── NotFound               404 with JSON; `type_key` tells of what
    │   └── OrganizationNotFound   404 with a web page
    └── Unreadable                 the answer, or the request, breaks the wire contract
        ├── RouteUnknown           404 with plain text: the route does not exist
        ├── RequestRefused         another 4xx
        ├── Redirected             a redirect, which is never followed
        ├── BrokenAnswer           not the promised content type, broken or cut JSON, too large, too deep
        ├── WrongField             a field is missing or of the wrong type; names it
        └── EndlessListing         a continuation token that comes again, leads elsewhere, or never ends

Decisions rest on the status, the content type, headers and `typeKey`, never on the text of a message, which
is translated and changes.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit

from shared.model.failure import Denied, Failure, Gone, ServiceError, Throttled, Transient, Unreadable
from shared.model.ids import NO_TENANT

JSON = "application/json"

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_SIGN_IN_STATUS = 203
_NO_BODY = 204
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_TOO_MANY = 429
_UNAVAILABLE = 503
_SERVER = 500


@dataclass(frozen=True, slots=True)
class Where:
    """What a request was for: the organization (empty for none), what we did, and the right that it takes."""

    organization: str
    action: str
    permission: str = ""
    grant: str = ""
    """Where a person grants the right."""

    def sentence(self, cause: str) -> str:
        """The reason of a failure: where, what, why."""
        place = f"Organization {self.organization}" if self.organization else "Azure DevOps"
        return f"{place}: {self.action} failed: {cause}."


@dataclass(frozen=True, slots=True)
class Head:
    """What decides about an answer. `headers` ignore the case of names; `start` is the body's first bytes."""

    status: int
    headers: Mapping[str, str]
    start: bytes = b""

    @property
    def activity(self) -> str:
        """The id that Microsoft support asks for."""
        return self.headers.get("ActivityId") or self.headers.get("X-VSS-E2EID") or ""

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def type_key(self) -> str:
        """`typeKey` of a JSON error, or the empty string. A byte order mark does not hide it."""
        try:
            document = json.loads(self.start.decode("utf-8-sig", errors="replace"))
        except (ValueError, RecursionError):
            return ""
        key = document.get("typeKey") if isinstance(document, dict) else None
        return key if isinstance(key, str) else ""


class AzureDevOpsError(ServiceError):
    """Base of the classes below. `type_key` is the `typeKey` of a JSON error, empty otherwise."""

    fix: ClassVar[str] = ""
    """What to do about it, where one sentence fits every case."""
    is_about_permission: ClassVar[bool] = False
    """Whether the right that the call takes may be what is missing: the failure names it then."""
    is_granted: ClassVar[bool] = False
    """Whether granting that right is what the fix asks for: it says where, then."""
    type_key: str = ""


class ServerTrouble(AzureDevOpsError, Transient):
    """Azure DevOps answered with a 5xx."""

    fix = "Nothing to do: it is tried again."


class TimedOut(AzureDevOpsError, Transient):
    """The answer did not come, or not to its end, in time."""

    fix = "Nothing to do: it is tried again. If it stays so, check the network or raise REQUEST_TIMEOUT."


class NoConnection(AzureDevOpsError, Transient):
    """The connection was refused, reset or cut short."""

    fix = "Nothing to do: it is tried again. If it stays so, check the network, the proxy and the gateway."


class RateLimited(AzureDevOpsError, Throttled):
    """The service asked us to wait."""

    fix = "Nothing to do: it goes on by itself."


class HourlyCapReached(AzureDevOpsError, Throttled):
    """Our own cap of requests per hour is used up."""

    fix = "Nothing to do: it goes on by itself. HOURLY_REQUEST_CAP sets the cap."


class SignInRequired(AzureDevOpsError, Denied):
    """The sign-in page came instead of an answer: no credential, or one that is not understood."""

    fix = (
        "Check the credential: that the token is complete and not expired, and that the organization allows "
        "its kind (Organization settings > Policies)."
    )


class TokenRefused(AzureDevOpsError, Denied):
    """The token is expired, revoked or lacks the scope; the service does not tell which."""

    is_about_permission = True
    fix = "Renew the credential. If it is fresh, give the token the scope that the permission names."


class NotAMember(AzureDevOpsError, Denied):
    """The identity is known, and no user of the organization."""

    is_about_permission = True
    fix = "Add the identity to the organization: Organization settings > Users."


class PermissionMissing(AzureDevOpsError, Denied):
    """The identity lacks a permission."""

    is_about_permission = True
    is_granted = True
    fix = "Grant the permission to the identity."


class OrganizationStopped(AzureDevOpsError, Denied):
    """The organization was stopped for inactivity."""

    fix = "Sign in to the organization in a browser and start it again; nothing can be read until then."


class ProviderUnavailable(AzureDevOpsError, Denied):
    """A data provider of the portal answered without its data, as it does for who may not read it."""

    is_about_permission = True
    is_granted = True
    fix = "Grant the identity the permission, or look at the page in the portal."


class CredentialMissing(AzureDevOpsError, Denied):
    """There is no credential to sign in with."""


class CredentialRefused(AzureDevOpsError, Denied):
    """Microsoft Entra, or the local sign-in, refuses to give a token."""


class AccountDisabled(CredentialRefused):
    """The account is disabled, locked or deleted."""


class ConsentMissing(CredentialRefused):
    """The consent to use Azure DevOps was withdrawn, or never given."""


class InteractionRequired(CredentialRefused):
    """Conditional access demands that a person signs in anew."""


class SignInEnded(CredentialRefused):
    """The sign-in expired or was revoked."""


class WrongTenant(CredentialRefused):
    """The account is of another tenant, or there is no such tenant."""


class ApplicationUnknown(CredentialRefused):
    """The tenant does not know the application."""


class SecretRefused(CredentialRefused):
    """The application's secret, certificate or federated token is refused."""


class NotFound(AzureDevOpsError, Gone):
    """It does not exist, or is hidden from this identity."""

    is_about_permission = True
    is_granted = True
    fix = "If it does exist, the identity may not see it: grant the permission."


class OrganizationNotFound(AzureDevOpsError, Gone):
    """There is no organization of this name."""

    fix = "Check the name. A renamed organization has to be named anew; a deleted one can be left out."


class RouteUnknown(AzureDevOpsError, Unreadable):
    """The service does not know the route: a mistake of ours, or of the gateway. Proves nothing."""

    fix = "Check ADO_GATEWAY_URL if it is set; otherwise this program asks for what the service has not."


class RequestRefused(AzureDevOpsError, Unreadable):
    """The service refuses the request itself."""

    fix = "This version of the program may not fit the service; update it."


class Redirected(AzureDevOpsError, Unreadable):
    """The answer is a redirect. None is followed: the token must not go elsewhere."""

    fix = "Check ADO_GATEWAY_URL and the proxy: the API of Azure DevOps does not redirect."


class BrokenAnswer(AzureDevOpsError, Unreadable):
    """The answer as a whole cannot be read."""

    fix = "It is read again next time. If it stays so, check the proxy and the gateway."


class WrongField(AzureDevOpsError, Unreadable):
    """A field is missing, or is not what the wire contract says."""

    fix = "It is read again next time. If it stays so, this version of the program may not fit the service."


class EndlessListing(AzureDevOpsError, Unreadable):
    """A listing whose pages do not come to an end."""

    fix = "It is read again next time."


E = TypeVar("E", bound=AzureDevOpsError)


def told(
    error: type[E],
    where: Where,
    cause: str,
    *,
    head: Head | None = None,
    fix: str | None = None,
    retry_at: datetime | None = None,
    tenant: str = "",
) -> E:
    """An error of this class with its failure: code, reason, fix, permission, status, activity id, tenant."""
    made = error(
        Failure(
            kind=error.kind,
            code=error.__name__,
            reason=where.sentence(cause),
            fix=_fix(error, where) if fix is None else fix,
            permission=where.permission if error.is_about_permission else "",
            status=head.status if head else None,
            activity=head.activity if head else "",
            retry_at=retry_at,
            tenant=tenant,
        )
    )
    made.type_key = head.type_key if head else ""
    return made


def _fix(error: type[AzureDevOpsError], where: Where) -> str:
    return f"{error.fix} Where: {where.grant}." if error.is_granted and where.grant else error.fix


def error_of(head: Head, where: Where, *, accepts: tuple[str, ...] = (JSON,)) -> AzureDevOpsError | None:
    """The error that an answer is, or None for a success of an accepted content type.

    `accepts` names the media types; the empty tuple accepts everything that is not a web page. A 429 is a
    `RateLimited` without `retry_at`, which only the throttle gate knows.
    """
    if head.status in _OK:
        return _of_success(head, where, accepts)
    if head.status in _REDIRECTS:
        return _of_redirect(head, where)
    if head.status == _TOO_MANY:
        return told(RateLimited, where, "the rate limit of the identity is used up (429)", head=head)
    if head.status >= _SERVER:
        return _of_server(head, where)
    return _of_refusal(head, where)


def _of_success(head: Head, where: Where, accepts: tuple[str, ...]) -> AzureDevOpsError | None:
    kind = head.content_type
    if head.status == _SIGN_IN_STATUS or kind in {"text/html", "application/xhtml+xml"}:
        return told(SignInRequired, where, f"a sign-in page came instead ({head.status})", head=head)
    if head.status == _NO_BODY:
        return told(BrokenAnswer, where, "the answer is empty (204)", head=head)
    if accepts and kind not in accepts:
        return told(BrokenAnswer, where, f"the answer is {_shown(kind) or 'of no content type'}", head=head)
    return None


def _of_redirect(head: Head, where: Where) -> AzureDevOpsError:
    try:
        target = urlsplit(head.headers.get("Location", ""))
        path, host = target.path, target.hostname or ""
    except ValueError:
        path, host = "", ""
    if path.rstrip("/").endswith("/_signin"):
        return told(
            SignInRequired, where, f"it was redirected to the sign-in page ({head.status})", head=head
        )
    return told(
        Redirected,
        where,
        f"a redirect to {_shown(host) or 'elsewhere'} was not followed ({head.status})",
        head=head,
    )


def _of_server(head: Head, where: Where) -> AzureDevOpsError:
    # The front door answers for a stopped organization: its 503 begins with a byte order mark and lacks the
    # activity id that every answer of the service itself carries. A gateway may take away either sign.
    foreign = not head.activity or head.start.startswith(codecs.BOM_UTF8)
    stopped = head.status == _UNAVAILABLE and head.type_key == "VssServiceException" and foreign
    if stopped:
        return told(
            OrganizationStopped, where, "the organization is stopped, for inactivity (503 TF24668)", head=head
        )
    return told(ServerTrouble, where, f"Azure DevOps is in trouble ({_named(head)})", head=head)


def _of_refusal(head: Head, where: Where) -> AzureDevOpsError:
    if head.status == _UNAUTHORIZED:
        return _of_unauthorized(head, where)
    if head.status == _FORBIDDEN:
        return told(PermissionMissing, where, f"the identity has no permission ({_named(head)})", head=head)
    if head.status != _NOT_FOUND:
        return told(RequestRefused, where, f"Azure DevOps refuses the request ({_named(head)})", head=head)
    if head.type_key or head.content_type == JSON:
        cause = f"it does not exist, or is hidden from the identity ({_named(head)})"
        return told(NotFound, where, cause, head=head)
    if head.content_type == "text/html" and where.organization:
        return told(OrganizationNotFound, where, "there is no organization of this name (404)", head=head)
    return told(RouteUnknown, where, "Azure DevOps does not know the route (404)", head=head)


def _of_unauthorized(head: Head, where: Where) -> AzureDevOpsError:
    if head.type_key != "UnauthorizedRequestException":
        return told(TokenRefused, where, f"the token was refused ({_named(head)})", head=head)
    tenant = _shown(head.headers.get("X-VSS-ResourceTenant", "")).strip().lower()
    cause = "the identity is no user of the organization"
    if not tenant or tenant == NO_TENANT:
        return told(NotAMember, where, f"{cause} ({_named(head)})", head=head, tenant=tenant)
    fix = (
        f"{NotAMember.fix} The organization belongs to tenant {tenant}: an identity that signs in to another "
        "tenant has to sign in to that one."
    )
    return told(
        NotAMember,
        where,
        f"{cause}, which belongs to tenant {tenant} ({_named(head)})",
        head=head,
        fix=fix,
        tenant=tenant,
    )


def _named(head: Head) -> str:
    key = _shown(head.type_key)
    return f"{head.status} {key}" if key else str(head.status)


def _shown(value: str) -> str:
    """A foreign value for a message: short, and without anything that could mislead its reader."""
    return "".join(letter for letter in value[:80] if letter.isascii() and letter.isprintable())
