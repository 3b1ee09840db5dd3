"""Over the wire: an organization in which all is wrong is told so, with the field that decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World
from shared.model.assessment import AssessmentStatus, Verdict
from tests.posture.bench import Bench

GIT = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
ENDPOINTS = "49b48001-ca20-4adc-8111-5b60c903a50c"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path)
        yield made
        made.close()


@pytest.fixture
def said(bench: Bench) -> dict[str, Verdict]:
    """What each rule says of an organization with one thing of each kind, all of them bad."""
    truth, world = bench.truth, bench.world
    truth.set_policy("AllowAnonymousAccess", value=True)
    truth.retention_days = 3
    truth.add_audit_stream("siem", status="disabledByUser")
    truth.add_service_hook("http://ada:secret@example.com/hook?key=secret")
    extension = truth.install_extension("contoso", "evil")
    extension.scopes = ["vso.security_manage"]
    extension.contributions = ["ms.azure-pipelines.pipeline-decorator"]
    guest = world.add_identity("guest", display_name="Guest", email="guest@example.org")
    member = truth.add_member(guest, pca="nested")
    member.meta_type, member.origin, member.last_accessed = "guest", "msa", "2020-01-01T00:00:00Z"
    project = truth.add_project("web", visibility="public")
    project.administrators.append(guest.descriptor)
    repository = project.add_repository("code")
    repository.set_security(secretProtectionEnabled=True, codeSecurityEnabled=True)
    repository.scan("secret", high=2, low=1)
    connection = project.add_service_endpoint(
        "prod", scheme="ServicePrincipal", url="http://example.com", all_pipelines=True,
        data={"scopeLevel": "Subscription"},
    )  # fmt: skip
    group = project.add_variable_group("keys", {"password": {"value": "hunter22"}, "key": {"isSecret": True}})
    project.set_pipeline_permission("variablegroup", str(group.id), all_pipelines=True)
    file = project.add_secure_file("signing.pfx")
    project.set_pipeline_permission("securefile", file.id, all_pipelines=True)
    project.add_environment("prod")
    project.add_definition(
        "build",
        process=1,
        properties={
            "jobAuthorizationScope": "projectCollection",
            "badgeEnabled": True,
            "repository": {"type": "GitHub", "id": "contoso/web", "name": "contoso/web"},
            "queue": {"id": 1, "pool": {"id": 1, "isHosted": False}},
            "variables": {
                "feed": {"value": "https://example.com", "allowOverride": True},
                "token": {"value": "ghp_" + "a" * 36},
            },
            "triggers": [
                {
                    "triggerType": "pullRequest",
                    "forks": {"enabled": True, "allowSecrets": True, "allowFullAccessToken": True},
                    "isCommentRequiredForPullRequest": False,
                },
                {"triggerType": "continuousIntegration", "branchFilters": ["+refs/heads/*"]},
            ],
            "latestBuild": {"id": 1, "queueTime": "2020-01-01T00:00:00.1234567Z"},
        },
    )
    for key in truth.pipeline_settings:
        project.set_setting(key, value=False)
    everybody = next(
        one.legacy_descriptor for one in truth.groups.values() if one.display_name.endswith("Valid Users")
    )
    builds = f"Microsoft.TeamFoundation.ServiceIdentity;{truth.instance_id}:Build:{project.id}"
    truth.set_access(GIT, f"repoV2/{project.id}", {everybody: (128 | 8 | 8192, 0), builds: (4 | 128, 0)})
    truth.set_access(ENDPOINTS, f"endpoints/{project.id}/{connection.id}", {everybody: (3, 0)})
    bench.sync()
    bench.assess()
    return {
        rule: one.verdict
        for row in bench.state.assessments(bench.organization.id)
        for rule, one in row.assessments.items()
        if row.resource.name != "Azure Pipelines"
    }


def test_all_that_is_wrong_is_told(said: dict[str, Verdict]) -> None:
    wrong = {rule for rule, one in said.items() if one.status is AssessmentStatus.UNHEALTHY}
    assert wrong >= {
        *(f"ADO-ORG-{number:03}" for number in (7, 20, 29, 40, 41, 42, 43, 44, 62, 63, 70, 71, 73)),
        *(f"ADO-PROJ-{number:03}" for number in (1, 2, 5, 8, 21, 22, 23, 25)),
        *(f"ADO-REPO-{number:03}" for number in (1, 2, 3, 4, 6, 13, 15, 20, 21, 22, 23, 24, 25, 31)),
        *(f"ADO-CONN-{number:03}" for number in (1, 3, 4, 5, 10, 11, 13, 20, 22, 25, 26)),
        *(f"ADO-LIB-{number:03}" for number in (1, 2, 3, 11, 20, 21, 22)),
        *(f"ADO-FILE-{number:03}" for number in (1, 2, 3)),
        *(f"ADO-ENV-{number:03}" for number in (1, 2, 3, 11, 12, 20)),
        *(f"ADO-PIPE-{number:03}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)),
        "ADO-FIND-001",
        "ADO-POOL-001",
    }
    assert {rule for rule, one in said.items() if one.status is AssessmentStatus.UNKNOWN} == set()


def test_evidence_names_what_decided_and_no_secret(said: dict[str, Verdict]) -> None:
    assert said["ADO-FIND-001"].evidence["openAlerts"] == 3
    assert said["ADO-CONN-001"].evidence["allPipelinesAuthorized"] is True
    assert said["ADO-PIPE-010"].evidence["lastRun"] == "2020-01-01T00:00:00.123456+00:00"
    assert said["ADO-PIPE-005"].evidence["variables"] == {"token": "GitHub token"}
    assert said["ADO-ORG-042"].evidence["unsafe"] == ["http://example.com"]
    told = " ".join(str(one) for one in said.values())
    for secret in ("hunter22", "ghp_", "ada:secret", "key=secret"):
        assert secret not in told
