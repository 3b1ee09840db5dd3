"""Credentials: what is sent, when it is renewed, and what is told when there is none."""

from __future__ import annotations

import base64
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import (
    AzureCliCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from shared.ado.auth import EntraCredential, Secrets, make_credential
from shared.ado.authorization import Authorization
from shared.ado.client import Client
from shared.ado.entra import AZURE_DEVOPS_SCOPE
from shared.ado.errors import CredentialMissing, CredentialRefused, NoConnection, TokenRefused, Where
from shared.ado.identity import IdentityArea
from shared.ado.throttle import Gates, Limits
from shared.ado.transport import Gateway, Transport
from shared.model.connector import AuthKind, IdentityReference
from shared.model.failure import ServiceError
from tests.ado.bench import CONNECTION, PAT, PATIENCE, TENANT, TOKEN, Bench
from tests.ado.wire_server import WireServer, reply

WHERE = Where("contoso", "reading who we are")
APPLICATION = "d1a24244-f6cc-488b-bca7-42eb10f13c5b"
REFUSED = reply(401, b"", None)
GOOD = reply(200, CONNECTION)


class Entra:
    """What azure-identity's credentials do: give a token, or raise."""

    def __init__(self, bench: Bench, *answers: str | Exception, minutes: int = 60) -> None:
        self.bench, self.answers, self.minutes = bench, list(answers), minutes
        self.scopes: list[str] = []
        self.made = 0

    def make(self, _: Where) -> Any:
        self.made += 1
        return self

    def get_token(self, scope: str) -> SimpleNamespace:
        self.scopes.append(scope)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        expires = self.bench.clock.now() + timedelta(minutes=self.minutes)
        return SimpleNamespace(token=answer, expires_on=int(expires.timestamp()))

    def credential(self) -> EntraCredential:
        return EntraCredential("managed identity", self.make, "Mend it.", self.bench.clock)

    def area(self) -> IdentityArea:
        gates = Gates(Limits(), self.bench.store, self.bench.clock, self.bench.clock.ticks)
        transport = Transport(Gateway(self.bench.url), timeout=PATIENCE)
        return IdentityArea(Client(transport, self.credential(), gates, "x", self.bench.clock))


def test_a_pat_is_sent_as_basic(server: WireServer, bench: Bench) -> None:
    server.say(GOOD)
    bench.connect().connection("contoso")
    scheme, _, value = server.asked[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == f":{TOKEN}"


@pytest.mark.parametrize("secrets", [{}, {"ADO_PAT": lambda: None}, {"ADO_PAT": lambda: "  "}])
def test_a_missing_pat_names_its_setting(server: WireServer, bench: Bench, secrets: Secrets) -> None:
    server.say(GOOD)
    with pytest.raises(CredentialMissing) as caught:
        bench.connect(secrets=secrets).connection("contoso")
    assert "ADO_PAT" in caught.value.failure.fix
    assert "contoso" in caught.value.failure.reason
    assert server.asked == []
    other = IdentityReference(AuthKind.PAT, secret_setting="OTHER_PAT")
    with pytest.raises(CredentialMissing, match="OTHER_PAT"):
        bench.connect(other, secrets=secrets).connection("contoso")


def test_a_refused_pat_is_tried_again_only_when_it_was_replaced(server: WireServer, bench: Bench) -> None:
    server.say(REFUSED, GOOD)
    with pytest.raises(TokenRefused):
        bench.connect().connection("contoso")
    assert len(server.asked) == 1
    values = iter(["old", "new", "new"])
    server.say(REFUSED, GOOD)
    bench.connect(secrets={"ADO_PAT": lambda: next(values)}).connection("contoso")
    assert len({asked.headers["authorization"] for asked in server.asked}) == 2


def test_a_token_is_kept_until_shortly_before_it_expires(bench: Bench) -> None:
    entra = Entra(bench, "one", "two")
    credential = entra.credential()
    assert credential.authorization(WHERE) == Authorization("Bearer one")
    bench.clock.advance(minutes=54)
    assert credential.authorization(WHERE) == Authorization("Bearer one")
    bench.clock.advance(minutes=1)
    assert credential.authorization(WHERE) == Authorization("Bearer two")
    assert entra.scopes == [AZURE_DEVOPS_SCOPE] * 2


def test_a_refused_token_is_renewed_once(server: WireServer, bench: Bench) -> None:
    entra = Entra(bench, "one", "two", "three")
    server.say(REFUSED, GOOD)
    entra.area().connection("contoso")
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer one", "Bearer two"]
    assert entra.made == 2, "the library's own cache is left behind with its credential"
    server.say(REFUSED)
    with pytest.raises(TokenRefused):
        Entra(bench, "one", "two", "three").area().connection("contoso")
    assert len(server.asked) == 2


def test_the_same_token_again_is_not_tried_again(server: WireServer, bench: Bench) -> None:
    server.say(REFUSED)
    with pytest.raises(TokenRefused):
        Entra(bench, "one").area().connection("contoso")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("error", "expected", "shown"),
    [
        (CredentialUnavailableError("no endpoint"), CredentialMissing, "managed identity"),
        (
            ClientAuthenticationError(f"AADSTS7000215: Invalid client secret {TOKEN}"),
            CredentialRefused,
            "AADSTS7000215",
        ),
        (ServiceRequestError("no route to host"), NoConnection, "Microsoft Entra"),
        (ValueError(f"invalid tenant {TOKEN}"), CredentialMissing, "settings"),
        (OSError(f"no such file {TOKEN}"), CredentialMissing, "settings"),
    ],
)
def test_entra_errors_are_told_in_our_words(
    bench: Bench, error: Exception, expected: type[ServiceError], shown: str
) -> None:
    with pytest.raises(expected) as caught:
        Entra(bench, error).credential().authorization(WHERE)
    assert shown in caught.value.failure.reason
    assert "contoso" in caught.value.failure.reason
    assert caught.value.failure.fix
    assert TOKEN not in caught.value.failure.sentence()
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("identity", "secrets", "expected"),
    [
        (IdentityReference(AuthKind.MANAGED_IDENTITY, APPLICATION), {}, ManagedIdentityCredential),
        (IdentityReference(AuthKind.MANAGED_IDENTITY), {}, ManagedIdentityCredential),
        (
            IdentityReference(AuthKind.SERVICE_PRINCIPAL, APPLICATION),
            {"AZURE_CLIENT_SECRET": lambda: TOKEN},
            ClientSecretCredential,
        ),
        (
            IdentityReference(AuthKind.SERVICE_PRINCIPAL, APPLICATION, "OTHER"),
            {"OTHER": lambda: TOKEN},
            ClientSecretCredential,
        ),
        (
            IdentityReference(AuthKind.SERVICE_PRINCIPAL, APPLICATION),
            {"AZURE_FEDERATED_TOKEN_FILE": lambda: "/nowhere"},
            WorkloadIdentityCredential,
        ),
        (IdentityReference(AuthKind.AZURE_CLI), {}, AzureCliCredential),
    ],
)
def test_each_kind_has_its_credential(
    bench: Bench, identity: IdentityReference, secrets: Secrets, expected: type
) -> None:
    credential = make_credential(identity, TENANT, secrets, bench.clock)
    assert isinstance(credential, EntraCredential)
    assert isinstance(credential._make(WHERE), expected)
    assert TOKEN not in repr(credential)


def test_a_service_principal_without_a_secret_names_the_setting(bench: Bench) -> None:
    identity = IdentityReference(AuthKind.SERVICE_PRINCIPAL, APPLICATION)
    with pytest.raises(CredentialMissing, match="AZURE_CLIENT_SECRET"):
        make_credential(identity, TENANT, {}, bench.clock).authorization(WHERE)


def test_identities_share_gates_only_with_themselves(bench: Bench) -> None:
    assert bench.connect() is not bench.connect()
    factory = bench.factories[0]
    assert factory.connect(PAT, TENANT) is factory.connect(PAT, TENANT)
    assert factory.connect(IdentityReference(AuthKind.AZURE_CLI), TENANT) is not factory.connect(PAT, TENANT)
