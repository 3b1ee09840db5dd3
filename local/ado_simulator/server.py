"""The simulator: serves a world over HTTP, applies faults, records requests."""

from __future__ import annotations

import base64
import binascii
import json
import random
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from local.ado_simulator import (  # noqa: F401 - importing the routes registers them
    routes_advanced_security,
    routes_audit,
    routes_builds,
    routes_core,
    routes_entitlements,
    routes_extension,
    routes_git,
    routes_identity,
    routes_organization,
    routes_pipelines,
    routes_policy,
    routes_security,
)
from local.ado_simulator.answers import (
    JSON,
    Refusal,
    access_denied,
    controller_not_found,
    empty_unauthorized,
    failure,
    method_not_allowed,
    organization_not_found,
    organization_stopped,
    sign_in_page,
    sign_in_redirect,
    unauthorized_user,
)
from local.ado_simulator.bearer import Bearer, BearerTokens, TokenIssuer
from local.ado_simulator.clock import system_clock
from local.ado_simulator.control import Control
from local.ado_simulator.damage import change, replacement
from local.ado_simulator.faults import Fault, FaultBook, FaultKind, Target, target_text
from local.ado_simulator.identity import Identity
from local.ado_simulator.organization import Organization
from local.ado_simulator.recorder import RecordedRequest, RequestLog
from local.ado_simulator.router import (
    HOSTS,
    HOSTS_WITHOUT_ORGANIZATION,
    PIPELINE_TOKENS,
    Call,
    Options,
    Route,
    find,
    parse_query,
)
from local.ado_simulator.throttle import RateLimit, Throttle
from local.ado_simulator.wire import Answer, Request, WireServer
from local.ado_simulator.world import World

_PROCESS = "f7905e4e-fe71-43d5-ac2f-357ec587d429"
_SENDER = "ed30ce5c-9d0a-f73c-3580-4315c7f84d83"
_HIGHEST_VERSION = (7, 2)
_PROVIDER_CAPABILITIES = frozenset({"organizationpolicies", "organizationpipelinesettings"})


