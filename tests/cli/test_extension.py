"""`extension`: the state of the Container Mapping extension, told, looked at and installed."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import keys
from local.ado_simulator import CONTAINER_MAPPING, Fault, Organization, RunStep, Simulator, generate_world
from tests.cli.conftest import ROOT, CommandLine, command

BY_NAME = "installedextensionsbyname"


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(generate_world(seed=3, organizations=1, projects=1, repositories=1)) as running:
        monkeypatch.setenv("ADO_GATEWAY_URL", running.url)
        monkeypatch.setenv("ADO_PAT", running.world.token)
        yield running


@pytest.fixture
def contoso(simulator: Simulator) -> Organization:
    """The organization, to which the extension is shared."""
    (organization,) = simulator.world.organizations
    organization.extensions.pop(CONTAINER_MAPPING, None)
    organization.share_extension(*CONTAINER_MAPPING)
    return organization


def connect(ado: CommandLine, simulator: Simulator, *more: str) -> None:
    ado("connector", "create", "--name", "one", "--tenant", simulator.world.tenant, *more)


def listed(ado: CommandLine) -> dict[str, Any]:
    (row,) = ado.json("extension", "list")
    found: dict[str, Any] = row
    return found


def events(ado: CommandLine) -> list[tuple[str, str]]:
    return [
        (one["event"], one["requestedBy"])
        for one in ado.json("journal", "list", "--limit", "1000")
        if one["event"].startswith("extension.install")
    ]


def posts(simulator: Simulator) -> int:
    return simulator.requests.count(method="POST", path="extensionmanagement")


def a_block(digest: str) -> list[str]:
    told = (
        "DockerVersion: Docker version 26.1.3\nDockerEvents:\nID=contoso.azurecr.io/web:1\nDockerImages:\n"
        f"CreatedAt=now::Repo=contoso.azurecr.io/web::Tag=1::Digest={digest}\n"
    )
    return ["##[section]:::::", base64.b64encode(told.encode()).decode()]


def test_whether_it_works_is_told_by_what_pipelines_did(
    ado: CommandLine, simulator: Simulator, contoso: Organization, tmp_path: Path
) -> None:
    (project,) = contoso.projects.values()
    good, quiet, broken = (project.add_definition(name) for name in ("good", "quiet", "broken"))
    connect(ado, simulator)
    ado("run", "--once", code=None)
    unknown = ado.json("extension", "show", contoso.name, code=2)
    assert (list(unknown), unknown["works"], unknown["pipelines"]) == (
        list(keys.EXTENSION_PROOF), "unknown", [],
    )  # fmt: skip
    assert "readBuildLogs" in unknown["fix"]
    document = tmp_path / "one.yaml"
    exported = ado("connector", "export", "one").out
    document.write_text(exported.replace("readBuildLogs: false", "readBuildLogs: true"))
    ado("connector", "apply", "-f", str(document))
    digest = "sha256:" + "a" * 64
    pushes = ["1: digest: sha256:" + "b" * 64 + " size: 1994"]
    report = RunStep("Post-job: report", a_block(digest), task="MicrosoftSecurityDevOps")
    project.add_run(good, [report])
    ado("run", "--once", "--now", code=None)
    assert ado.json("extension", "show", contoso.name)["works"] == "works"
    project.add_run(quiet, [RunStep("docker push", ["The push refers to repository [h.io/a]", *pushes])])
    ado("run", "--once", "--now", code=None)
    doubtful = ado.json("extension", "show", contoso.name, code=1)
    rows = {one["pipeline"]: one for one in doubtful["pipelines"]}
    assert [one["status"] for one in rows.values()] == ["silent", "reports"]
    assert all(list(one) == list(keys.EXTENSION_PIPELINE) for one in rows.values())
    assert rows["good"]["lastReport"] is not None
    assert "quiet" in doubtful["reason"]
    report.errors.append("Request failed: \x1b[31m403\n")
    project.add_run(broken, [RunStep("Post-job: report", ["x"], report.task, "failed", errors=report.errors)])
    ado("run", "--once", "--now", code=None)
    shown = ado("extension", "show", contoso.name, code=1)
    assert "It left errors in broken: Request failed: [31m403" in shown.out
    assert "broken" in shown.out.splitlines()[2]


def test_the_state_is_told_with_reason_and_fix_wherever_it_is_shown(
    ado: CommandLine, simulator: Simulator, contoso: Organization
) -> None:
    contoso.share_extension(*CONTAINER_MAPPING, shared=False)
    connect(ado, simulator)
    ado("run", "--once", code=None)
    row = listed(ado)
    assert (row["status"], row["mayInstall"], row["attempt"]) == ("notShared", False, None)
    assert "has not shared it" in row["reason"]
    assert "Defender for Cloud once" in row["fix"]
    assert "container mapping without it" in row["fix"]
    (organization,) = ado.json("organizations", "list")
    assert [organization[key] for key in ("extension", "extensionReason", "extensionFix")] == [
        row["status"],
        row["reason"],
        row["fix"],
    ]
    assert ado.json("organizations", "show", contoso.name, code=None)["extensionFix"] == row["fix"]
    assert ado.json("status", code=None)["extensions"] == [row]
    for shown in (("extension", "list"), ("status",), ("organizations", "show", contoso.name)):
        told = ado(*shown, code=None).out
        assert "notShared" in told
        assert "Defender for Cloud once" in told


@pytest.mark.parametrize("wanted", [True, False])
def test_it_is_a_finding_where_it_is_wanted(
    ado: CommandLine, simulator: Simulator, contoso: Organization, *, wanted: bool
) -> None:
    contoso.install_extension(*CONTAINER_MAPPING, flags="disabled")
    connect(ado, simulator, *(["--install-extension"] if wanted else []))
    ado("run", "--once", code=None)
    findings = [one["reason"] for one in ado.json("status", code=1 if wanted else 0)["findings"]]
    assert any("is disabled" in one and "Enable it" in one for one in findings) is wanted
    assert contoso.extensions[CONTAINER_MAPPING].flags == "disabled"


def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(
    ado: CommandLine, simulator: Simulator, contoso: Organization
) -> None:
    contoso.share_extension(*CONTAINER_MAPPING, shared=False)
    connect(ado, simulator, "--install-extension")
    ado("run", "--once", code=None)
    before = (listed(ado), ado.json("journal", "list", "--limit", "1000"))
    contoso.share_extension(*CONTAINER_MAPPING)
    for wanted in ("check", "install"):
        told = ado.json("extension", wanted, contoso.name, "--dry-run")
        assert (told["outcome"], told["status"]) == ("wouldInstall", "notInstalled")
    assert "Nothing was written" in ado("extension", "check", contoso.name, "--dry-run").err
    assert (listed(ado), ado.json("journal", "list", "--limit", "1000")) == before
    assert posts(simulator) == 0


def test_a_check_is_queued_or_done_here(
    ado: CommandLine, simulator: Simulator, contoso: Organization
) -> None:
    connect(ado, simulator)
    ado("run", "--once", code=None)
    contoso.install_extension(*CONTAINER_MAPPING)
    assert ado.json("extension", "check", contoso.name)["outcome"] == "queued"
    assert listed(ado)["status"] == "notInstalled"
    assert ado.json("extension", "check", contoso.name, "--wait")["status"] == "installed"
    assert listed(ado)["status"] == "installed"


def test_what_is_not_allowed_or_cannot_be_is_refused_with_the_reason(
    ado: CommandLine, simulator: Simulator, contoso: Organization
) -> None:
    connect(ado, simulator)
    ado("run", "--once", code=None)
    assert "installExtension: true" in ado("extension", "install", contoso.name, code=1).err
    assert "no organization" in ado("extension", "check", "nowhere", code=2).err
    simulator.add_fault(Fault("access-denied", path=BY_NAME))
    told = ado("extension", "check", contoso.name, "--wait", code=2).err
    assert "vso.extension" in told or "permission" in told
    assert "permission" in ado("extension", "check", contoso.name, "--dry-run", code=2).err
    assert posts(simulator) == 0


def test_a_person_has_it_installed_after_two_removals(
    ado: CommandLine, simulator: Simulator, contoso: Organization
) -> None:
    connect(ado, simulator, "--install-extension")
    ado("run", "--once", code=None)
    for _ in range(2):
        contoso.uninstall_extension(*CONTAINER_MAPPING)
        ado("extension", "check", contoso.name, "--wait")
    assert (listed(ado)["status"], listed(ado)["removals"], posts(simulator)) == ("removed", 2, 2)
    assert ado.json("extension", "check", contoso.name, "--dry-run")["outcome"] == "wouldLeave"
    told = [one["reason"] for one in ado.json("status", code=1)["findings"]]
    assert any("leaves it to the administrators" in one for one in told)
    assert ado.json("extension", "install", contoso.name)["outcome"] == "installed"
    assert listed(ado)["status"] == "installed"
    assert "connector one" not in events(ado)[-1][1]
    assert ado.json("extension", "install", contoso.name)["outcome"] == "unchanged"
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    contoso.share_extension(*CONTAINER_MAPPING, shared=False)
    assert "not shared it" in ado("extension", "install", contoso.name, code=1).err


def test_a_process_that_is_killed_between_write_and_save_leaves_one_attempt(
    ado: CommandLine, simulator: Simulator, contoso: Organization
) -> None:
    connect(ado, simulator, "--install-extension")
    killed: list[int] = []

    def kill() -> None:
        contoso.install_extension(*CONTAINER_MAPPING)
        killed.append(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)

    simulator.add_fault(Fault("run", method="POST", path=BY_NAME, times=1, action=kill))
    with subprocess.Popen(  # noqa: S603 - our own program
        command(("run", "--once")),
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.wait(timeout=110)
    assert killed
    assert CONTAINER_MAPPING in contoso.extensions
    assert [event for event, _ in events(ado)] == ["extension.installRequested"]
    assert listed(ado)["attempt"]["outcome"] == "pending"

    ado("run", "--once", code=None)
    row = listed(ado)
    assert (row["status"], row["attempt"]["outcome"], row["removals"]) == ("installed", "installed", 0)
    assert events(ado) == [
        ("extension.installRequested", "connector one"),
        ("extension.installed", "connector one"),
    ]
    assert posts(simulator) == 1
