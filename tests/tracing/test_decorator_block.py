"""The block that the decorator prints, and blocks that are none."""

from __future__ import annotations

import base64

import pytest

from shared.tracing.build_log import read_build_log
from shared.tracing.decorator_block import ENTRIES_MOST, DockerReport

A = "sha256:" + "a" * 64
STAMP = "2026-03-01T12:00:00.1234567Z "
TEXT = (
    "DockerVersion: Docker version 26.1.3, build b72abbb\nDockerEvents:\nID=contoso.azurecr.io/shop/web:1.0\n"
    "DockerImages:\nCreatedAt=2026-03-01 12:00:00 +0000 UTC::Repo=contoso.azurecr.io/shop/web::Tag=1.0::"
    f"Digest={A}\n"
)


def read_decorator_blocks(lines: list[str]) -> tuple[DockerReport, ...]:
    return read_build_log(lines).reports


def log(block: str, mark: str = "##[section]:::::") -> list[str]:
    return [
        f"{STAMP}Starting: MicrosoftSecurityDevOps",
        f"{STAMP}{mark}",
        f"{STAMP}{block}",
        f"{STAMP}Finishing",
    ]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_block() -> None:
    (report,) = read_decorator_blocks(log(encoded(TEXT)))
    assert report.version == "Docker version 26.1.3, build b72abbb"
    assert report.events == ("ID=contoso.azurecr.io/shop/web:1.0",)
    assert report.images[0].endswith(f"Digest={A}")
    assert report.line == 3


def test_a_block_as_another_version_writes_it() -> None:
    other = TEXT.replace("Docker version 26.1.3, build b72abbb", "26.1.3").replace("DockerVersion", "Version")
    other = other.replace("DockerEvents", ":::Events").replace("DockerImages", ":::Images")
    (report,) = read_decorator_blocks(log(encoded(f"Docker version 26.1.3\n{other}")))
    assert report.version == "26.1.3"
    assert report.events == ("ID=contoso.azurecr.io/shop/web:1.0",)
    assert report.images[0].endswith(f"Digest={A}")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        log("not base64!"),
        log(encoded("something else")),
        log(base64.b64encode(b"\xff\xfe\x00").decode()),
        log(encoded(TEXT)[:-5] + "*"),
        log("A" * 2_000_000),
        log(encoded(TEXT), mark="##[section] elsewhere"),
        [f"{STAMP}##[section]:::::"],
    ],
)
def test_no_block(lines: list[str]) -> None:
    assert read_decorator_blocks(lines) == ()


def test_a_block_has_bounds_and_holds_only_what_can_be_shown() -> None:
    text = "DockerVersion: 1\x1b[31m\nDockerEvents:\n" + "ID=a\n" * (2 * ENTRIES_MOST) + "ID=\x07bell\n"
    (report,) = read_decorator_blocks(log(encoded(text)))
    assert report.version == ""
    assert report.events == ("ID=a",) * ENTRIES_MOST
