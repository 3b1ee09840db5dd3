"""A registry over real HTTP: what is read, what is refused, and where no credential goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.ado_simulator import Fault, SimulatedRegistry, Simulator, World
from local.ado_simulator.wire import Answer, Request
from shared.ado.transport import Gateway
from shared.cloud.registry import OciRegistry
from shared.cloud.registry_tokens import RegistryTokens
from shared.cloud.web import Web
from shared.model.failure import Denied, FailureKind, Gone, ServiceError, Throttled, Unreadable
from shared.model.ids import TenantId

HOST = "contoso.azurecr.io"
A = "sha256:" + "a" * 64
STATEMENT: dict[str, Any] = {"_type": "t", "predicateType": "https://slsa.dev/provenance/v1", "subject": []}


class Tokens:
    """Stands where Microsoft Entra would: one token for whatever is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def token(self, scope: str, what: str) -> str:
        del what
        self.asked.append(scope)
        return "simulated-entra-token"


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


Make = Callable[..., OciRegistry]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world) as simulator:
        yield simulator


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def make(simulator: Simulator, tokens: Tokens) -> Iterator[Make]:
    made: list[Web] = []

    def registry(host: str = HOST, *also: str) -> OciRegistry:
        web = Web(Gateway(simulator.url), StillClock(), timeout=60)
        made.append(web)
        answers = RegistryTokens(host, web, tokens, TenantId("tenant"), frozenset(also))  # type: ignore[arg-type]
        return OciRegistry(host, web, answers)

    yield registry
    for web in made:
        web.close()


@pytest.fixture
def contoso(world: World) -> SimulatedRegistry:
    return world.add_registry(HOST)


@pytest.mark.parametrize("sign_in", ["azure", "bearer", "anonymous"])
def test_an_image_with_its_labels(world: World, make: Make, tokens: Tokens, sign_in: str) -> None:
    host = HOST if sign_in == "azure" else "registry.example.com"
    truth = world.add_registry(host, sign_in=sign_in)
    digest = truth.push(
        "shop/web", "1.0", labels={"org.opencontainers.image.revision": "x"}, annotations={"a": "b"}
    )
    registry = make(host)
    assert registry.digest_of("shop/web", "1.0") == digest
    image = registry.image("shop/web", digest)
    assert (image.digest, image.platform) == (digest, "linux/amd64")
    assert image.labels == {"org.opencontainers.image.revision": "x", "a": "b"}
    assert (image.parts, image.attestations, image.unread) == ((), (), ())
    assert tokens.asked == (["https://containerregistry.azure.net/.default"] if sign_in == "azure" else [])


def test_every_page_is_read_and_tokens_are_kept(
    contoso: SimulatedRegistry, make: Make, simulator: Simulator
) -> None:
    contoso.page_size = 2
    for number in range(5):
        contoso.push(f"shop/app{number}", "1", "2", "3")
    registry = make()
    listed = registry.repositories()
    assert (listed.complete, listed.items) == (True, tuple(f"shop/app{number}" for number in range(5)))
    # 401, exchange, token, and three pages.
    assert len(simulator.requests) == 6
    assert registry.tags("shop/app1").items == ("1", "2", "3")
    simulator.reset_requests()
    registry.tags("shop/app1")
    assert len(simulator.requests) == 2


def test_an_index_is_resolved_to_its_platforms_and_attestations(
    contoso: SimulatedRegistry, make: Make
) -> None:
    amd = contoso.push("shop/web", content="amd", labels={"l": "amd"})
    arm = contoso.push("shop/web", content="arm", platform="linux/arm64", labels={"l": "arm"})
    index = contoso.push_index(
        "shop/web", "1.0", parts={"linux/amd64": amd, "linux/arm64": arm}, statements={amd: STATEMENT}
    )
    image = make().image("shop/web", index)
    assert [(part.digest, part.platform, dict(part.labels or {})) for part in image.parts] == [
        (amd, "linux/amd64", {"l": "amd"}),
        (arm, "linux/arm64", {"l": "arm"}),
    ]
    assert [json.loads(one) for one in image.attestations] == [STATEMENT]


