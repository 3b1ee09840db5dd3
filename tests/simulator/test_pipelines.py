"""Pipeline settings, service connections, the library, pipelines, and the audit log."""

from __future__ import annotations

from local.ado_simulator import Organization, Simulator, World
from tests.simulator.client import Client

SHOP = "/dev.azure.com/contoso/Shop/_apis"
ENDPOINTS = f"{SHOP}/serviceendpoint/endpoints"
AUDIT = "/auditservice.dev.azure.com/contoso/_apis/audit/auditlog"
PREVIEW = "7.1-preview.1"


def test_general_settings_leave_out_what_was_never_set(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    shop.set_setting("enforceSettableVar", value=False)
    shop.set_setting("buildsEnabledForForks", value=True)
    path = f"{SHOP}/build/generalsettings"
    assert client.get(path).json() == {"enforceSettableVar": False, "buildsEnabledForForks": True}
    contoso.set_pipeline_setting("enforceSettableVar", value=True)
    contoso.set_pipeline_setting("enforceJobAuthScope", value=True)
    assert client.get(path).json() == {"enforceSettableVar": True, "buildsEnabledForForks": True}


def test_service_connections(client: Client, contoso: Organization) -> None:
    shop, tools = contoso.project("Shop"), contoso.project("Ops & Tools")
    azure = shop.add_service_endpoint("azure", data={"subscriptionId": "s"}, all_pipelines=True)
    shop.add_service_endpoint("broken", type=None, scheme="Token", ready=False)
    assert client.names(ENDPOINTS) == ["azure"]
    assert client.names(ENDPOINTS, includeFailed="true") == ["azure", "broken"]
    shop.share_service_endpoint(azure, tools)
    (shared,) = client.get("/dev.azure.com/contoso/Ops%20&%20Tools/_apis/serviceendpoint/endpoints").json()[
        "value"
    ]
    assert (shared["id"], shared["isShared"]) == (azure.id, True)
    assert [each["projectReference"]["name"] for each in shared["serviceEndpointProjectReferences"]] == [
        "Shop",
        "Ops & Tools",
    ]
    shop.remove_service_endpoint(azure)
    assert client.names(ENDPOINTS) == []


def test_who_may_use_a_service_connection(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    ids = {
        answer: shop.add_service_endpoint(str(answer), all_pipelines=answer).id
        for answer in (None, True, False)
    }
    shop.set_pipeline_permission("repository", f"{shop.id}.{ids[None]}", pipelines=[6, 7])

    def permissions(kind: str, number: str) -> dict[str, object]:
        answer = client.get(f"{SHOP}/pipelines/pipelinepermissions/{kind}/{number}", version=PREVIEW)
        document: dict[str, object] = answer.json()
        return document

    assert "allPipelines" not in permissions("endpoint", ids[None])
    opened, closed = (permissions("endpoint", ids[each])["allPipelines"] for each in (True, False))
    assert isinstance(opened, dict)
    assert isinstance(closed, dict)
    assert (opened["authorized"], closed["authorized"]) == (True, False)
    some = permissions("repository", f"{shop.id}.{ids[None]}")["pipelines"]
    assert isinstance(some, list)
    assert [each["id"] for each in some] == [6, 7]
    wrong = client.get(f"{SHOP}/pipelines/pipelinepermissions/nothing/1", version=PREVIEW)
    assert wrong.status_code == 400


def test_variable_groups_keep_their_secrets(
    client: Client, simulator: Simulator, contoso: Organization
) -> None:
    shop = contoso.project("Shop")
    for number in range(3):
        shop.add_variable_group(f"g{number}", {"plain": {"value": "1"}, "key": {"isSecret": True}})
    path = f"{SHOP}/distributedtask/variablegroups"
    assert client.names(path, queryOrder="IdDescending") == ["g2", "g1", "g0"]
    simulator.options.page_size = 2
    first = client.get(path)
    assert first.headers["x-ms-continuationtoken"] == "2"
    assert first.json()["value"][0]["variables"] == {
        "plain": {"value": "1"},
        "key": {"value": None, "isSecret": True},
    }


def test_secure_files_and_pipelines(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    shop.add_secure_file("signing.pfx")
    shop.add_definition("classic", process=1, repository=shop.repository("web"))
    shop.add_definition("yaml")
    assert client.names(f"{SHOP}/distributedtask/securefiles", version=PREVIEW) == ["signing.pfx"]
    assert client.names(f"{SHOP}/build/definitions") == ["classic", "yaml"]
    full = client.get(f"{SHOP}/build/definitions", includeAllProperties="true").json()["value"]
    assert [definition["process"]["type"] for definition in full] == [1, 2]
    assert client.names(f"{SHOP}/pipelines") == ["classic", "yaml"]


def test_everything_of_a_missing_project_is_tf200016(client: Client) -> None:
    for path in ("build/generalsettings", "policy/configurations", "git/repositories"):
        answer = client.get(f"/dev.azure.com/contoso/nothing/_apis/{path}")
        assert (answer.status_code, answer.json()["typeKey"]) == (404, "ProjectDoesNotExistWithNameException")


def test_changes_are_audited_newest_first(client: Client, world: World, contoso: Organization) -> None:
    contoso.set_policy("LogAuditEvents", value=True)
    before = world.now().isoformat()
    project = contoso.add_project("Fresh")
    project.add_repository("r").rename("s")
    project.delete()
    entries = client.get(AUDIT, version=PREVIEW, startTime=before).json()["decoratedAuditLogEntries"]
    assert [entry["actionId"] for entry in entries] == [
        "Project.SoftDeleteCompleted",
        "Git.RepositoryRenamed",
        "Git.RepositoryCreated",
        "Project.CreateCompleted",
    ]
    assert {entry["projectId"] for entry in entries} == {project.id}
    assert client.get(AUDIT, version=PREVIEW, endTime="2020-01-01").json()["decoratedAuditLogEntries"] == []


def test_the_audit_log_comes_in_pages(client: Client, contoso: Organization) -> None:
    contoso.set_policy("LogAuditEvents", value=True)
    everything = client.get(AUDIT, version=PREVIEW).json()
    assert (everything["hasMore"], everything["continuationToken"]) == (False, None)
    found: list[str] = []
    token = ""
    while True:
        answer = client.get(
            AUDIT, version=PREVIEW, batchSize="3", **({"continuationToken": token} if token else {})
        ).json()
        found += [entry["id"] for entry in answer["decoratedAuditLogEntries"]]
        if not answer["hasMore"]:
            break
        token = answer["continuationToken"]
    assert found == [entry["id"] for entry in everything["decoratedAuditLogEntries"]]


def test_auditing_may_be_off_and_needs_an_administrator(client: Client, contoso: Organization) -> None:
    contoso.set_policy("LogAuditEvents", value=False)
    assert client.get(AUDIT, version=PREVIEW).json()["decoratedAuditLogEntries"] == []
    contoso.set_pca("none")
    assert client.get(AUDIT, version=PREVIEW).status_code == 403
