"""The token service: what each request is answered with."""

from __future__ import annotations

import hashlib
import html
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local.entra_simulator.directory import Application, Device, Directory, Grant, Tenant, User
from local.entra_simulator.keys import Signer, encoded, is_asserted

_DOCUMENT = "v2.0/.well-known/openid-configuration"
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_INTERACTION = {50072, 50074, 50076, 50079, 50158, 53000, 53001, 53003, 530003}
_CONSENT = {65001, 90094}


@dataclass
class Reply:
    """An answer over HTTP."""

    status: int
    document: Any = None
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def refusal(error: str, code: int, told: str = "", status: int = 400) -> Reply:
    """An error in the form of the service."""
    return Reply(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{code}: {told or 'Refused.'} Trace ID: {uuid.uuid4()}",
            "error_codes": [code],
            "correlation_id": str(uuid.uuid4()),
        },
    )


def refused_user(code: int) -> Reply:
    """What a person who may not is told."""
    if code in _INTERACTION:
        return refusal("interaction_required", code)
    if code in _CONSENT:
        return refusal("invalid_grant", code, "The user or administrator has not consented.")
    return refusal("invalid_grant", code)


class Service:
    """Answers as `https://login.microsoftonline.com` does, for the tenants of a directory."""

    def __init__(self, directory: Directory, base: str) -> None:
        self.directory = directory
        self.base = base
        self.signer = Signer()

    def get(self, tenant_name: str, rest: str, query: Mapping[str, str]) -> Reply:
        """Documents, keys and the sign-in page."""
        if rest == "discovery/instance":
            return Reply(
                200, {"tenant_discovery_endpoint": f"{self.base}/{tenant_name}/{_DOCUMENT}", "metadata": []}
            )
        tenant = self.directory.tenant(tenant_name)
        if tenant is None:
            return refusal("invalid_tenant", 90002, f"Tenant '{tenant_name}' not found.")
        if rest == _DOCUMENT:
            return Reply(200, self._configuration(tenant))
        if rest == "discovery/v2.0/keys":
            return Reply(200, self.signer.published())
        if rest == "oauth2/v2.0/authorize":
            return self._authorize(tenant, query)
        return Reply(404, {"error": "not_found"})

    def post(self, tenant_name: str, rest: str, form: Mapping[str, str]) -> Reply:
        """Device codes and tokens."""
        tenant = self.directory.tenant(tenant_name)
        if tenant is None:
            return refusal("invalid_request", 90002, f"Tenant '{tenant_name}' not found.")
        application = self.directory.applications.get(form.get("client_id", ""))
        if application is None or application.tenant not in {None, tenant}:
            return refusal("unauthorized_client", 700016, "Application was not found in the directory.")
        if rest == "oauth2/v2.0/devicecode":
            return self._device_code(tenant, application, form)
        if rest != "oauth2/v2.0/token":
            return Reply(404, {"error": "not_found"})
        grant = form.get("grant_type", "")
        answers = {
            "client_credentials": self._for_application,
            "authorization_code": self._for_code,
            "device_code": self._for_device,
            _DEVICE: self._for_device,
            "refresh_token": self._renewed,
        }
        if grant not in answers:
            return refusal("unsupported_grant_type", 70003)
        with self.directory.lock:
            self.directory.asked[grant] += 1
            if self.directory.trouble:
                return Reply(self.directory.trouble.pop(0), {"error": "temporarily_unavailable"})
            return answers[grant](tenant, application, form)

    def _configuration(self, tenant: Tenant) -> dict[str, Any]:
        place = f"{self.base}/{tenant.id}"
        service = f"{place}/oauth2/v2.0"
        return {
            "issuer": f"{place}/v2.0",
            "authorization_endpoint": f"{service}/authorize",
            "token_endpoint": f"{service}/token",
            "device_authorization_endpoint": f"{service}/devicecode",
            "jwks_uri": f"{place}/discovery/v2.0/keys",
            "end_session_endpoint": f"{service}/logout",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
        }

    def _authorize(self, tenant: Tenant, query: Mapping[str, str]) -> Reply:
        """Signs in the hinted user, or whoever the directory says, at once."""
        back = query.get("redirect_uri", "")
        user = self.directory.signs_in or self.directory.user(query.get("login_hint", ""))
        user = user or next((one for one in self.directory.users if one.tenant is tenant), None)
        told = {"state": query.get("state", "")}
        if user is None or user.refusal or not user.may_enter(tenant):
            why = 50020 if user is None or not user.may_enter(tenant) else user.refusal
            told |= {"error": "access_denied", "error_description": f"AADSTS{why}: refused."}
        else:
            code = self.directory.secret()
            self.directory.codes[code] = Grant(
                query.get("client_id", ""), user, tenant, query.get("scope", ""), back,
                query.get("code_challenge", ""), query.get("nonce", ""),
            )  # fmt: skip
            told |= {"code": code, "client_info": self._client_info(user, tenant)}
        if query.get("response_mode") == "form_post":
            fields = "".join(
                f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
                for name, value in told.items()
            )
            page = f'<form method="post" action="{html.escape(back)}">{fields}</form>'
            return Reply(200, text=f"<html><body onload='document.forms[0].submit()'>{page}</body></html>")
        return Reply(302, headers={"Location": f"{back}?{urlencode(told)}"})

    def _device_code(self, tenant: Tenant, application: Application, form: Mapping[str, str]) -> Reply:
        device = Device(
            self.directory.secret()[:8].upper(), self.directory.secret(), application.client_id,
            form.get("scope", ""), tenant,
        )  # fmt: skip
        with self.directory.lock:
            self.directory.devices[device.user_code] = device
        return Reply(
            200,
            {
                "user_code": device.user_code,
                "device_code": device.device_code,
                "verification_uri": f"{self.base}/devicelogin",
                "expires_in": 900,
                "interval": 1,
                "message": f"Enter {device.user_code} at {self.base}/devicelogin.",
            },
        )

    def _for_device(self, tenant: Tenant, application: Application, form: Mapping[str, str]) -> Reply:
        del tenant
        wanted = form.get("device_code")
        device = next((one for one in self.directory.devices.values() if one.device_code == wanted), None)
        if device is None or device.client_id != application.client_id:
            return refusal("bad_verification_code", 70020)
        device.polls += 1
        if device.expired:
            return refusal("expired_token", 70020)
        if device.declined:
            return refusal("authorization_declined", 70021)
        if device.slow_downs:
            device.slow_downs -= 1
            return refusal("slow_down", 70016)
        if device.user is None:
            return refusal("authorization_pending", 70016)
        if device.user.refusal:
            return refused_user(device.user.refusal)
        if not device.user.may_enter(device.tenant):
            return refusal("invalid_grant", 50020, "User account does not exist in the tenant.")
        return self._tokens(Grant(device.client_id, device.user, device.tenant, device.scope))

    def _for_code(self, tenant: Tenant, application: Application, form: Mapping[str, str]) -> Reply:
        del tenant
        grant = self.directory.codes.pop(form.get("code", ""), None)
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            grant is None
            or (grant.client_id, grant.redirect_uri) != (application.client_id, form.get("redirect_uri", ""))
            or grant.challenge != challenge
        ):
            return refusal("invalid_grant", 70008, "The code is wrong, expired or was used.")
        return self._tokens(grant)

    def _renewed(self, tenant: Tenant, application: Application, form: Mapping[str, str]) -> Reply:
        del tenant
        token = form.get("refresh_token", "")
        grant = self.directory.refresh_tokens.get(token)
        if grant is None or grant.client_id != application.client_id:
            return refusal("invalid_grant", 700082, "The refresh token has expired or was revoked.")
        if grant.user.refusal:
            return refused_user(grant.user.refusal)
        if self.directory.rotates:
            del self.directory.refresh_tokens[token]
        return self._tokens(grant)

    def _for_application(self, tenant: Tenant, application: Application, form: Mapping[str, str]) -> Reply:
        asserted = form.get("client_assertion", "")
        if asserted and not is_asserted(asserted, application):
            return refusal("invalid_client", 700027, "The assertion's signature is not valid.", 401)
        expired = False if asserted else application.secrets.get(form.get("client_secret", ""))
        if expired is None:
            return refusal("invalid_client", 7000215, "Invalid client secret provided.", 401)
        if expired:
            return refusal("invalid_client", 7000222, "The client secret has expired.", 401)
        if application.refusal:
            return refusal("unauthorized_client", application.refusal)
        audience = form.get("scope", "").removesuffix("/.default")
        token = self._signed(
            tenant,
            {"aud": audience, "appid": application.client_id, "oid": application.object_id, "idtyp": "app"},
        )
        return Reply(
            200, {"token_type": "Bearer", "expires_in": self.directory.token_seconds, "access_token": token}
        )

    def _tokens(self, grant: Grant) -> Reply:
        user = grant.user
        claims = {"oid": user.object_id, "sub": user.object_id, "preferred_username": user.name}
        resource = next((one.rsplit("/", 1)[0] for one in grant.scope.split() if "/" in one), grant.client_id)
        access = self._signed(
            grant.tenant, {**claims, "aud": resource, "appid": grant.client_id, "scp": "user_impersonation"}
        )
        nonce = {"nonce": grant.nonce} if grant.nonce else {}
        refresh = self.directory.secret()
        self.directory.refresh_tokens[refresh] = grant
        return Reply(
            200,
            {
                "token_type": "Bearer",
                "scope": grant.scope,
                "expires_in": self.directory.token_seconds,
                "ext_expires_in": self.directory.token_seconds,
                "access_token": access,
                "refresh_token": refresh,
                "id_token": self._signed(grant.tenant, {**claims, "aud": grant.client_id, **nonce}),
                "client_info": self._client_info(user, grant.tenant),
            },
        )

    def _signed(self, tenant: Tenant, claims: dict[str, Any]) -> str:
        told = {"iss": f"{self.base}/{tenant.id}/v2.0", "tid": tenant.id, "uti": uuid.uuid4().hex, **claims}
        token = self.signer.sign(told, self.directory.token_seconds)
        self.directory.issued.append(token)
        return token

    def _client_info(self, user: User, tenant: Tenant) -> str:
        return encoded(json.dumps({"uid": user.object_id, "utid": tenant.id}).encode())
