"""Answers that no documentation tells of, over the wire: nothing odd is taken for what is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World
from local.ado_simulator.project import Project as SimulatedProject
from tests.posture.bench import CLASSIC, OTHERS_DECIDE, Bench, a_good_project

PULL_REQUESTS = {"triggerType": "pullRequest", "forks": {"enabled": True, "allowSecrets": True}}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path)
        yield made
        made.close()


def secrets_as_text(project: SimulatedProject) -> None:
    project.repository("shop-code").set_security(secretProtectionEnabled="true")  # type: ignore[arg-type]


def switch_as_null(project: SimulatedProject) -> None:
    project.repository("shop-code").set_security(secretProtectionEnabled=None)  # type: ignore[arg-type]


def setting_as_text(project: SimulatedProject) -> None:
    for key in CLASSIC:
        project.set_setting(key, value="true")  # type: ignore[arg-type]


def no_scopes(project: SimulatedProject) -> None:
    project.update_branch_policy(project.policies[0].id, scopes=None)


def votes_as_text(project: SimulatedProject) -> None:
    settings = {**OTHERS_DECIDE, "creatorVoteCounts": "false"}
    project.update_branch_policy(project.policies[0].id, settings=settings)


def approvals_as_text(project: SimulatedProject) -> None:
    project.update_branch_policy(project.policies[0].id, settings={"minimumApproverCount": "2"})


def odd_match(project: SimulatedProject) -> None:
    scope = {"repositoryId": None, "refName": "refs/heads/*", "matchKind": "Exact"}
    project.update_branch_policy(project.policies[0].id, scopes=[scope])


def open_as_text(project: SimulatedProject) -> None:
    project.set_pipeline_permission("endpoint", project.endpoints[0].id, all_pipelines="true")  # type: ignore[arg-type]


def type_unknown(project: SimulatedProject) -> None:
    project.endpoints[0].type = None


def forks_untold(project: SimulatedProject) -> None:
    project.add_definition("build", properties={"triggers": [{"triggerType": "pullRequest", "forks": None}]})


def let_forks(project: SimulatedProject) -> None:
    """Neither the project nor the organization forbids anything."""
    project.set_setting("enforceNoAccessToSecretsFromForks", value=False)
    project.organization.set_pipeline_setting("enforceNoAccessToSecretsFromForks", value=False)


def forks_handed_out(project: SimulatedProject) -> None:
    let_forks(project)
    project.add_definition("build", properties={"triggers": [PULL_REQUESTS]})


def forks_forbidden(project: SimulatedProject) -> None:
    let_forks(project)
    trigger = {**PULL_REQUESTS, "pipelineTriggerSettings": {"enforceNoAccessToSecretsFromForks": True}}
    project.add_definition("build", properties={"triggers": [trigger]})


def forks_forbidden_as_text(project: SimulatedProject) -> None:
    let_forks(project)
    trigger = {**PULL_REQUESTS, "pipelineTriggerSettings": {"enforceNoAccessToSecretsFromForks": "true"}}
    project.add_definition("build", properties={"triggers": [trigger]})


@pytest.mark.parametrize(
    ("odd", "rule", "status"),
    [
        (secrets_as_text, "ADO-REPO-030", "unknown"),
        (switch_as_null, "ADO-REPO-030", "unhealthy"),
        (setting_as_text, "ADO-PROJ-001", "unknown"),
        (no_scopes, "ADO-REPO-001", "unknown"),
        (votes_as_text, "ADO-REPO-002", "unknown"),
        (approvals_as_text, "ADO-REPO-001", "unknown"),
        (odd_match, "ADO-REPO-001", "unknown"),
        (open_as_text, "ADO-CONN-001", "unknown"),
        (type_unknown, "ADO-CONN-002", "unknown"),
        (forks_untold, "ADO-PIPE-001", "unknown"),
        (forks_handed_out, "ADO-PIPE-001", "unhealthy"),
        (forks_forbidden, "ADO-PIPE-001", "healthy"),
        (forks_forbidden_as_text, "ADO-PIPE-001", "unhealthy"),
    ],
)
def test_what_is_odd_is_not_taken_for_what_is_well(
    bench: Bench, odd: Callable[[SimulatedProject], None], rule: str, status: str
) -> None:
    odd(a_good_project(bench.truth, "shop"))
    bench.sync()
    bench.assess()
    told = {
        one.verdict.status.value
        for row in bench.state.assessments(bench.organization.id)
        for identifier, one in row.assessments.items()
        if identifier == rule
    }
    assert told == {status}
