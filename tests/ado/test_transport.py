"""What is sent, and to whom: headers, the gateway, redirects, proxies, cookies, .netrc."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.ado import calls
from shared.ado.calls import Call
from shared.ado.errors import OrganizationNotFound, Redirected, SignInRequired
from shared.ado.transport import Gateway, GatewayError
from shared.model.failure import ServiceError, Throttled
from shared.ports import AzureDevOps
from tests.ado.bench import CONNECTION, PROJECT, TOKEN, Bench
from tests.ado.wire_server import HTML, WireServer, reply

GOOD = reply(200, CONNECTION)
CALLS = [value for value in vars(calls).values() if isinstance(value, Call)]


@pytest.fixture
def elsewhere(server: WireServer) -> Iterator[WireServer]:
    del server
    other = WireServer()
    other.say(GOOD)
    yield other
    other.close()


def test_the_headers_of_a_request(server: WireServer, ado: AzureDevOps) -> None:
    server.say(GOOD)
    ado.connection("contoso")
    ado.connection("contoso")
    headers = server.asked[0].headers
    assert headers["user-agent"].startswith("ado-connector/")
    assert headers["x-tfs-fedauthredirect"] == "Suppress"
    assert headers["accept"] == "application/json;api-version=7.1-preview"
    assert len(headers["x-tfs-session"]) == 36
    assert server.asked[1].headers["x-tfs-session"] == headers["x-tfs-session"]
    assert server.asked[0].connection == server.asked[1].connection
    assert server.asked[0].target == "/dev.azure.com/contoso/_apis/connectionData?api-version=7.1-preview"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(
    server: WireServer, elsewhere: WireServer, ado: AzureDevOps, status: int
) -> None:
    server.say(reply(status, b"", HTML, {"Location": f"{elsewhere.url}/contoso/_apis/connectionData"}))
    with pytest.raises(Redirected):
        ado.connection("contoso")
    server.say(reply(status, b"", HTML, {"Location": f"{elsewhere.url}/_signin"}))
    with pytest.raises(SignInRequired):
        ado.connection("contoso")
    assert elsewhere.asked == []


def test_a_continuation_is_a_value_and_never_an_address(
    server: WireServer, elsewhere: WireServer, ado: AzureDevOps
) -> None:
    items = {"count": 0, "value": []}
    server.say(
        reply(200, items, headers={"x-ms-continuationtoken": f"//{elsewhere.url.removeprefix('http://')}/"}),
        reply(200, items, headers={"x-ms-continuationtoken": f"{elsewhere.url}/next"}),
    )
    observed = ado.projects("contoso")
    assert not observed.complete
    assert elsewhere.asked == []
    assert all(asked.target.startswith("/dev.azure.com/contoso/_apis/projects?") for asked in server.asked)


@pytest.mark.parametrize("name", ["a/b", "../fabrikam", "a?b=c#d", "ü x", "a%2Fb", "a@evil.example.com:80"])
def test_no_name_can_be_more_than_a_name(server: WireServer, ado: AzureDevOps, name: str) -> None:
    server.say(GOOD)
    ado.connection(name)
    (asked,) = server.asked
    host, organization, *rest = urlsplit(asked.target).path.strip("/").split("/")
    assert host == "dev.azure.com"
    assert unquote(organization) == name
    assert rest == ["_apis", "connectionData"]


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a\nb", "\ud800"])
def test_a_name_that_would_be_a_path_is_not_asked_for(
    server: WireServer, ado: AzureDevOps, name: str
) -> None:
    server.say(GOOD)
    with pytest.raises(OrganizationNotFound):
        ado.connection(name)
    assert server.asked == []


def test_every_call_goes_to_a_known_host_and_says_what_it_takes() -> None:
    assert len(CALLS) > 20
    for call in CALLS:
        assert call.host in calls.HOSTS
        assert call.action
        assert call.permission
        assert call.path.startswith("/")


@pytest.mark.parametrize(
    "address",
    [
        "http://gateway.example.com",
        "ftp://gateway.example.com",
        "gateway.example.com",
        "https://",
        "https://user:secret@gateway.example.com",
        "https://gateway.example.com/?a=b",
        "https://gateway.example.com/#a",
        "https://[broken",
        "https://gateway.example.com:port",
        "http://127.0.0.1.example.com",
        "http://localhost@evil.example.com",
    ],
)
def test_a_gateway_that_would_give_the_token_away_is_refused(address: str) -> None:
    with pytest.raises(GatewayError) as caught:
        Gateway(address)
    assert "example" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("", "https://dev.azure.com/contoso?a=b"),
        ("https://gateway.example.com", "https://gateway.example.com/dev.azure.com/contoso?a=b"),
        ("https://gateway.example.com/ado/", "https://gateway.example.com/ado/dev.azure.com/contoso?a=b"),
        ("http://localhost:8080", "http://localhost:8080/dev.azure.com/contoso?a=b"),
        ("http://[::1]:8080", "http://[::1]:8080/dev.azure.com/contoso?a=b"),
    ],
)
def test_where_requests_go(address: str, expected: str) -> None:
    assert Gateway(address).url("https://dev.azure.com/contoso?a=b") == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://dev.azure.com/contoso",
        "https://evil.example.com/",
        "https://dev.azure.com.evil.example.com/",
        "https://dev.azure.com@evil.example.com/",
        "https://dev.azure.com:8443/",
    ],
)
@pytest.mark.parametrize("address", ["", "http://localhost:8080"])
def test_no_other_host_gets_the_token(address: str, url: str) -> None:
    with pytest.raises(ValueError, match="only hosts of Azure DevOps"):
        Gateway(address).url(url)


def test_netrc_does_not_sign_us_in(
    server: WireServer, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\nmachine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.say(GOOD)
    ado = bench.connect()
    ado.connection("contoso")
    monkeypatch.setattr(Gateway, "is_loopback", False)
    bench.connect().connection("contoso")
    ours = base64.b64encode(f":{TOKEN}".encode()).decode()
    assert [asked.headers["authorization"] for asked in server.asked] == [f"Basic {ours}"] * 2


def test_proxies_are_for_other_machines(
    server: WireServer, elsewhere: WireServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
        monkeypatch.setenv(name.upper(), elsewhere.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    server.say(GOOD)
    bench.connect().connection("contoso")
    assert len(server.asked) == 1
    elsewhere.say(reply(403, b"", None))
    with pytest.raises(ServiceError) as caught:
        bench.connect(gateway_url="").connection("contoso")
    assert caught.value.failure.code == "NoConnection"
    assert {asked.method for asked in elsewhere.asked} == {"CONNECT"}
    assert {asked.target for asked in elsewhere.asked} == {"dev.azure.com:443"}
    assert all("authorization" not in asked.headers for asked in elsewhere.asked)


def test_no_cookie_is_kept(server: WireServer, ado: AzureDevOps) -> None:
    cookies = {"Set-Cookie": "UserAuthentication=someone; Path=/"}
    server.say(reply(200, CONNECTION, headers=cookies))
    for _ in range(2):
        ado.connection("contoso")
    assert "cookie" not in server.asked[1].headers


def test_nothing_listens(bench: Bench) -> None:
    # It keeps its port, which would else be somebody's who does listen.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceError) as caught:
            bench.connect(gateway_url=address).connection("contoso")
    assert caught.value.failure.code == "NoConnection"
    assert "refused" in caught.value.failure.reason


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of our own making for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "gateway.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


def test_tls_is_checked_and_gated_like_the_rest(
    bench: Bench, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = WireServer(tls=context)
    server.say(GOOD)
    with pytest.raises(ServiceError) as caught:
        bench.connect(gateway_url=server.url).connection("contoso")
    assert "certificate" in caught.value.failure.reason
    assert server.asked == []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    ado = bench.connect(gateway_url=server.url, hourly_cap=2)
    ado.connection("contoso")
    ado.connection("contoso")
    assert {asked.connection for asked in server.asked} == {server.asked[0].connection}
    with pytest.raises(Throttled):
        ado.connection("contoso")
    server.close()


def test_security_tokens_name_the_project_and_the_repository(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, {"count": 1, "value": [True]}))
    ado.project_read_permission("contoso", PROJECT)
    ado.collection_permission("contoso")
    first, second = (asked.target for asked in server.asked)
    assert f"tokens=%24PROJECT%3Avstfs%3A%2F%2F%2FClassification%2FTeamProject%2F{PROJECT}&" in first
    assert "/permissions/3e65f728-f8bc-4ecd-8764-7e378b19bfa7/2?api-version=7.1" in second