@pytest.mark.parametrize("referrers", [True, False])
def test_what_refers_to_an_image(contoso: SimulatedRegistry, make: Make, *, referrers: bool) -> None:
    contoso.serves_referrers = referrers
    digest = contoso.push("shop/web", "1.0")
    contoso.attach("shop/web", digest, STATEMENT)
    contoso.attach("shop/web", digest, {"predicateType": "https://spdx.dev/Document"})
    assert [json.loads(one) for one in make().image("shop/web", digest).attestations] == [STATEMENT]


def test_blobs_elsewhere_are_fetched_without_our_token(world: World, make: Make) -> None:
    truth = world.add_registry(HOST, blobs_at="blobs.example.net")
    digest = truth.push("shop/web", "1.0", labels={"l": "1"})
    assert make().image("shop/web", digest).labels == {"l": "1"}
    assert truth.credentials_seen == [""]


@pytest.mark.parametrize(
    "location",
    [
        "http://blobs.example.net/x",
        "https://169.254.169.254/metadata",
        "https://[::1]/x",
        "https://localhost/x",
        "https://vault.internal/x",
        "https://user:pw@blobs.example.net/x",
        "https://blobs.example.net:8443/x",
        "https://[",
        "file:///etc/passwd",
        "",
    ],
)
def test_redirects_that_are_not_followed(
    world: World, make: Make, simulator: Simulator, location: str
) -> None:
    truth = world.add_registry(HOST)
    digest = truth.push("shop/web", "1.0", labels={"l": "1"})
    regular = truth.answer

    def elsewhere(request: Request, host: str, path: str, query: dict[str, str]) -> Answer:
        answer = regular(request, host, path, query)
        return (
            Answer(307, b"", None, {"Location": location})
            if "/blobs/" in path and answer.status == 200
            else answer
        )

    truth.answer = elsewhere  # type: ignore[method-assign]
    image = make().image("shop/web", digest)
    assert image.labels == {}
    assert len(image.unread) == 1
    assert {one.host for one in simulator.requests} == {HOST}


def test_a_manifest_is_never_followed_elsewhere(
    contoso: SimulatedRegistry, make: Make, simulator: Simulator
) -> None:
    digest = contoso.push("shop/web", "1.0")
    registry = make()
    registry.digest_of("shop/web", "1.0")
    simulator.add_fault(
        Fault("redirect", path="/manifests/", headers={"Location": "https://blobs.example.net/x"})
    )
    with pytest.raises(Unreadable):
        registry.image("shop/web", digest)
    assert {one.host for one in simulator.requests} == {HOST}


def test_the_next_page_must_be_of_the_same_listing(contoso: SimulatedRegistry, make: Make) -> None:
    contoso.push("a", "1")
    regular = contoso.answer
    for link in (
        '<https://evil.example.com/v2/_catalog?n=1>; rel="next"',
        '<//evil.example.com/v2/_catalog>; rel="next"',
        '</v2/a/manifests/1>; rel="next"',
        '<http://contoso.azurecr.io/v2/_catalog?n=2>; rel="next"',
        '</v2/_catalog?n=100>; rel="next"',
    ):

        def linked(request: Request, host: str, path: str, query: dict[str, str], link: str = link) -> Answer:
            answer = regular(request, host, path, query)
            answer.headers["Link"] = link
            return answer

        contoso.answer = linked  # type: ignore[method-assign]
        listed = make().repositories()
        assert not listed.complete
        assert listed.items == ("a",)
        assert listed.failure is not None
        assert listed.failure.kind is FailureKind.UNREADABLE


