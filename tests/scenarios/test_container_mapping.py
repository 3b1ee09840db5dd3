"""The Container Mapping extension of an organization, through all its states, as the app meets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from handlers.check_container_mapping import check_container_mapping, check_now, preview
from handlers.unit_of_work import perform
from local.ado_simulator import CONTAINER_MAPPING, Fault, Organization, World, generate_world
from shared.model.command import DoWork
from shared.model.connector import ConnectorOptions
from shared.model.extension import ExtensionState, InstallOutcome
from shared.model.journal import JournalEvent
from shared.model.work import WorkKind
from tests.scenarios.bench import Bench
from tests.scenarios.conftest import MakeBench

INSTALLING = ConnectorOptions(install_extension=True)
WRITES = (
    JournalEvent.EXTENSION_INSTALL_REQUESTED,
    JournalEvent.EXTENSION_INSTALLED,
    JournalEvent.EXTENSION_INSTALL_REFUSED,
)


@pytest.fixture
def world() -> World:
    """One organization, as small as can be."""
    return generate_world(seed=7, organizations=1, projects=1, repositories=1)


@pytest.fixture
def contoso(bench: Bench, name: str) -> Organization:
    """The organization, without the extension and without an offer of it."""
    organization = bench.world.organization(name)
    organization.uninstall_extension(*CONTAINER_MAPPING)
    organization.share_extension(*CONTAINER_MAPPING, shared=False)
    return organization


def extension(bench: Bench, name: str) -> ExtensionState:
    found: ExtensionState = bench.state.extension(bench.organization(name).id)
    return found


def writes(bench: Bench, name: str) -> int:
    return sum(
        bench.simulator.requests.count(organization=name, method=method, path="extensionmanagement")
        for method in ("POST", "PATCH", "PUT", "DELETE")
    )


def told(bench: Bench, name: str) -> list[str]:
    organization = bench.organization(name).id
    return [entry.event.value for entry in bench.journal(*WRITES) if entry.organization == organization]


def _share(one: Organization) -> None:
    one.share_extension(*CONTAINER_MAPPING)


def _ask(one: Organization) -> None:
    _share(one)
    one.request_extension(*CONTAINER_MAPPING)


def _install(flags: str) -> Callable[[Organization], None]:
    def act(one: Organization) -> None:
        _share(one)
        one.install_extension(*CONTAINER_MAPPING, flags=flags)

    return act


def _install_old(one: Organization) -> None:
    _install("none")(one)
    one.set_extension_dates(
        *CONTAINER_MAPPING, updated="2019-01-01T00:00:00Z", published="2020-01-01T00:00:00Z"
    )


def _deny(one: Organization) -> None:
    one.deny_capability("extensions")


STATES = [
    (lambda _: None, "notShared", "has not shared it", "Defender for Cloud once", False),
    (_share, "notInstalled", "is shared", "> Shared", True),
    (_ask, "installRequested", "1 asked for it", "> Requested", True),
    (_install("none"), "installed", "none", "", False),
    (_install("disabled"), "disabled", "disabled", "Enable it", False),
    (_install("needsReauthorization"), "needsReauthorization", "needsR", "new scopes", False),
    (_install("error"), "error", "error", "reinstall", False),
    (_install("autoUpgradeError"), "outOfDate", "autoUpgradeError", "update", False),
    (_install_old, "outOfDate", "published anew 2020-01-01", "update", False),
    (_install("unInstalled"), "notInstalled", "no installation", "> Shared", True),
    (_install("sleeping"), "unknown", "sleeping", "Look at", False),
    (_deny, "unknown", "permission", "vso.extension", False),
]


@pytest.mark.parametrize(("make", "status", "evidence", "fix", "installable"), STATES)
def test_each_state_is_told_with_reason_and_fix_and_installed_where_it_can_be(
    bench: Bench,
    name: str,
    contoso: Organization,
    make: Callable[[Organization], None],
    status: str,
    evidence: str,
    fix: str,
    installable: bool,
) -> None:
    make(contoso)
    connector = bench.connect()
    bench.run()
    state = extension(bench, name)
    assert state.status.value == status
    assert evidence in state.evidence
    assert fix in state.fix
    assert writes(bench, name) == 0
    assert told(bench, name) == []

    bench.state.put_connector(replace(bench.state.connectors()[0], options=INSTALLING))
    bench.run()
    after = extension(bench, name)
    if installable:
        assert after.status.value == "installed"
        assert writes(bench, name) == 1
        assert told(bench, name) == ["extension.installRequested", "extension.installed"]
        assert {one.requested_by for one in bench.journal(*WRITES)} == {f"connector {connector.name}"}
        assert CONTAINER_MAPPING in contoso.extensions
    else:
        assert after.status.value == status
        assert writes(bench, name) == 0
        assert told(bench, name) == []


def test_a_fresh_organization_has_it_within_its_first_cycle(
    bench: Bench, name: str, contoso: Organization
) -> None:
    _share(contoso)
    bench.connect(options=INSTALLING)
    bench.run()
    assert extension(bench, name).status.value == "installed"


def test_whoever_removes_it_twice_is_not_fought(bench: Bench, name: str, contoso: Organization) -> None:
    _share(contoso)
    bench.connect(options=INSTALLING)
    bench.run()
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    bench.run()
    assert extension(bench, name).status.value == "installed"
    assert writes(bench, name) == 2
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    for _ in range(5):
        bench.run()
    state = extension(bench, name)
    assert (state.status.value, state.removals, writes(bench, name)) == ("removed", 2, 2)
    assert "removed 2 times" in state.evidence
    assert CONTAINER_MAPPING not in contoso.extensions
    changes = [
        (one.before, one.after)
        for one in bench.journal(JournalEvent.EXTENSION_CHANGED)
        if one.organization == bench.organization(name).id
    ]
    assert changes[-3:] == [("installed", "removed"), ("removed", "installed"), ("installed", "removed")]

    assert check_now(bench.runtime.dependencies, bench.organization(name), "ann")
    assert extension(bench, name).status.value == "installed"
    assert bench.journal(*WRITES)[-1].requested_by == "ann"
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    bench.run()
    assert extension(bench, name).status.value == "installed"


def test_a_removal_is_told_where_nothing_may_be_installed(
    bench: Bench, name: str, contoso: Organization
) -> None:
    _install("none")(contoso)
    bench.connect()
    bench.run()
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    bench.run()
    state = extension(bench, name)
    assert state.status.value == "removed"
    assert "was installed when it was looked at" in state.evidence
    assert "Ask who removed it" in state.fix
    assert writes(bench, name) == 0


def test_a_disabled_one_stays_disabled_whoever_asks(bench: Bench, name: str, contoso: Organization) -> None:
    _install("disabled")(contoso)
    bench.connect(options=INSTALLING)
    bench.run()
    check_now(bench.runtime.dependencies, bench.organization(name), "ann")
    assert extension(bench, name).status.value == "disabled"
    assert contoso.extensions[CONTAINER_MAPPING].flags == "disabled"
    assert writes(bench, name) == 0


def test_one_installed_by_hand_after_its_removal_is_a_new_start(
    bench: Bench, name: str, contoso: Organization
) -> None:
    _install("none")(contoso)
    connector = bench.connect()
    bench.run()
    for _ in range(2):
        contoso.uninstall_extension(*CONTAINER_MAPPING)
        bench.run()
        contoso.install_extension(*CONTAINER_MAPPING)
        bench.run()
    assert extension(bench, name).removals == 0
    bench.state.put_connector(replace(bench.state.connectors()[0], options=INSTALLING))
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    bench.run()
    assert extension(bench, name).status.value == "installed"
    assert connector.name in bench.journal(*WRITES)[-1].requested_by


def test_a_refused_installation_says_why_and_what_to_grant(
    bench: Bench, name: str, contoso: Organization
) -> None:
    _share(contoso)
    contoso.deny_capability("installextensions")
    bench.connect(options=INSTALLING)
    bench.run()
    state = extension(bench, name)
    assert state.status.value == "notInstalled"
    assert "refused" in state.evidence
    assert "vso.extension_manage" in state.fix
    assert told(bench, name) == ["extension.installRequested", "extension.installRefused"]
    contoso.allow_capability("installextensions")
    bench.run()
    assert extension(bench, name).status.value == "installed"


def test_rights_that_are_lost_leave_it_unknown_and_no_removal(
    bench: Bench, name: str, contoso: Organization
) -> None:
    _install("none")(contoso)
    bench.connect(options=INSTALLING)
    bench.run()
    contoso.deny_capability("extensions")
    bench.run()
    state = extension(bench, name)
    assert state.status.value == "unknown"
    assert "vso.extension" in state.fix
    contoso.allow_capability("extensions")
    bench.run()
    back = extension(bench, name)
    assert (back.status.value, back.removals, writes(bench, name)) == ("installed", 0, 0)


def test_sharing_that_cannot_be_read_is_told_by_the_installation(
    bench: Bench, name: str, contoso: Organization
) -> None:
    bench.simulator.add_fault(Fault("access-denied", organization=name, path="acquisitionoptions"))
    connector = bench.connect()
    bench.run()
    state = extension(bench, name)
    assert state.status.value == "unknown"
    assert "Whether it is shared with the organization is unknown" in state.evidence
    bench.state.put_connector(replace(bench.state.connectors()[0], options=INSTALLING))
    bench.run()
    assert extension(bench, name).status.value == "notShared"
    assert writes(bench, name) == 1
    bench.run(hours=1)
    assert (extension(bench, name).status.value, writes(bench, name)) == ("notShared", 1)
    _share(contoso)
    bench.run(days=2)
    assert extension(bench, name).status.value == "installed"
    assert connector.name


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("kind", ["reset", "hang", "trouble"])
def test_a_write_whose_answer_is_lost_is_looked_at_before_it_is_tried_again(
    bench: Bench, name: str, kind: str, *, is_done: bool
) -> None:
    contoso = bench.world.organization(name)
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    _share(contoso)
    if is_done:
        # The organization gets it, and the answer does not arrive.
        action = Fault(
            "run",
            organization=name,
            method="POST",
            path="installedextensionsbyname",
            times=1,
            action=lambda: contoso.install_extension(*CONTAINER_MAPPING),
        )
        bench.simulator.add_fault(action)
    bench.simulator.add_fault(
        Fault(kind, organization=name, method="POST", path="installedextensionsbyname", times=1)
    )
    bench.connect(options=INSTALLING)
    bench.run()
    paths = [one.method for one in bench.simulator.requests if "installedextensionsbyname" in one.path]
    first = paths.index("POST")
    assert paths[first + 1] == "GET"
    state = extension(bench, name)
    if is_done:
        assert state.status.value == "installed"
        assert writes(bench, name) == 1
    else:
        assert state.attempt is not None
        assert state.attempt.outcome is InstallOutcome.PENDING
        assert bench.work(name, WorkKind.EXTENSION).last_failure is not None
        bench.run(hours=1)
        assert extension(bench, name).status.value == "installed"
        assert writes(bench, name) == 2
    assert told(bench, name) == ["extension.installRequested", "extension.installed"]


def test_one_that_shows_late_is_no_removal(bench: Bench, name: str, contoso: Organization) -> None:
    _share(contoso)
    contoso.extension_lag = 9
    bench.connect(options=INSTALLING)
    bench.run()
    assert extension(bench, name).removals == 0
    for _ in range(3):
        bench.run(hours=1)
    state = extension(bench, name)
    assert (state.status.value, state.removals) == ("installed", 0)
    assert told(bench, name) == ["extension.installRequested", "extension.installed"]


def test_two_instances_at_once_install_once(make_bench: MakeBench, name: str, tmp_path: Path) -> None:
    del tmp_path
    bench = make_bench()
    other = make_bench()
    contoso = bench.world.organization(name)
    contoso.uninstall_extension(*CONTAINER_MAPPING)
    bench.connect()
    bench.run()
    _share(contoso)
    bench.state.put_connector(replace(bench.state.connectors()[0], options=INSTALLING))
    organization = bench.organization(name)
    now = bench.clock.now()
    revision = bench.state.bring_forward(organization.id, WorkKind.EXTENSION, now).revision
    start = Barrier(2)

    def deliver(one: Bench) -> None:
        start.wait()
        perform(
            DoWork(organization.id, WorkKind.EXTENSION, revision),
            one.runtime.dependencies,
            check_container_mapping,
        )

    threads = [Thread(target=deliver, args=(one,)) for one in (bench, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert extension(bench, name).status.value == "installed"
    assert writes(bench, name) + writes(other, name) == 1
    assert told(bench, name) == ["extension.installRequested", "extension.installed"]


def test_a_preview_writes_nothing(bench: Bench, name: str, contoso: Organization) -> None:
    bench.connect(options=INSTALLING)
    bench.run()
    _share(contoso)
    before = extension(bench, name)
    entries = len(bench.state.journal(limit=100_000))
    connector = bench.state.connectors()[0]
    found = preview(bench.runtime.dependencies, connector, bench.organization(name), "")
    assert (found.state.status.value, found.decision.install) == ("notInstalled", True)
    assert extension(bench, name) == before
    assert len(bench.state.journal(limit=100_000)) == entries
    assert writes(bench, name) == 0


def test_another_extension_is_looked_for_anew(bench: Bench, name: str, contoso: Organization) -> None:
    _install("none")(contoso)
    bench.connect()
    bench.run()
    own = ConnectorOptions(install_extension=True, extension_publisher="fabrikam", extension_name="maps")
    bench.state.put_connector(replace(bench.state.connectors()[0], options=own))
    bench.run()
    state = extension(bench, name)
    assert (state.status.value, state.removals) == ("notShared", 0)
    assert "fabrikam" in state.fix
    contoso.share_extension("fabrikam", "maps")
    bench.run()
    assert extension(bench, name).status.value == "installed"
    assert (extension(bench, name).checked_at - state.checked_at) >= timedelta(days=1)
