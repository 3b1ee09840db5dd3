"""Finished runs, their timelines and logs, against the simulated Azure DevOps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local.ado_simulator import Fault, Organization, Project, RunStep, Simulator, World
from shared.ado import errors
from shared.ado.runs import LINE_MOST, _lines
from shared.model.ids import ProjectId
from shared.ports import AzureDevOps
from tests.ado.bench import Bench

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def organization(world: World) -> Organization:
    return world.add_organization("contoso")


@pytest.fixture
def shop(organization: Organization) -> Project:
    return organization.add_project("Shop")


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world, page_size=2) as simulator:
        yield simulator


@pytest.fixture
def ado(simulator: Simulator, world: World) -> Iterator[AzureDevOps]:
    bench = Bench(simulator.url)
    yield bench.connect(secrets={"ADO_PAT": lambda: world.token})
    bench.close()


def test_finished_runs_in_their_order(ado: AzureDevOps, shop: Project, simulator: Simulator) -> None:
    web = shop.add_repository("web")
    pipeline = shop.add_definition("shop-ci", repository=web)
    made = [shop.add_run(pipeline, finished=NOON + timedelta(minutes=minute)) for minute in (4, 0, 3, 1)]
    shop.add_run(pipeline, finished=NOON + timedelta(minutes=9)).status = "inProgress"
    made[0].pull_request, made[2].branch = 17, "refs/pull/18/merge"
    listed = ado.finished_runs("contoso", ProjectId(shop.id), NOON + timedelta(minutes=1))
    assert listed.complete
    assert [one.id for one in listed.items] == [made[3].id, made[2].id, made[0].id]
    assert [one.pull_request for one in listed.items] == [0, 18, 17]
    one = listed.items[0]
    assert (one.finished_at, one.result, one.number) == (made[3].finished, "succeeded", made[3].number)
    assert (one.pipeline, one.pipeline_name) == (pipeline.id, "shop-ci")
    assert (one.repository, one.repository_name, one.repository_type) == (web.id, "web", "TfsGit")
    assert (one.commit, one.branch, one.requested_for) == (made[3].commit, "refs/heads/main", "Ada Example")
    assert simulator.requests.count(path="/build/builds") == 2


def test_a_timeline_and_a_log(ado: AzureDevOps, shop: Project, simulator: Simulator) -> None:
    steps = [RunStep("test"), RunStep("docker push", ["one", "two"]), RunStep("more", ["three"], task="Bash")]
    run = shop.add_run(shop.add_definition("ci"), steps)
    project = ProjectId(shop.id)
    job, test, push, more = ado.timeline("contoso", project, run.id)
    assert (job.type, job.name, job.log) == ("Job", "Job", 3)
    assert (test.log, test.parent) == (0, job.id)
    assert (push.name, push.task, push.result, push.log) == ("docker push", "CmdLine", "succeeded", 1)
    assert more.task == "Bash"

    def words(log: int) -> list[str]:
        return ado.run_log(
            "contoso", project, run.id, log, lambda lines: [one.split()[1] for one in lines if one]
        )

    assert words(1) == ["one", "two"]
    assert words(3) == ["one", "two", "three"]
    assert len(simulator.requests) == 3


def test_a_timeline_without_records(ado: AzureDevOps, shop: Project) -> None:
    run = shop.add_run(shop.add_definition("ci"))
    run.timeline = False
    assert ado.timeline("contoso", ProjectId(shop.id), run.id) == ()


def test_what_is_gone_or_refused(ado: AzureDevOps, shop: Project, simulator: Simulator) -> None:
    project = ProjectId(shop.id)
    with pytest.raises(errors.NotFound):
        ado.timeline("contoso", project, 77)
    simulator.add_fault(Fault("access-denied", path="/build/builds"))
    listed = ado.finished_runs("contoso", project, NOON)
    assert listed.failure is not None
    assert "View builds" in listed.failure.permission
    simulator.clear_faults()
    run = shop.add_run(shop.add_definition("ci"), [RunStep("docker push", ["x"])])
    simulator.add_fault(Fault("web-page", path="/logs/"))
    with pytest.raises(errors.SignInRequired):
        ado.run_log("contoso", project, run.id, 1, list)


def test_a_failing_reader_is_no_failure_of_the_service(ado: AzureDevOps, shop: Project) -> None:
    run = shop.add_run(shop.add_definition("ci"), [RunStep("docker push", ["x"])])

    def broken(lines: Iterable[str]) -> None:
        raise ZeroDivisionError(next(iter(lines)))

    with pytest.raises(ZeroDivisionError):
        ado.run_log("contoso", ProjectId(shop.id), run.id, 1, broken)


def test_lines_that_arrive_in_pieces() -> None:
    text = "\ufeffäöü\r\nzwei\ndrei"
    body = text.encode()
    assert list(_lines(body[index : index + 1] for index in range(len(body)))) == ["äöü\r", "zwei", "drei"]
    assert list(_lines(iter([b"\xff\n", b""]))) == ["\ufffd"]
    (long,) = _lines(iter([b"x" * LINE_MOST, b"x" * LINE_MOST]))
    assert len(long) <= 2 * LINE_MOST