@pytest.mark.parametrize(
    "realm",
    [
        "https://evil.example.com/oauth2/token",
        "http://contoso.azurecr.io/oauth2/token",
        "https://contoso.azurecr.io.evil.example.com/oauth2/token",
        "https://contoso.azurecr.io@evil.example.com/oauth2/token",
        "https://[",
        "",
    ],
)
def test_no_token_is_asked_for_at_a_host_that_nobody_named(
    contoso: SimulatedRegistry, make: Make, simulator: Simulator, tokens: Tokens, realm: str
) -> None:
    contoso.push("a", "1")
    contoso.realm = realm
    with pytest.raises(Denied):
        make().digest_of("a", "1")
    assert tokens.asked == []
    assert {one.host for one in simulator.requests} == {HOST}


def test_a_token_of_entra_goes_to_azures_registries_alone(world: World, make: Make, tokens: Tokens) -> None:
    truth = world.add_registry("registry.example.com", sign_in="bearer")
    truth.push("a", "1")
    truth.sign_in = "azure"
    with pytest.raises(Denied):
        make("registry.example.com").digest_of("a", "1")
    assert tokens.asked == []


def test_a_token_host_that_the_connector_names_is_asked(world: World, make: Make) -> None:
    truth = world.add_registry("registry.example.com", sign_in="bearer")
    world.services["tokens.example.com"] = truth
    truth.realm = "https://tokens.example.com/oauth2/token"
    digest = truth.push("a", "1")
    with pytest.raises(Denied):
        make("registry.example.com").digest_of("a", "1")
    assert make("registry.example.com", "tokens.example.com").digest_of("a", "1") == digest


def test_what_comes_with_another_digest_is_not_believed(contoso: SimulatedRegistry, make: Make) -> None:
    digest = contoso.push("shop/web", "1.0", labels={"l": "1"})
    place = contoso._repositories["shop/web"]
    other = contoso.push("shop/web", "2.0", content="other")
    place.manifests[digest] = place.manifests[other]
    with pytest.raises(Unreadable, match="another digest"):
        make().image("shop/web", digest)


def test_what_is_too_large_or_no_document(
    contoso: SimulatedRegistry, make: Make, simulator: Simulator
) -> None:
    digest = contoso.push("shop/web", "1.0")
    registry = make()
    registry.digest_of("shop/web", "1.0")
    for body in ("x" * (5 * 1024 * 1024), "[" * 100_000, "null"):
        simulator.clear_faults()
        simulator.add_fault(Fault("status", status=200, body=body, path="/manifests/"))
        with pytest.raises(Unreadable):
            registry.image("shop/web", digest)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, Gone), (403, Denied), (429, Throttled), (503, ServiceError), (418, Unreadable)]
)
def test_refusals_have_their_kind(
    contoso: SimulatedRegistry, make: Make, simulator: Simulator, status: int, kind: type[ServiceError]
) -> None:
    contoso.push("shop/web", "1.0")
    simulator.add_fault(Fault("status", status=status, body="secret detail", headers={"Retry-After": "7"}))
    with pytest.raises(kind) as caught:
        make().digest_of("shop/web", "1.0")
    assert HOST in str(caught.value)
    assert "secret" not in str(caught.value)
    if status == 429:
        assert caught.value.failure.retry_at == datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize("name", ["../admin", "a//b", "", "a?b", "a\nb", "-a"])
def test_no_address_is_made_of_what_is_no_name(
    contoso: SimulatedRegistry, make: Make, simulator: Simulator, name: str
) -> None:
    assert contoso.host == HOST
    with pytest.raises(Unreadable):
        make().digest_of(name, "1")
    assert len(simulator.requests) == 0


def test_an_attestation_that_cannot_be_read_is_told_and_the_rest_is_read(
    contoso: SimulatedRegistry, make: Make
) -> None:
    digest = contoso.push("shop/web", "1.0", labels={"l": "1"})
    attached = contoso.attach("shop/web", digest, STATEMENT)
    layer = json.loads(contoso._repositories["shop/web"].manifests[attached][1])["layers"][0]["digest"]
    del contoso._blobs[layer]
    image = make().image("shop/web", digest)
    assert image.labels == {"l": "1"}
    assert image.attestations == ()
    assert len(image.unread) == 1