class Simulator:
    """An Azure DevOps to run against. Use it as a context manager, or `start` and `stop` it."""

    def __init__(
        self,
        world: World | None = None,
        *,
        latency: float = 0.0,
        page_size: int = 100,
        entitlement_page_size: int = 100,
        port: int = 0,
        bearer_tokens: BearerTokens | None = None,
        token_issuer: TokenIssuer | None = None,
    ) -> None:
        """Serve `world` on 127.0.0.1; port 0 takes a free one. `latency` is seconds added to each answer.

        `bearer_tokens` reads tokens of Microsoft Entra: whoever they name by object id is the identity of the
        world with that origin id. `token_issuer` publishes the keys of pipelines' tokens.
        """
        self.world = world if world is not None else World()
        self.options = Options(page_size, entitlement_page_size, latency)
        self.requests = RequestLog()
        self.faults = FaultBook()
        self.throttle = Throttle()
        self._bearer_tokens = bearer_tokens
        self._token_issuer = token_issuer
        self._control = Control(self)
        self._stopping = threading.Event()
        self._server = WireServer(port, self._serve)
        self._thread: threading.Thread | None = None
        self._random = random.Random()  # noqa: S311 - activity ids

    @property
    def url(self) -> str:
        """The gateway's address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> Self:
        """Begin to serve, on a thread of this process."""
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="ado-simulator",
            daemon=True,
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and end every connection."""
        self._stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._server.close_connections()

    def __enter__(self) -> Self:
        """Begin to serve."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.stop()

    def add_fault(self, fault: Fault) -> Fault:
        """Put a fault in force; it tells later how often it fired."""
        self.faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Remove every fault."""
        self.faults.clear()

    def set_rate_limit(self, limit: RateLimit | None) -> None:
        """Give every identity a budget of requests, or none."""
        self.throttle.set(limit)

    def reset_requests(self) -> None:
        """Forget the recorded requests."""
        self.requests.reset()

    # --- answering --------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> Answer:
        raw_path, _, query = request.target.partition("?")
        if raw_path.startswith("/_control/"):
            return self._control.answer(request.method, raw_path.removeprefix("/_control/"), request.body)
        host, _, rest = raw_path.lstrip("/").partition("/")
        host, path = host.lower(), f"/{rest}"
        first = unquote(rest.split("/", 1)[0]).lower()
        without = host in HOSTS_WITHOUT_ORGANIZATION or host in self.world.services
        organization = "" if without or first.startswith("_") else first
        token, is_bearer = _credential(request.headers.get("authorization", ""))
        target = Target(
            request, host, organization, path, parse_query(query), token, target_text(path, query)
        )
        start, running = time.monotonic(), self.requests.begin(organization)
        route, parameters, others = find(request.method, host, path)
        names: list[str] = []
        answer = Answer(500)
        try:
            if self.options.latency:
                self._wait(self.options.latency)
            answer = self._answer_with_faults(
                target,
                names,
                lambda: self._answer(target, route, parameters, is_bearer=is_bearer, others=others),
            )
            self._decorate(target, answer)
        except Exception as error:  # noqa: BLE001 - a mistake in a fault or in the simulator is told, not hidden
            traceback.print_exc()
            answer = failure(500, "SimulatorException", f"The simulator failed: {error!r}")
        finally:
            headers = request.headers
            self.requests.end(
                organization,
                RecordedRequest(
                    start, time.monotonic() - start, request.method, host, organization or None,
                    route.template if route else path, path, query, answer.status,
                    "authorization" in headers, headers.get("user-agent"), headers.get("x-tfs-session"),
                    headers.get("accept"), headers.get("x-tfs-fedauthredirect", "").lower() == "suppress",
                    ",".join(names) or None, running,
                ),
            )  # fmt: skip
        return answer

    def _answer_with_faults(self, target: Target, names: list[str], regular: Callable[[], Answer]) -> Answer:
        verdict = self.throttle.judge(target.organization, target.token)
        answer = verdict.answer
        if answer is not None:
            answer.headers |= verdict.headers
            names.append("rate-limit")
            return answer
        if verdict.delay:
            self._wait(verdict.delay)
        before = self.faults.strike(target)
        for fault in before:
            names.append(str(fault.kind))
            self._act(fault)
            if not fault.passing:
                answer = replacement(fault, target, self._tenant(target))
        if answer is None:
            answer = regular()
            for fault in before:
                answer = change(fault, answer, target)
            if answer.page is not None:
                for fault in self.faults.strike(target, answer.page, paged=True):
                    names.append(str(fault.kind))
                    self._act(fault)
                    if fault.passing:
                        answer = change(fault, answer, target)
                    else:
                        answer = replacement(fault, target, self._tenant(target))
        answer.headers = verdict.headers | answer.headers
        return answer

    def _act(self, fault: Fault) -> None:
        if fault.kind is FaultKind.RUN and fault.action is not None:
            fault.action()
        if fault.seconds and fault.kind is not FaultKind.SLOW_DOWN:
            self._wait(fault.seconds)

    def _wait(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _tenant(self, target: Target) -> str:
        organization = self.world.find_organization(target.organization)
        return organization.tenant if organization else self.world.tenant

    def _answer(
        self,
        target: Target,
        route: Route | None,
        parameters: dict[str, str],
        *,
        is_bearer: bool,
        others: bool,
    ) -> Answer:
        service = self.world.services.get(target.host)
        if service is not None:
            with self.world.lock:
                return service.answer(target.request, target.host, target.path, target.query)
        if target.host not in HOSTS:
            return self._published(target) or Answer(404, b"no such host", "text/plain")
        with self.world.lock:
            organization = self.world.find_organization(target.organization)
            if target.organization and organization is None:
                return organization_not_found()
            if organization is not None and organization.stopped:
                return organization_stopped(organization.name)
            identity, bearer = self._identity(target.token, is_bearer=is_bearer)
            denied = _refused_bearer(target.host, bearer, organization) or self._authenticate(
                target, identity, organization, is_bearer=is_bearer
            )
            if denied is not None or identity is None:
                return denied or sign_in_page()
            if route is None:
                return (
                    method_not_allowed(target.request.method) if others else controller_not_found(target.path)
                )
            version = _version(target)
            refused = self._refused_version(route, version) or _refused(
                target.host, route, identity, organization
            )
            if refused is not None:
                return refused
            call = Call(
                self.world, self.options, target.request, target.host, target.path, target.query, identity,
                version, parameters, organization,
                organization.members[identity.id] if organization is not None else None,
            )  # fmt: skip
            try:
                answer = route.handler(call)
            except Refusal as refusal:
                answer = refusal.answer
            if version and answer.content_type == JSON:
                answer.content_type = f"{JSON}; api-version={version}"
            return answer

    def _published(self, target: Target) -> Answer | None:
        """What the issuer of pipelines' tokens shows everybody."""
        if target.host != PIPELINE_TOKENS or self._token_issuer is None:
            return None
        document = self._token_issuer.published(target.path)
        if document is None:
            return controller_not_found(target.path)
        return Answer(200, json.dumps(document).encode(), JSON)

    def _identity(self, token: str | None, *, is_bearer: bool) -> tuple[Identity | None, Bearer | None]:
        """Who holds the token; what a token of Entra says comes along."""
        identity = self.world.identities.get(token or "")
        if identity is not None or not is_bearer or self._bearer_tokens is None or not token:
            return identity, None
        bearer = self._bearer_tokens.read(token)
        if bearer is None:
            return None, None
        owners = (one for one in self.world.identities.values() if one.origin_id == bearer.object_id)
        return next(owners, None) or _stranger(token, bearer), bearer

    def _authenticate(
        self, target: Target, identity: Identity | None, organization: Organization | None, *, is_bearer: bool
    ) -> Answer | None:
        if identity is None:
            suppressed = target.request.headers.get("x-tfs-fedauthredirect", "").lower() == "suppress"
            return sign_in_page() if suppressed else sign_in_redirect(target.host, target.path)
        if identity.expired:
            return empty_unauthorized(target.host)
        if organization is not None:
            foreign = is_bearer and identity.tenant != organization.tenant
            if foreign or identity.id not in organization.members:
                account = f"{identity.origin_id}\\{identity.account_name}"
                return unauthorized_user(organization.name, organization.tenant, account)
        return None

    def _refused_version(self, route: Route, version: str | None) -> Answer | None:
        if not self.world.strict_versions or not route.versioned:
            return None
        if version is None:
            if route.method in {"GET", "HEAD"}:
                return None
            return failure(400, "VssVersionNotSpecifiedException",
                           f"No api-version was supplied for the {route.method} request.")  # fmt: skip
        number, _, stage = version.partition("-")
        try:
            major, _, minor = number.partition(".")
            too_high = (int(major), int(minor or 0)) > _HIGHEST_VERSION
        except ValueError:
            return failure(400, "VssInvalidApiResourceVersionException", f"'{version}' is no api-version.")
        if too_high:
            return failure(
                400, "VssVersionOutOfRangeException", f"The api-version {version} is out of range."
            )
        if route.preview and not stage.startswith("preview"):
            return failure(400, "VssInvalidPreviewVersionException",
                           f'The requested version "{version}" of the resource is under preview. '
                           "The -preview flag must be supplied in the api-version.")  # fmt: skip
        return None

    def _decorate(self, target: Target, answer: Answer) -> None:
        activity = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        headers = {
            "Date": format_datetime(
                system_clock() + timedelta(seconds=self.options.clock_ahead), usegmt=True
            ),
            "Cache-Control": "no-cache",
            "X-TFS-ProcessId": _PROCESS,
            "X-MSEdge-Ref": f"Ref A: {activity} Ref B: SIM01 Ref C: now",
        }
        stopped = answer.status == 503 and answer.body.startswith(b"\xef\xbb\xbf")  # noqa: PLR2004
        if not stopped:
            headers |= {
                "ActivityId": activity,
                "X-TFS-Session": target.request.headers.get("x-tfs-session") or activity,
                "X-VSS-E2EID": activity,
                "X-VSS-SenderDeploymentId": _SENDER,
                "Request-Context": "appId=cid-v1:0f8b2d32-fdff-4d39-87b8-548fb9450eb7",
            }
        identity = self.world.identities.get(target.token or "")
        if identity is not None and answer.body and not stopped:
            headers["X-VSS-UserData"] = f"{identity.id}:{identity.account_name}"
        answer.headers = headers | answer.headers
        largest = self.options.chunk_above
        if largest is not None and len(answer.body) > largest and answer.cut is None:
            answer.chunked = True


def _refused_bearer(host: str, bearer: Bearer | None, organization: Organization | None) -> Answer | None:
    """What an expired token, or one of another tenant than the organization's, is answered with."""
    if bearer is None:
        return None
    if bearer.expired:
        return empty_unauthorized(host)
    if organization is not None and bearer.tenant != organization.tenant:
        return unauthorized_user(organization.name, organization.tenant, bearer.object_id)
    return None


def _stranger(token: str, bearer: Bearer) -> Identity:
    """Somebody whom Entra knows and no organization does."""
    return Identity(
        token, bearer.object_id, bearer.object_id, bearer.object_id, "", "A stranger", "", bearer.tenant
    )


def _credential(header: str) -> tuple[str | None, bool]:
    """The token of an Authorization header, and whether it was a bearer token."""
    scheme, _, value = header.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return value, True
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None, False
        return password or None, False
    return None, False


def _version(target: Target) -> str | None:
    version = target.query.get("api-version")
    if version is None:
        for part in target.request.headers.get("accept", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name.lower() == "api-version":
                version = value
    return version or None


def _refused(host: str, route: Route, identity: Identity, organization: Organization | None) -> Answer | None:
    if route.scope is not None and route.scope in identity.missing_scopes:
        return empty_unauthorized(host)
    if organization is not None and route.capability is not None:
        member = organization.members[identity.id]
        if route.capability in member.denied_capabilities:
            return access_denied(identity.account_name, f"Use {route.capability}")
    return None
