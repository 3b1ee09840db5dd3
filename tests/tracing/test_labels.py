"""What labels claim."""

from __future__ import annotations

import pytest

from shared.tracing.labels import OriginClaim, read_labels, repository_address

COMMIT = "4aed57b05fb1840a916ed7aca0d2b81784b916be"
AZURE = {
    "com.azure.dev.image.build.buildnumber": "20260301.4",
    "com.azure.dev.image.build.builduri": "vstfs:///Build/Build/638",
    "com.azure.dev.image.build.definitionname": "shop-ci",
    "com.azure.dev.image.build.repository.name": "web",
    "com.azure.dev.image.build.repository.uri": "https://contoso@dev.azure.com/contoso/Shop/_git/web",
    "com.azure.dev.image.build.sourcebranchname": "main",
    "com.azure.dev.image.build.sourceversion": COMMIT,
    "com.azure.dev.image.system.teamfoundationcollectionuri": "https://dev.azure.com/contoso/",
    "com.azure.dev.image.system.teamproject": "Shop",
}


def test_labels_of_the_docker_task() -> None:
    claim = read_labels(AZURE)
    assert claim is not None
    assert claim == OriginClaim(
        organization="contoso",
        project="Shop",
        repository="web",
        repository_url="https://dev.azure.com/contoso/Shop/_git/web",
        pipeline="shop-ci",
        run=638,
        run_number="20260301.4",
        commit=COMMIT,
        branch="main",
        evidence=claim.evidence,
    )
    assert ("com.azure.dev.image.build.sourceversion", COMMIT) in claim.evidence


def test_labels_of_the_oci_specification() -> None:
    claim = read_labels(
        {
            "org.opencontainers.image.source": "https://dev.azure.com/contoso/My%20Shop/_git/web%20app",
            "org.opencontainers.image.revision": COMMIT.upper(),
            "org.opencontainers.image.url": "https://dev.azure.com/contoso/My%20Shop/_build/results?buildId=12&view=results",
            "maintainer": "ada",
        }
    )
    assert claim is not None
    assert (claim.organization, claim.project, claim.repository) == ("contoso", "My Shop", "web app")
    assert (claim.run, claim.commit) == (12, COMMIT)
    assert [key for key, _ in claim.evidence if key == "maintainer"] == []


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"maintainer": "ada"},
        {"org.opencontainers.image.revision": "main"},
        {"org.opencontainers.image.revision": COMMIT[:-1]},
        {"org.opencontainers.image.revision": 5},
        {"org.opencontainers.image.revision": None},
        {"com.azure.dev.image.build.builduri": "vstfs:///Build/Build/99999999999999"},
        {"org.opencontainers.image.source": "javascript:alert(1)"},
        {"org.opencontainers.image.source": "https://["},
        {"org.opencontainers.image.source": "x" * 5_000},
        {"org.opencontainers.image.source": "https://host/\x1b[31m"},
    ],
)
def test_labels_that_tell_nothing(labels: dict[str, object]) -> None:
    assert read_labels(labels) is None


def test_credentials_in_an_address_are_not_kept() -> None:
    claim = read_labels({"org.opencontainers.image.source": "https://ada:secret@dev.azure.com/c/p/_git/r"})
    assert claim is not None
    assert "secret" not in repr(claim)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://dev.azure.com/contoso/Shop/_git/web", ("contoso", "Shop", "web")),
        ("https://dev.azure.com/contoso/_git/Shop", ("contoso", "Shop", "Shop")),
        ("https://contoso.visualstudio.com/Shop/_git/web.git", ("contoso", "Shop", "web")),
        ("https://contoso.visualstudio.com/DefaultCollection/Shop/_git/web", ("contoso", "Shop", "web")),
    ],
)
def test_addresses_of_azure_repositories(url: str, where: tuple[str, str, str]) -> None:
    address = repository_address(url)
    assert address is not None
    assert (address.organization, address.project, address.repository) == where


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://github.com/contoso/web",
        "http://dev.azure.com/contoso/Shop/_git/web",
        "https://dev.azure.com.evil.example/contoso/Shop/_git/web",
        "https://a.b.visualstudio.com/Shop/_git/web",
        "https://dev.azure.com/contoso/Shop",
        "https://dev.azure.com/contoso/Shop/_git",
    ],
)
def test_other_addresses(url: str) -> None:
    assert repository_address(url) is None
