"""What docker said on an agent, and what of it was pushed by the job."""

from __future__ import annotations

import json

import pytest

from shared.tracing.docker_report import DockerFindings, ReportRefused, parse_report, read_docker_report

DIGEST = f"sha256:{'a1' * 32}"
OTHER = f"sha256:{'b2' * 32}"


def image(repo: str = "contoso.azurecr.io/app", tag: str = "42", digest: str = DIGEST) -> str:
    return f"CreatedAt=2026-03-01 12:00:00 +0000 UTC::Repo={repo}::Tag={tag}::Digest={digest}"


def places(found: DockerFindings) -> list[tuple[str, str]]:
    return [(str(one.place), one.digest) for one in found.pushed]


def test_what_was_pushed_has_the_digest_that_docker_tells() -> None:
    found = read_docker_report(
        ["ID=contoso.azurecr.io/app:42"], [image(), image("mcr.microsoft.com/dotnet/sdk", "8.0", OTHER)]
    )
    assert places(found) == [("contoso.azurecr.io/app:42", DIGEST)]
    assert found.unresolved == ()
    assert found.pushed[0].created == "2026-03-01 12:00:00 +0000 UTC"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("contoso.azurecr.io/app", ["1", "2"]),
        ("contoso.azurecr.io/app:2", ["2"]),
        (DIGEST, ["1"]),
        (f"contoso.azurecr.io/app@{OTHER}", ["2"]),
    ],
    ids=["all tags", "one tag", "digest", "name and digest"],
)
def test_the_ways_to_name_a_push(event: str, expected: list[str]) -> None:
    found = read_docker_report([f"ID={event}"], [image(tag="1"), image(tag="2", digest=OTHER)])
    assert [one.place.tag for one in found.pushed] == expected


def test_docker_hub_has_one_name() -> None:
    found = read_docker_report(["ID=contoso/app:1"], [image("contoso/app", "1")])
    assert places(found) == [("docker.io/contoso/app:1", DIGEST)]


def test_what_has_no_digest_is_unresolved() -> None:
    images = [image(digest="<none>"), image("<none>", "<none>", "<none>"), image("app", "<none>")]
    found = read_docker_report(["ID=contoso.azurecr.io/app:42", "ID=elsewhere/app:1", "ID=!?"], images)
    assert found == DockerFindings((), ("contoso.azurecr.io/app:42", "elsewhere/app:1", "!?"))


def test_nothing_was_pushed() -> None:
    assert read_docker_report([], [""]) == DockerFindings()
    assert read_docker_report([""], [image()]) == DockerFindings()


def test_lines_of_windows() -> None:
    assert len(read_docker_report(["ID=contoso.azurecr.io/app:42\r"], [f"{image()}\r", ""]).pushed) == 1


def test_warnings_of_docker_are_passed_over() -> None:
    noise = ["WARNING: Error loading config file: /root/.docker/config.json", "\x1b[33mdeprecated\x1b[0m"]
    found = read_docker_report([*noise, "ID=contoso.azurecr.io/app:42"], [*noise, image()])
    assert (len(found.pushed), found.ignored) == (1, 4)


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("Docker version 26.1.3, build b72abbb", "Docker version 26.1.3, build b72abbb"),
        ("WARNING: no config\r\nDocker version 26.1.3", "Docker version 26.1.3"),
        ("Unknown", ""),
        ("", ""),
        ("version \x1b[31m", ""),
        ("version " + "x" * 300, ""),
    ],
)
def test_the_version_is_one_line(told: str, version: str) -> None:
    body = {"dockerVersion": told, "dockerEvents": [], "dockerImages": [], "more": 1}
    assert parse_report(json.dumps(body).encode()).version == version


def test_a_push_told_twice_is_one() -> None:
    assert len(read_docker_report(["ID=contoso.azurecr.io/app:42"] * 2, [image()] * 2).pushed) == 1


@pytest.mark.parametrize(
    ("events", "images", "problem"),
    [
        (["", "ID="], [], "dockerEvents[1] names no image"),
        (["ID=a\x1b[31m"], [], "dockerEvents[0] holds a character"),
        (["ID=" + "a" * 1_000], [], "dockerEvents[0] is longer"),
        ([], [image(digest="sha256:abc")], "dockerImages[0]: Digest"),
        ([], [image(digest=DIGEST.upper())], "dockerImages[0]: Digest"),
        ([], [image(digest=f"sha512:{'a' * 128}")], "dockerImages[0]: Digest"),
        ([], [image(digest="")], "dockerImages[0]: Digest"),
        ([], [image(tag="a b")], "dockerImages[0]: Tag"),
        ([], [image(tag="")], "dockerImages[0]: Tag"),
        ([], [image("../../etc")], "dockerImages[0]: Repo"),
        ([], [image("contoso/app:1")], "dockerImages[0]: Repo"),
        ([], [image("app\u202ename")], "dockerImages[0] holds a character"),
        ([], ["CreatedAt=now::Repo=a::Tag=b"], "dockerImages[0] is not CreatedAt="),
        ([], [image() + "::More=1"], "dockerImages[0] is not CreatedAt="),
        ([], [image() + "\0"], "dockerImages[0] holds a character"),
    ],
)
def test_what_docker_does_not_print_is_refused(events: list[str], images: list[str], problem: str) -> None:
    with pytest.raises(ReportRefused) as refused:
        read_docker_report(events, images)
    assert str(refused.value).startswith(problem)
