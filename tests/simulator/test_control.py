"""The control endpoint, and the simulator as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from local.ado_simulator import Organization, Simulator, World, generate_world
from local.ado_simulator.control import ACTIONS
from tests.simulator.client import PATIENCE, Client

SHOP: dict[str, object] = {"organization": "contoso", "project": "Shop"}
WEB: dict[str, object] = {**SHOP, "repository": "web"}
EXTENSION: dict[str, object] = {"organization": "contoso", "publisher": "p", "name": "e"}
EXAMPLES: dict[str, dict[str, object]] = {
    "add_organization": {"name": "new", "pca": "custom", "licence": "early-adopter"},
    "add_secure_file": {**SHOP, "name": "key.pfx"},
    "add_environment": {**SHOP, "name": "prod", "description": "d"},
    "add_definition": {**SHOP, "name": "build", "process": 1},
    "add_check": {**SHOP, "type": "environment", "id": "1", "type_id": "t"},
    "set_project_administrators": {**SHOP, "tokens": []},
    "set_security": {**WEB, "switches": {"blockPushes": True}},
    "scan": {**WEB, "kind": "secret", "alerts": {"high": 1}},
    "add_agent_pool": {"organization": "contoso", "name": "own", "size": 0},
    "add_audit_stream": {"organization": "contoso", "name": "siem"},
    "add_service_hook": {"organization": "contoso", "url": "https://example.com"},
    "set_access": {"organization": "contoso", "namespace": "n", "token": "t", "entries": {"a;b": [1, 0]}},
    "set_member": {"organization": "contoso", "origin": "msa"},
    "rename_organization": {"organization": "contoso", "name": "renamed"},
    "remove_organization": {"organization": "contoso"},
    "stop_organization": {"organization": "contoso"},
    "start_organization": {"organization": "contoso"},
    "set_organization": {"organization": "contoso", "direct_denial": 403, "empty_token": ""},
    "add_project": {"organization": "contoso", "name": "P", "visibility": "public"},
    "rename_project": {**SHOP, "name": "Store"},
    "set_project": {**SHOP, "visibility": "public", "description": None, "state": "deleting"},
    "delete_project": SHOP,
    "restore_project": {"organization": "contoso", "project": "Gone"},
    "destroy_project": SHOP,
    "set_project_setting": {**SHOP, "name": "enforceSettableVar", "value": True},
    "add_repository": {**SHOP, "name": "new", "default_branch": None},
    "rename_repository": {**WEB, "name": "site"},
    "delete_repository": WEB,
    "restore_repository": {**SHOP, "repository": "binned"},
    "destroy_repository": WEB,
    "move_repository": {**WEB, "target": "Ops & Tools"},
    "disable_repository": WEB,
    "enable_repository": WEB,
    "set_default_branch": {**WEB, "branch": None},
    "add_branch_policy": {**SHOP, "settings": {"minimumApproverCount": 2}},
    "update_branch_policy": {**SHOP, "id": 1, "is_enabled": False},
    "remove_branch_policy": {**SHOP, "id": 1},
    "add_service_endpoint": {**SHOP, "name": "second", "all_pipelines": True},
    "share_service_endpoint": {**SHOP, "endpoint": "azure", "target": "Ops & Tools"},
    "remove_service_endpoint": {**SHOP, "endpoint": "azure"},
    "update_service_endpoint": {**SHOP, "endpoint": "azure", "scheme": "ServicePrincipal"},
    "update_definition": {**SHOP, "id": 1, "properties": {"badgeEnabled": True}},
    "set_pipeline_permission": {**SHOP, "type": "queue", "id": "7", "pipelines": [1]},
    "add_variable_group": {**SHOP, "name": "g", "variables": {}},
    "add_identity": {"token": "t", "kind": "servicePrincipal"},
    "expire_token": {},
    "renew_token": {},
    "revoke_token": {},
    "set_missing_scopes": {"scopes": ["vso.code"]},
    "add_member": {"organization": "contoso", "identity": "other", "licence": {"status": "pending"}},
    "remove_member": {"organization": "contoso"},
    "set_licence": {"organization": "contoso", "licence": "stakeholder"},
    "set_pca": {"organization": "contoso", "pca": "nested"},
    "deny_read": WEB,
    "allow_read": SHOP,
    "deny_capability": {"organization": "contoso", "capability": "policies"},
    "allow_capability": {"organization": "contoso", "capability": "policies"},
    "set_policy": {"organization": "contoso", "name": "LogAuditEvents", "value": True},
    "set_pipeline_setting": {"organization": "contoso", "name": "enforceSettableVar", "value": True},
    "share_extension": EXTENSION,
    "install_extension": {**EXTENSION, "flags": "disabled"},
    "set_extension_flags": {"organization": "contoso", "publisher": "q", "name": "f", "flags": "none"},
    "set_extension_dates": {
        "organization": "contoso",
        "publisher": "q",
        "name": "f",
        "updated": "2024-01-01T00:00:00Z",
    },
    "request_extension": {**EXTENSION, "message": "We build images."},
    "answer_extension_requests": {**EXTENSION, "state": "rejected"},
    "uninstall_extension": EXTENSION,
}


def test_every_action_has_an_example() -> None:
    assert set(EXAMPLES) == set(ACTIONS)


@pytest.mark.parametrize("action", sorted(EXAMPLES))
def test_every_action_works(client: Client, world: World, contoso: Organization, action: str) -> None:
    contoso.add_project("Gone").delete()
    shop = contoso.project("Shop")
    shop.add_repository("binned").delete()
    shop.add_branch_policy()
    shop.add_service_endpoint("azure")
    shop.add_definition("old")
    contoso.install_extension("q", "f", flags="disabled")
    world.add_identity("other")
    answer = client.control(action, **EXAMPLES[action])
    assert answer.status_code == 200, answer.text
    assert answer.json()["done"] == action


def test_a_change_shows_in_the_world_and_in_its_answers(client: Client) -> None:
    client.control("rename_repository", **WEB, name="site")
    names = client.names("/dev.azure.com/contoso/_apis/git/repositories")
    assert "site" in names
    summary = client.session.get(f"{client.simulator.url}/_control/world", timeout=PATIENCE).json()
    (shop,) = [each for each in summary["organizations"][0]["projects"] if each["name"] == "Shop"]
    assert [each["name"] for each in shop["repositories"]] == ["site", "empty", "forked", "sleeping"]


@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("nonsense", {}, "unknown action"),
        ("rename_project", {"organization": "contoso", "project": "X", "name": "Y"}, "no project 'X'"),
        ("delete_project", {"organization": "nobody", "project": "X"}, "no organization 'nobody'"),
        ("add_project", {"organization": "contoso"}, "name"),
        ("set_licence", {"organization": "contoso", "licence": "gold"}, "unknown licence"),
        ("set_organization", {"organization": "contoso", "colour": 1}, "unknown attribute"),
        ("fault", {"kind": "nonsense"}, "nonsense"),
        ("configure", {"colour": 1}, "unknown option"),
    ],
)
def test_a_mistake_is_explained(client: Client, action: str, body: dict[str, object], message: str) -> None:
    answer = client.control(action, **body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_faults_over_control(client: Client) -> None:
    client.control("fault", kind="blocked", path="projects", times=1, retry_after=3)
    client.control("fault", kind="run", path="projects", times=1, run="rename_project",
                   arguments={**SHOP, "name": "Store"})  # fmt: skip
    projects = "/dev.azure.com/contoso/_apis/projects"
    assert client.get(projects).headers["retry-after"] == "3"
    assert "Store" in client.names(projects)
    faults = client.session.get(f"{client.simulator.url}/_control/faults", timeout=PATIENCE).json()
    assert [(fault["kind"], fault["fired"]) for fault in faults] == [("blocked", 1), ("run", 1)]
    client.control("clear_faults")
    assert client.get(projects).status_code == 200


def test_counts_over_control(client: Client) -> None:
    client.get("/dev.azure.com/contoso/_apis/projects")
    client.get("/dev.azure.com/contoso/_apis/projects")
    url = f"{client.simulator.url}/_control/requests"
    counts = client.session.get(url, timeout=PATIENCE).json()
    assert counts["byOrganization"] == {"contoso": {"GET /{organization}/_apis/projects": 2}}
    assert counts["byStatus"] == {"200": 2}
    client.control("reset_requests")
    assert client.session.get(url, timeout=PATIENCE).json()["total"] == 0


def test_options_over_control(client: Client) -> None:
    client.control("configure", page_size=1)
    assert client.get("/dev.azure.com/contoso/_apis/projects").json()["count"] == 1


def test_reset_brings_a_generated_world_back() -> None:
    world = generate_world(3, 1, 2, 2)
    before = world.summary()
    with Simulator(world) as simulator, requests.Session() as session:
        session.trust_env = False
        name = world.organizations[0].name
        session.post(
            f"{simulator.url}/_control/add_project",
            json={"organization": name, "name": "X"},
            timeout=PATIENCE,
        )
        session.post(f"{simulator.url}/_control/fault", json={"kind": "blocked"}, timeout=PATIENCE)
        assert world.summary() != before
        answer = session.post(f"{simulator.url}/_control/reset", timeout=PATIENCE).json()
        assert answer["result"] == {"world": True}
        assert session.get(f"{simulator.url}/_control/world", timeout=PATIENCE).json() == before
        listed = session.get(
            f"{simulator.url}/dev.azure.com/{name}/_apis/projects?api-version=7.1",
            headers={"Authorization": f"Bearer {world.token}"},
            timeout=PATIENCE,
        ).json()
        assert listed["count"] == 2
        again = {"organization": name, "project": listed["value"][0]["id"], "name": "renamed after the reset"}
        renamed = session.post(f"{simulator.url}/_control/rename_project", json=again, timeout=PATIENCE)
        assert renamed.status_code == 200


def test_it_runs_as_a_process_of_its_own() -> None:
    root = Path(__file__).resolve().parents[2]
    command = [
        sys.executable,
        "-m",
        "local.ado_simulator",
        "--projects",
        "2",
        "--seed",
        "5",
        "--latency-ms",
        "1",
    ]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            hello = json.loads(process.stdout.readline())
            answer = requests.get(
                f"{hello['url']}/dev.azure.com/{hello['organizations'][0]}/_apis/projects?api-version=7.1",
                headers={"Authorization": f"Bearer {hello['token']}"},
                timeout=PATIENCE,
            )
            assert answer.json()["count"] == 2
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0


def test_what_posture_reads_can_be_set(world: World, contoso: Organization, simulator: Simulator) -> None:
    """Each action of these, as somebody without Python sets up a world."""
    shop = {"organization": "contoso", "project": "Shop"}

    def do(action: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{simulator.url}/_control/{action}", json=body, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    environment = do("add_environment", **shop, name="prod")["result"]["id"]
    do(
        "add_check",
        **shop,
        type="environment",
        id=environment,
        type_id="8c6f20a7-a545-4486-9777-f762fafe0d4d",
    )
    do("add_secure_file", **shop, name="key.pfx")
    do("add_definition", **shop, name="build", process=1, properties={"badgeEnabled": True})
    do("set_security", **shop, repository="web", switches={"blockPushes": True})
    do("scan", **shop, repository="web", kind="secret", alerts={"high": 2})
    do("set_project_administrators", **shop, tokens=[world.token])
    do("add_agent_pool", organization="contoso", name="own", auto_update=False)
    do("add_audit_stream", organization="contoso", name="siem", status="disabledByUser")
    do("add_service_hook", organization="contoso", url="http://example.com")
    do("set_access", organization="contoso", namespace="N", token="repoV2", entries={"a;b": [4, 0]})
    do("set_member", organization="contoso", meta_type="guest", last_accessed="2020-01-01T00:00:00Z")
    do("set_organization", organization="contoso", retention_days=3)
    project = contoso.project("Shop")
    assert [one.name for one in project.environments] == ["prod"]
    assert [one.resource_type for one in project.checks] == ["environment"]
    assert [one.name for one in project.secure_files] == ["key.pfx"]
    assert project.definitions[-1].properties == {"badgeEnabled": True}
    assert project.repository("web").alerts == {"secret": {"high": 2}}
    assert project.administrators == [world.identity.descriptor]
    assert contoso.agent_pools[-1].auto_update is False
    assert contoso.audit_streams[-1].status == "disabledByUser"
    assert contoso.service_hooks[-1].inputs == {"url": "http://example.com"}
    assert contoso.access["n"]["repoV2"].entries == {"a;b": (4, 0)}
    assert contoso.member().meta_type == "guest"
    assert contoso.retention_days == 3
