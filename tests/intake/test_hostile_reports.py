"""Whatever else comes to the intake is refused with a reason, leaves nothing, and asks no other host."""

from __future__ import annotations

import base64
import gzip
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.pipeline_issuer import AUDIENCE, HOST
from tests.intake.bench import CONTOSO_ID, DIGEST, FABRIKAM_ID, PATH, Answered, Bench, report

GOOD = report("42")
KEY = rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - too small is the point
CURVE = ec.generate_private_key(ec.SECP256R1())


@dataclass
class Lair:
    """Somebody else's host, which would like to be asked for keys."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks"


@pytest.fixture(scope="module")
def lair() -> Iterator[Lair]:
    found = Lair()
    with socket.create_server(("127.0.0.1", 0)) as server:
        found.port = server.getsockname()[1]

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    found.asked.append(connection.recv(4_096))

        threading.Thread(target=listen, daemon=True).start()
        yield found
        server.shutdown(socket.SHUT_RDWR)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(bench: Bench, organization: str = CONTOSO_ID, **more: Any) -> dict[str, Any]:
    return bench.issuer.claims(organization, now=bench.clock.now().timestamp(), **more)


def without(bench: Bench, name: str) -> str:
    told = claims(bench)
    del told[name]
    return bench.issuer.signed(told)


def now(bench: Bench) -> int:
    return int(bench.clock.now().timestamp())


def unsigned(bench: Bench, algorithm: str) -> str:
    header = {"alg": algorithm, "typ": "JWT", "kid": bench.issuer.key_id}
    return f"{part(header)}.{part(claims(bench))}."


def confused(bench: Bench, encoding: serialization.Encoding) -> str:
    """Signed with the public key, as if it were a secret that both know."""
    public = bench.issuer.key.public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': bench.issuer.key_id})}.{part(claims(bench))}"
    return f"{signed}.{part(hmac.digest(public, signed.encode(), 'sha256'))}"


def foreign(bench: Bench, key: Any = KEY, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(claims(bench), key, algorithm, headers={"kid": bench.issuer.key_id, **header})


def public_jwk() -> dict[str, Any]:
    return dict(json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())))


def signature_changed(bench: Bench) -> str:
    signed, _, signature = bench.token().rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(f"{signature}=="))
    raw[0] ^= 1
    return f"{signed}.{part(bytes(raw))}"


def payload_changed(bench: Bench) -> str:
    header, _, signature = bench.token().split(".")
    return f"{header}.{part(claims(bench, run=99))}.{signature}"


TOKENS: dict[str, tuple[Callable[[Bench, Lair], str], str]] = {
    "expired": (lambda b, _: b.issuer.signed(claims(b, exp=now(b) - 301, iat=now(b) - 900)), "TokenExpired"),
    "not yet valid": (lambda b, _: b.issuer.signed(claims(b, nbf=now(b) + 400)), "TokenNotYetValid"),
    "issued tomorrow": (
        lambda b, _: b.issuer.signed(claims(b, iat=now(b) + 86_400, exp=now(b) + 86_700)),
        "TokenNotYetValid",
    ),
    "good for years": (lambda b, _: b.issuer.signed(claims(b, exp=now(b) + 10**8)), "TokenExpired"),
    "without an end": (lambda b, _: without(b, "exp"), "ClaimRefused"),
    "an end that is a word": (lambda b, _: b.issuer.signed(claims(b, exp="never")), "NotAToken|ClaimRefused"),
    "an end beyond time": (lambda b, _: b.issuer.signed(claims(b, exp=10**300)), "ClaimRefused"),
    "an end that is true": (lambda b, _: b.issuer.signed(claims(b, exp=True)), "ClaimRefused"),
    "wrong issuer": (
        lambda b, _: b.issuer.signed(claims(b, iss=f"https://sts.windows.net/{CONTOSO_ID}/")),
        "IssuerRefused",
    ),
    "issuer that looks alike": (
        lambda b, _: b.issuer.signed(claims(b, iss=f"https://{HOST}.example.com/{CONTOSO_ID}")),
        "IssuerRefused",
    ),
    "issuer with a way out": (
        lambda b, _: b.issuer.signed(claims(b, iss=f"https://{HOST}/{CONTOSO_ID}/../{FABRIKAM_ID}")),
        "IssuerRefused",
    ),
    "issuer in the clear": (
        lambda b, _: b.issuer.signed(claims(b, iss=f"http://{HOST}/{CONTOSO_ID}")),
        "IssuerRefused",
    ),
    "issuer with a line behind": (
        lambda b, _: b.issuer.signed(claims(b, iss=f"https://{HOST}/{CONTOSO_ID}\n")),
        "IssuerRefused",
    ),
    "without an issuer": (lambda b, _: without(b, "iss"), "IssuerRefused"),
    "issuer and organization differ": (
        lambda b, _: b.issuer.signed(claims(b, org_id=FABRIKAM_ID)),
        "IssuerRefused",
    ),
    "organization that nobody connected": (
        lambda b, _: b.token("0ca3ddd9-0000-4000-8000-00000000dead"),
        "OrganizationUnknown",
    ),
    "organization that is not onboarded": (lambda b, _: b.token(FABRIKAM_ID), "OrganizationNotOnboarded"),
    "alg none": (lambda b, _: unsigned(b, "none"), "AlgorithmRefused"),
    "alg None": (lambda b, _: unsigned(b, "NoNe"), "AlgorithmRefused"),
    "alg RS256 without a signature": (lambda b, _: unsigned(b, "RS256"), "SignatureRefused"),
    "key confusion, PEM": (lambda b, _: confused(b, serialization.Encoding.PEM), "AlgorithmRefused"),
    "key confusion, DER": (lambda b, _: confused(b, serialization.Encoding.DER), "AlgorithmRefused"),
    "RS512 by the right key": (
        lambda b, _: jwt.encode(claims(b), b.issuer.key, "RS512", headers={"kid": b.issuer.key_id}),
        "AlgorithmRefused",
    ),
    "PS256 by the right key": (
        lambda b, _: jwt.encode(claims(b), b.issuer.key, "PS256", headers={"kid": b.issuer.key_id}),
        "AlgorithmRefused",
    ),
    "ES256": (lambda b, _: foreign(b, CURVE, "ES256"), "AlgorithmRefused"),
    "another's key under the right id": (lambda b, _: foreign(b), "SignatureRefused"),
    "unknown key id": (lambda b, _: foreign(b, kid="somebody-elses"), "KeyUnknown"),
    "no key id": (lambda b, _: jwt.encode(claims(b), b.issuer.key, "RS256"), "KeyUnknown"),
    "key id that is a path": (lambda b, _: foreign(b, kid="../../../../dev/null"), "KeyUnknown"),
    "key id that is SQL": (lambda b, _: foreign(b, kid="x' UNION SELECT 'secret"), "KeyUnknown"),
    "jku to another host": (lambda b, lair: foreign(b, jku=lair.url), "HeaderRefused"),
    "jku, and an unknown key id": (lambda b, lair: foreign(b, jku=lair.url, kid="new"), "HeaderRefused"),
    "x5u to another host": (lambda b, lair: foreign(b, x5u=lair.url), "HeaderRefused"),
    "jwk in the header": (lambda b, _: foreign(b, jwk=public_jwk()), "HeaderRefused"),
    "x5c in the header": (lambda b, _: foreign(b, x5c=["MIIB"]), "HeaderRefused"),
    "crit in the header": (lambda b, _: foreign(b, crit=["exp"], exp=1), "HeaderRefused|NotAToken"),
    "zip in the header": (lambda b, _: b.issuer.signed(claims(b), zip="DEF"), "HeaderRefused"),
    "signature with a bit changed": (lambda b, _: signature_changed(b), "SignatureRefused"),
    "payload exchanged": (lambda b, _: payload_changed(b), "SignatureRefused"),
    "wrong audience": (
        lambda b, _: b.issuer.signed(claims(b, aud="https://vault.example.com")),
        "AudienceRefused",
    ),
    "several audiences": (
        lambda b, _: b.issuer.signed(claims(b, aud=[AUDIENCE, "https://vault.example.com"])),
        "AudienceRefused",
    ),
    "token of a service connection": (
        lambda b, _: b.issuer.signed(claims(b, sub="sc://contoso/web/production")),
        "SubjectRefused",
    ),
    "subject with control characters": (
        lambda b, _: b.issuer.signed(claims(b, sub="p://contoso/web/ci\x1b[2J##vso[task.complete]")),
        "ClaimRefused",
    ),
    "run that is no number": (lambda b, _: b.issuer.signed(claims(b, run_id="5; rm -rf /")), "ClaimRefused"),
    "project that is no id": (lambda b, _: b.issuer.signed(claims(b, prj_id="../web")), "ClaimRefused"),
    "empty": (lambda _, __: " ", "TokenMissing"),
    "two parts": (lambda b, _: b.token().rpartition(".")[0], "NotAToken"),
    "four parts": (lambda b, _: f"{b.token()}.x", "NotAToken"),
    "no JSON inside": (lambda _, __: f"{part(b'{')}.{part(b'{')}.x", "NotAToken"),
    "header nested deeply": (lambda _, __: f"{part(b'[' * 3_000)}.{part(b'{}')}.x", "NotAToken"),
    "huge": (lambda _, __: f"{'a' * 9_000}.b.c", "NotAToken"),
    "two tokens in one": (lambda b, _: f"{b.token()},{b.token()}", "NotAToken"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_is_not_to_be_believed(shared_bench: Bench, lair: Lair, name: str) -> None:
    make, expected = TOKENS[name]
    answer = shared_bench.send(GOOD, make(shared_bench, lair))
    assert answer.code in expected.split("|")
    refused(shared_bench, lair, answer, 403 if answer.code.startswith("Organization") else 401)


def refused(bench: Bench, lair: Lair, answer: Answered, status: int) -> None:
    """With a reason that is fit for a log; nothing is kept, and nobody but the issuer was asked."""
    assert answer.status == status
    message = answer.document["error"]["message"]
    assert message.endswith((".", "onboard contoso", "list"))
    assert message.isprintable()
    assert bench.stored() == 0
    assert lair.asked == []
    assert {(one.host, one.path) for one in bench.simulator.requests} <= {(HOST, "/.well-known/jwks")}
    assert len(list(bench.simulator.requests)) <= 1


def image(**fields: str) -> dict[str, Any]:
    told = {"CreatedAt": "now", "Repo": "contoso.azurecr.io/web", "Tag": "42", "Digest": DIGEST, **fields}
    return {**GOOD, "dockerImages": ["::".join(f"{key}={value}" for key, value in told.items())]}


BODIES: dict[str, tuple[object, int, str]] = {
    "50 MB": (b"[" + b" " * 50_000_000 + b"]", 413, "4096 KB"),
    "2 MB": (json.dumps({**GOOD, "more": "x" * 2_000_000}).encode(), 413, "1024 KB"),
    "empty": (b"", 400, "no JSON"),
    "no JSON": (b"ID=contoso", 400, "no JSON"),
    "cut short": (json.dumps(GOOD).encode()[:-1], 400, "no JSON"),
    "two documents": (json.dumps(GOOD).encode() * 2, 400, "no JSON"),
    "not UTF-8": (json.dumps(GOOD).encode("utf-16"), 400, "UTF-8"),
    "broken UTF-8": (b'{"dockerVersion":"\xff"}', 400, "UTF-8"),
    "nested in lists": (b"[" * 100_000, 400, "nested too deeply|no JSON"),
    "nested in objects": (b'{"a":' * 100_000, 400, "nested too deeply|no JSON"),
    "nested, and closed": (b"[" * 100_000 + b"]" * 100_000, 400, "nested too deeply|no JSON object"),
    "a list": ([GOOD], 400, "no JSON object"),
    "NaN": (b'{"dockerVersion":"1","dockerEvents":[],"dockerImages":[],"x":NaN}', 400, "a number"),
    "a number without end": (b'{"dockerVersion":' + b"9" * 100_000 + b"}", 400, "no JSON"),
    "two lists of one name": (
        b'{"dockerVersion":"1","dockerEvents":[],"dockerImages":[],"dockerEvents":["ID=a"]}',
        400,
        "two fields",
    ),
    "without images": ({"dockerVersion": "1", "dockerEvents": []}, 400, "dockerImages is missing"),
    "images that are text": ({**GOOD, "dockerImages": DIGEST}, 400, "dockerImages is missing or no list"),
    "image that is an object": ({**GOOD, "dockerImages": [{}]}, 400, "dockerImages[0] is no text"),
    "version that is an object": ({**GOOD, "dockerVersion": {}}, 400, "dockerVersion is no text"),
    "6,000 events": ({**GOOD, "dockerEvents": ["ID=a"] * 6_000}, 400, "more than 5000"),
    "a long entry": ({**GOOD, "dockerEvents": ["ID=" + "a" * 5_000]}, 400, "longer than"),
    "digest too short": (image(Digest="sha256:abc"), 400, "Digest"),
    "digest in capitals": (image(Digest=DIGEST.upper()), 400, "Digest"),
    "digest of another kind": (image(Digest=f"md5:{'a' * 32}"), 400, "Digest"),
    "digest with a path": (image(Digest=f"../{DIGEST}"), 400, "Digest"),
    "digest with more behind": (image(Digest=f"{DIGEST}0"), 400, "Digest"),
    "digest in other digits": (image(Digest=f"sha256:{chr(0x661) * 64}"), 400, "Digest"),
    "name with an escape": (image(Repo="contoso\x1b[31m/web"), 400, "cannot be shown"),
    "name with a NUL": (image(Repo="contoso\0/web"), 400, "cannot be shown"),
    "name written backwards": (image(Repo="contoso/\u202ebew"), 400, "cannot be shown"),
    "name with half a character": (image(Repo="contoso/\ud800"), 400, "cannot be shown"),
    "name with a line in it": (image(Repo="contoso/web\n##vso[task.setvariable]"), 400, "cannot be shown"),
    "name with markup": (image(Repo="<script>alert(1)</script>"), 400, "Repo"),
    "name with a way out": (image(Repo="../../etc/passwd"), 400, "Repo"),
    "tag with a space": (image(Tag="4 2"), 400, "Tag"),
    "more fields than docker prints": (image(Owner="me"), 400, "dockerImages[0] is not"),
    "event with an escape": ({**GOOD, "dockerEvents": ["ID=\x1b]8;;http://x\x07"]}, 400, "cannot be shown"),
    "event of nothing": ({**GOOD, "dockerEvents": ["ID="]}, 400, "dockerEvents[0] names no image"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_report(shared_bench: Bench, lair: Lair, name: str) -> None:
    body, status, problem = BODIES[name]
    answer = shared_bench.send(body)
    assert any(one in answer.document["error"]["message"] for one in problem.split("|"))
    refused(shared_bench, lair, answer, status)


def head(bench: Bench, body: bytes, *more: str, length: str = "") -> list[str]:
    return [
        "Host: localhost",
        f"Authorization: Bearer {bench.token()}",
        "Content-Type: application/json",
        f"Content-Length: {length or len(body)}",
        *more,
    ]


BODY = json.dumps(GOOD).encode()
BOMB = gzip.compress(b" " * 30_000_000 + BODY)

REQUESTS: dict[str, tuple[Callable[[Bench], list[str]], bytes, int]] = {
    "two tokens": (lambda b: [*head(b, BODY), f"Authorization: Bearer {b.token()}"], BODY, 400),
    "two lengths": (lambda b: [*head(b, BODY), "Content-Length: 5"], BODY, 400),
    "length and chunks": (lambda b: [*head(b, BODY), "Transfer-Encoding: chunked"], BODY, 400),
    "two content types": (lambda b: [*head(b, BODY), "Content-Type: text/plain"], BODY, 400),
    "length below nothing": (lambda b: head(b, BODY, length="-1"), BODY, 400),
    "length in words": (lambda b: head(b, BODY, length="many"), BODY, 400),
    "length of a terabyte": (lambda b: head(b, BODY, length="1000000000000"), BODY, 413),
    "chunks without end": (
        lambda b: [*head(b, BODY)[:-1], "Transfer-Encoding: chunked"],
        b"FFFFFFFF\r\n" + b"x" * 100_000,
        413,
    ),
    "chunks that are none": (lambda b: [*head(b, BODY)[:-1], "Transfer-Encoding: chunked"], b"zz\r\n", 400),
    "coded otherwise": (lambda b: [*head(b, BODY)[:-1], "Transfer-Encoding: gzip, chunked"], b"", 400),
    "without a length": (lambda b: head(b, BODY)[:-1], b"", 411),
    "gzip bomb": (lambda b: head(b, BOMB, "Content-Encoding: gzip"), BOMB, 415),
    "deflate": (lambda b: head(b, BODY, "Content-Encoding: deflate"), BODY, 415),
    "gzip bomb that nobody announced": (lambda b: head(b, BOMB), BOMB, 400),
    "control characters in a header": (lambda b: [*head(b, BODY), "X-Name: a\x07b"], BODY, 400),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_could_be_read_in_two_ways(shared_bench: Bench, lair: Lair, name: str) -> None:
    lines, body, status = REQUESTS[name]
    refused(shared_bench, lair, shared_bench.send_raw(lines(shared_bench), body), status)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": "text/plain"}, 415, "ContentType"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "ContentType"),
        ({"Content-Type": "multipart/form-data; boundary=a"}, 415, "ContentType"),
        ({"Authorization": "Basic Y29udG9zbzpwYXNz"}, 401, "TokenMissing"),
        ({"Authorization": "Bearer"}, 401, "TokenMissing"),
    ],
)
def test_headers_of_something_else(
    shared_bench: Bench, lair: Lair, headers: dict[str, str], status: int, code: str
) -> None:
    answer = shared_bench.send(GOOD, headers=headers)
    assert answer.code == code
    refused(shared_bench, lair, answer, status)


def test_no_token_at_all(shared_bench: Bench, lair: Lair) -> None:
    answer = shared_bench.send(GOOD, "")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(shared_bench, lair, answer, 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PATH, 405), ("PUT", PATH, 405), ("POST", "/api/other", 404), ("POST", f"{PATH}/../x", 404)],
)
def test_other_methods_and_addresses(
    shared_bench: Bench, lair: Lair, method: str, path: str, status: int
) -> None:
    refused(shared_bench, lair, shared_bench.send(GOOD, method=method, path=path), status)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_keys_that_are_not_fit_to_sign_with_are_none(bench: Bench) -> None:
    bench.issuer._keys[:] = [("K1", SMALL)]
    told = bench.send(GOOD, jwt.encode(claims(bench), SMALL, "RS256", headers={"kid": "K1"}))
    assert (told.status, told.code) == (503, "KeysUnavailable")
    assert bench.stored() == 0


def test_the_same_requests_are_taken_when_nothing_is_wrong_with_them(bench: Bench) -> None:
    assert bench.send(GOOD).status == 200
    assert bench.send_raw(head(bench, BODY), BODY).status == 200
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    assert bench.send_raw([*head(bench, BODY)[:-1], "Transfer-Encoding: chunked"], chunked).status == 200
    assert bench.stored() > 0
