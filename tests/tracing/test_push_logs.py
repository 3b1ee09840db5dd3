"""What each tool prints after a push, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tracing.build_log import read_build_log
from shared.tracing.push_logs import IMAGES_MOST, PushedImage, PushTool
from shared.tracing.references import joined, parse_reference

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
STAMP = "2026-03-01T12:00:00.1234567Z "


def read_push_log(lines: list[str]) -> tuple[PushedImage, ...]:
    return read_build_log(lines).pushed


def pushed(log: str) -> list[tuple[str, str]]:
    return [(str(one.image), one.tool.value) for one in read_push_log(log.splitlines())]


DOCKER = f"""\
{STAMP}The push refers to repository [contoso.azurecr.io/shop/web]
{STAMP}5f70bf18a086: Preparing
{STAMP}5f70bf18a086: Pushed
{STAMP}1.2.3: digest: {A} size: 1234
"""
BUILDX = f"""\
#17 exporting to image
#17 exporting manifest {B} 0.0s done
#17 pushing layers 1.2s done
#17 pushing manifest for contoso.azurecr.io/shop/web:1.0@{A}
#17 pushing manifest for contoso.azurecr.io/shop/web:1.0@{A} 0.5s done
#17 DONE 3.2s
"""
KANIKO = f"""\
\x1b[36mINFO\x1b[0m[0002] Pushing image to contoso.azurecr.io/shop/web:1.0
\x1b[36mINFO\x1b[0m[0004] Pushed contoso.azurecr.io/shop/web@{A}
"""
KANIKO_JSON = f'{{"level":"info","msg":"Pushed contoso.azurecr.io/shop/web@{A}","time":"2026"}}'
BUILDAH = (
    f'time="2026-03-01T12:00:00Z" msg="Successfully pushed //contoso.azurecr.io/x with digest {B}"\n'
    f"Successfully pushed docker://contoso.azurecr.io/shop/web:1.0 with digest {A}\n"
)
ACR = f"""\
2026/03/01 12:00:00 Successfully pushed image: contoso.azurecr.io/shop/web:1.0
2026/03/01 12:00:02 The following dependencies were found:
2026/03/01 12:00:02
- image:
    registry: contoso.azurecr.io
    repository: shop/web
    tag: "1.0"
    digest: {A}
  runtime-dependency:
    registry: registry.hub.docker.com
    repository: library/node
    tag: 20-alpine
    digest: {B}
  git: {{}}

Run ID: ca1 was successful after 27s
"""
DOTNET = f"""\
  Uploading manifest to registry at 'contoso.azurecr.io' as blob '{A}'.
  Pushed image 'shop/web:1.0' to registry 'contoso.azurecr.io'.
"""


@pytest.mark.parametrize(
    ("log", "image", "tool"),
    [
        (DOCKER, f"contoso.azurecr.io/shop/web:1.2.3@{A}", "docker"),
        (BUILDX, f"contoso.azurecr.io/shop/web:1.0@{A}", "buildx"),
        (KANIKO, f"contoso.azurecr.io/shop/web:1.0@{A}", "kaniko"),
        (KANIKO_JSON, f"contoso.azurecr.io/shop/web@{A}", "kaniko"),
        (BUILDAH, f"contoso.azurecr.io/shop/web:1.0@{A}", "buildah"),
        (ACR, f"contoso.azurecr.io/shop/web:1.0@{A}", "az acr build"),
        (DOTNET, f"contoso.azurecr.io/shop/web:1.0@{A}", "dotnet publish"),
        (DOTNET.splitlines()[1], "contoso.azurecr.io/shop/web:1.0", "dotnet publish"),
    ],
)
def test_what_each_tool_prints(log: str, image: str, tool: str) -> None:
    assert pushed(log) == [(image, tool)]
    stamped = "\r\n".join(f"{STAMP}{line.removeprefix(STAMP)}" for line in log.splitlines())
    assert pushed(stamped) == [(image, tool)]


def test_docker_hub_has_one_name() -> None:
    log = (
        f"INFO[0004] Pushed index.docker.io/contoso/web@{A}\n"
        f"The push refers to repository [docker.io/contoso/web]\n1: digest: {B} size: 9"
    )
    assert pushed(log) == [
        (f"docker.io/contoso/web@{A}", "kaniko"),
        (f"docker.io/contoso/web:1@{B}", "docker"),
    ]


def test_docker_pushes_every_tag_and_one_repository_after_the_other() -> None:
    log = f"""\
The push refers to repository [contoso.azurecr.io/a]
1: digest: {A} size: 1
latest: digest: {A} size: 1
The push refers to repository [contoso.azurecr.io/b]
1: digest: {B} size: 1
"""
    assert [image for image, _ in pushed(log)] == [
        f"contoso.azurecr.io/a:1@{A}",
        f"contoso.azurecr.io/a:latest@{A}",
        f"contoso.azurecr.io/b:1@{B}",
    ]


def test_a_digest_that_may_be_of_either_repository_is_nobodys() -> None:
    log = f"""\
The push refers to repository [contoso.azurecr.io/a]
The push refers to repository [contoso.azurecr.io/b]
1: digest: {A} size: 1
1: digest: {B} size: 1
"""
    assert pushed(log) == []


def test_what_acr_repeats_of_docker_is_told_once() -> None:
    log = f"The push refers to repository [contoso.azurecr.io/shop/web]\n1.0: digest: {A} size: 5\n{ACR}"
    assert pushed(log) == [(f"contoso.azurecr.io/shop/web:1.0@{A}", "az acr build")]


@pytest.mark.parametrize(
    "log",
    [
        "",
        f"1.0: digest: {A} size: 5",
        f"echo The push refers to repository [contoso.azurecr.io/a]\n1.0: digest: {A} size: 5",
        f"The push refers to repository [contoso.azurecr.io/a]\n1.0: digest: {A[:-1]} size: 5",
        f"The push refers to repository [contoso.azurecr.io/a]\n1.0: digest: {A.upper()} size: 5",
        f"The push refers to repository [contoso.azurecr.io/a]\n1.0: digest: md5:{'a' * 32} size: 5",
        f"The push refers to repository [contoso.azurecr.io/../a]\n1.0: digest: {A} size: 5",
        f"The push refers to repository [contoso.azurecr.io/A]\n1.0: digest: {A} size: 5",
        f"The push refers to repository [contoso.azurecr.io/a@b]\n1.0: digest: {A} size: 5",
        f"The push refers to repository [contoso.azurecr.io/a\x00]\n1.0: digest: {A} size: 5",
        f"The push refers to repository [contoso.azurecr.io/a\u202e]\n1.0: digest: {A} size: 5",
        f"The push refers to repository [{'a' * 5000}]\n1.0: digest: {A} size: 5",
        f"#17 pushing manifest for contoso.azurecr.io/shop/web:1.0@{A}",
        f"#17 pushing manifest for contoso.azurecr.io/shop/web:1.0@{A} ERROR",
        "#17 pushing manifest for contoso.azurecr.io/shop/web:1.0 0.5s done",
        "INFO[0004] Pushed contoso.azurecr.io/shop/web:1.0",
        f"WARN[0004] Not Pushed contoso.azurecr.io/shop/web@{A}",
        f"- image:\n    registry: contoso.azurecr.io\n  git:\n    digest: {A}",
        f"- image:\n    registry: evil host\n    repository: a\n    digest: {A}",
        f"- image:\n    repository: a\n    digest: {A}",
        "  Pushed image 'shop/web:1.0' to registry ''.",
    ],
)
def test_what_only_looks_like_a_push(log: str) -> None:
    assert pushed(log) == []


def test_one_log_has_bounds() -> None:
    lines = [f"INFO[0001] Pushed contoso.azurecr.io/a{number}@{A}" for number in range(3 * IMAGES_MOST)]
    assert len(read_push_log(lines)) == IMAGES_MOST
    assert read_push_log(["x" * 10_000_000, "The push refers to repository [" + "a/" * 2_000 + "]"]) == ()


def test_the_evidence_is_the_line() -> None:
    (one,) = read_push_log(DOCKER.splitlines())
    assert (one.tool, one.line, one.evidence) == (PushTool.DOCKER, 4, f"1.2.3: digest: {A} size: 1234")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=200) | st.sampled_from([*DOCKER.splitlines(), *ACR.splitlines()]), max_size=30)
)
def test_no_log_breaks_it(lines: list[str]) -> None:
    for one in read_push_log(lines):
        assert parse_reference(str(one.image)) == one.image


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web", "docker.io/library/web"),
        ("contoso/web:1", "docker.io/contoso/web:1"),
        ("localhost:5000/web", "localhost:5000/web"),
        ("Contoso.AzureCR.io/shop/web:1", "contoso.azurecr.io/shop/web:1"),
        (f"contoso.azurecr.io/shop/web:1@{A}", f"contoso.azurecr.io/shop/web:1@{A}"),
        (f"contoso.azurecr.io/shop/web@{A}", f"contoso.azurecr.io/shop/web@{A}"),
    ],
)
def test_references(text: str, name: str) -> None:
    assert str(parse_reference(text)) == name


@pytest.mark.parametrize(
    "text",
    ["", "/", "a//b", "a:", "a:b:c/d", "a@", f"a@{A}x", "-host.io/a", "host.io/", "a b", "ä/b", "a" * 700],
)
def test_no_references(text: str) -> None:
    assert parse_reference(text) is None


def test_parts_that_are_no_parts_are_not_joined() -> None:
    assert joined("host.io/evil", "a", "1") is None
    assert joined("host.io", "a:b", "1") is None
    assert str(joined("HOST.io", "a", "1", A)) == f"host.io/a:1@{A}"
