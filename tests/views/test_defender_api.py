"""The API over HTTP, as any client sees it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cli.recommendation_rows import organization_recommendations
from shared.model.assessment import AssessmentStatus, ResourceKind
from shared.posture.catalogue import RULES
from tests.views.bench import (
    ASSESSMENTS_VERSION,
    CONNECTOR_VERSION,
    CONTOSO,
    DEVOPS_VERSION,
    GROUP,
    MAIN,
    NOW,
    SUBSCRIPTION,
    TOKEN,
    Bench,
    of_repository,
    path_of,
    project,
    project_id,
    repository,
    repository_id,
)

ASSESSMENTS = "/providers/Microsoft.Security/assessments"


def test_connectors_are_listed_by_subscription_and_by_group(bench: Bench) -> None:
    of_all = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/securityConnectors"
    of_group = of_all.replace("/providers", f"/resourceGroups/{GROUP}/providers").upper()
    assert bench.get(of_all, CONNECTOR_VERSION).names == ["main", "other"]
    assert bench.get(of_group, CONNECTOR_VERSION).names == ["main"]
    nobodys = of_all.replace(SUBSCRIPTION, "20000000-0000-4000-8000-000000000001")
    assert bench.get(nobodys, CONNECTOR_VERSION).names == []


def test_a_connector_is_told_as_defender_does(bench: Bench) -> None:
    answered = bench.get(path_of(), CONNECTOR_VERSION)
    assert answered.status == 200
    document = answered.document
    assert document["id"] == path_of()
    assert document["type"] == "Microsoft.Security/securityConnectors"
    assert document["location"] == "westeurope"
    assert document["etag"] == answered.headers["ETag"]
    properties = document["properties"]
    assert properties["environmentName"] == "AzureDevOps"
    assert properties["environmentData"] == {"environmentType": "AzureDevOpsScope"}
    assert properties["offerings"] == [{"offeringType": "CspmMonitorAzureDevOps"}]
    assert properties["adoConnector"]["id"] == MAIN
    assert properties["adoConnector"]["discoveryMode"] == "existing-and-future"


def test_the_configuration_tells_capabilities_to_those_who_know_them(bench: Bench) -> None:
    path = f"{path_of()}/devops/default"
    newer, older = bench.get(path).document, bench.get(path, "2023-09-01-preview").document
    assert newer["properties"]["autoDiscovery"] == "Enabled"
    assert newer["properties"]["provisioningState"] == "Succeeded"
    assert newer["properties"]["capabilities"] == [{"name": "DCSPM_ENABLED", "value": "false"}]
    assert "capabilities" not in older["properties"]
    assert bench.get(f"{path_of()}/devops").document["value"] == [newer]


def test_onboarded_organizations_are_listed_and_the_others_are_available(bench: Bench) -> None:
    orgs = f"{path_of()}/devops/default/azureDevOpsOrgs"
    assert bench.get(orgs).names == ["contoso", "fabrikam"]
    available = bench.get(f"{path_of()}/devops/default/listAvailableAzureDevOpsOrgs", method="POST")
    assert available.names == ["contoso", "fabrikam", "tailspin"]
    states = [one["properties"]["onboardingState"] for one in available.document["value"]]
    assert states == ["Onboarded", "Onboarded", "NotOnboarded"]
    assert bench.get(path_of("tailspin")).status == 404
    assert bench.get(path_of("northwind")).status == 404


def test_projects_and_repositories_that_are_deleted_are_not_there(bench: Bench) -> None:
    assert bench.get(f"{path_of('contoso')}/projects").names == ["Web Shop", "Hush Project"]
    assert bench.get(f"{path_of('contoso', 'Web Shop')}/repos").names == ["shop", "späti", "left"]
    assert bench.get(path_of("contoso", "Gone")).status == 404
    assert bench.get(path_of("contoso", "Web Shop", "buried")).status == 404


def test_a_repository_is_told_as_defender_does_and_more_beside(bench: Bench) -> None:
    document = bench.get(path_of("CONTOSO", "web shop", "SHOP")).document
    assert document["name"] == "shop"
    assert document["id"].endswith("/azureDevOpsOrgs/contoso/projects/Web Shop/repos/shop")
    assert document["properties"] == {
        "parentOrgName": "contoso",
        "parentProjectName": "Web Shop",
        "repoId": repository_id(1),
        "repoUrl": "https://dev.azure.com/contoso/p/_git/repository-1",
        "visibility": "private",
        "onboardingState": "Onboarded",
        "provisioningState": "Succeeded",
        "provisioningStatusMessage": "OK",
        "provisioningStatusUpdateTimeUtc": "2026-03-01T12:00:00.000Z",
        "adoConnector": {
            "id": repository_id(1),
            "projectId": project_id(1),
            "defaultBranch": "refs/heads/main",
            "isDisabled": False,
            "isFork": False,
            "firstSeen": "2026-03-01T12:00:00.000Z",
            "lastSeen": "2026-03-01T12:00:00.000Z",
        },
    }


def test_what_the_last_listing_lacked_is_told_as_leaving(bench: Bench) -> None:
    properties = bench.get(path_of("contoso", "Web Shop", "left")).document["properties"]
    assert properties["provisioningState"] == "PendingDeletion"
    assert properties["provisioningStatusMessage"] == "The last listing lacked it."


def test_a_name_is_found_though_a_missing_one_has_it_too(empty: Bench) -> None:
    empty.connect(MAIN, "main")
    empty.enroll(MAIN, CONTOSO, "contoso")
    empty.add(
        CONTOSO,
        [project(1, "Same", missing_since=NOW), project(2, "Same")],
        [repository(1, 2, "same", missing_since=NOW), repository(2, 2, "same")],
    )
    found = empty.get(path_of("contoso", "Same", "same")).document
    assert found["properties"]["repoId"] == repository_id(2)


# --- assessments ------------------------------------------------------------------------------------------


def test_unknown_stale_and_never_assessed_are_never_healthy(bench: Bench) -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}{ASSESSMENTS}"
    codes: dict[str, set[Any]] = {}
    for one in bench.everything(scope, ASSESSMENTS_VERSION):
        status = one["properties"]["status"]
        codes.setdefault(one["properties"]["adoConnector"]["status"], set()).add(
            (status["code"], status.get("cause"))
        )
    assert codes == {
        "healthy": {("Healthy", None)},
        "unhealthy": {("Unhealthy", None)},
        "unknown": {("NotApplicable", "Unknown")},
        "neverAssessed": {("NotApplicable", "NeverAssessed")},
    }


def test_assessments_are_those_that_the_command_line_lists(bench: Bench) -> None:
    state, intervals = bench.state, bench.runtime.dependencies.intervals
    expected = sorted(
        (organization.name, one.rule.id, one.resource.kind.value, one.resource.id, one.status.value)
        for organization in state.organizations()
        if organization.name != "tailspin"
        for _, one in organization_recommendations(state, organization, RULES, intervals, NOW)
    )
    names = {one.id: one.name for one in state.organizations()}
    found = bench.everything(f"/subscriptions/{SUBSCRIPTION}{ASSESSMENTS}", ASSESSMENTS_VERSION)
    told = [one["properties"]["adoConnector"] for one in found]
    assert expected == sorted(
        (names[one["organizationId"]], one["rule"], one["resourceKind"], one["resourceId"], one["status"])
        for one in told
    )
    assert len(expected) > 500  # more than a page
    assert len({one["id"].lower() for one in found}) == len(found)


@pytest.mark.parametrize(
    ("names", "repositories"),
    [
        (("contoso",), {"shop", "späti", "hush-repository"}),
        (("contoso", "Web Shop"), {"shop", "späti"}),
        (("contoso", "Web Shop", "shop"), {"shop"}),
    ],
)
def test_a_scope_holds_what_is_in_it(bench: Bench, names: tuple[str, ...], repositories: set[str]) -> None:
    found = bench.everything(f"{path_of(*names)}{ASSESSMENTS}", ASSESSMENTS_VERSION)
    told = [one["properties"]["adoConnector"] for one in found]
    assert {one["resourceName"] for one in told if one["resourceKind"] == "repository"} == repositories
    everything = bench.everything(f"{path_of()}{ASSESSMENTS}", ASSESSMENTS_VERSION)
    inside = [one for one in everything if (one["id"] + "/").startswith(path_of_raw(*names))]
    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in inside)


def path_of_raw(*names: str) -> str:
    words = ("azureDevOpsOrgs", "projects", "repos")
    inner = "".join(f"/{word}/{name}" for word, name in zip(words, names, strict=False))
    return f"{path_of()}/devops/default{inner}/"


def test_each_assessment_is_got_by_its_id(bench: Bench) -> None:
    for one in bench.everything(f"{path_of('contoso')}{ASSESSMENTS}", ASSESSMENTS_VERSION)[::25]:
        path = one["id"].replace(" ", "%20").replace("ä", "%C3%A4")
        assert bench.get(path, ASSESSMENTS_VERSION).document == one


def test_risk_is_told_in_the_version_that_has_it(bench: Bench) -> None:
    path = f"{path_of('contoso', 'Web Shop', 'shop')}{ASSESSMENTS}"
    newer = bench.get(path, ASSESSMENTS_VERSION).document["value"][0]["properties"]
    older = bench.get(path, "2021-06-01").document["value"][0]["properties"]
    assert newer["risk"]["level"] in {"Critical", "High", "Medium", "Low"}
    assert "risk" not in older


def test_a_stale_verdict_is_told_as_stale(empty: Bench) -> None:
    empty.connect(MAIN, "main")
    empty.enroll(MAIN, CONTOSO, "contoso")
    one, inside = project(1), repository(1)
    empty.add(CONTOSO, [one], [inside])
    empty.assess(CONTOSO, one, (of_repository(inside), RULES[0].id, "healthy"))
    late = NOW + timedelta(days=30)
    empty.runtime.clock.now = lambda: late  # type: ignore[method-assign]
    path = f"{path_of('contoso', one.name, inside.name)}{ASSESSMENTS}"
    told = empty.get(path, ASSESSMENTS_VERSION).document["value"]
    stored = [
        item["properties"]
        for item in told
        if item["properties"]["adoConnector"]["status"] == AssessmentStatus.STALE.value
    ]
    assert [one["status"]["cause"] for one in stored] == ["Stale"]
    assert stored[0]["adoConnector"]["lastStatus"] == "healthy"


# --- paging, versions, errors -----------------------------------------------------------------------------


def test_pages_hold_everything_once(empty: Bench) -> None:
    empty.connect(MAIN, "main")
    empty.enroll(MAIN, CONTOSO, "contoso")
    projects = [project(number) for number in range(1, 1203)]
    repositories = [repository(number, 1 + number % 2) for number in range(2402)]
    repositories += [repository(number, 3) for number in range(3000, 3130)]
    empty.add(CONTOSO, projects, repositories)
    found = empty.everything(f"{path_of('contoso')}/projects")
    assert [one["properties"]["projectId"] for one in found] == [one.id for one in projects]
    found = empty.everything(f"{path_of('contoso', 'Project 2')}/repos")
    assert [one["name"] for one in found] == [f"repository-{number}" for number in range(1, 2402, 2)]
    scope = f"{path_of('contoso', 'Project 3')}{ASSESSMENTS}"
    ids = [one["id"] for one in empty.everything(scope, ASSESSMENTS_VERSION)]
    assert len(ids) == len(set(ids))
    for_each = len([one for one in RULES if one.resource is ResourceKind.REPOSITORY])
    assert len([one for one in ids if "/repos/" in one]) == 130 * for_each > 1000


@pytest.mark.parametrize("token", ["!", "e30", "WyJhIiwiYiJd", "W10", "a" * 5000, "bnVsbA", "WzFd", "W1tbWw"])
def test_a_token_that_nobody_handed_out_is_refused(bench: Bench, token: str) -> None:
    answered = bench.get(f"{path_of('contoso')}/projects", query={"$skipToken": token})
    assert (answered.status, answered.code) == (400, "InvalidSkipToken")


def test_what_has_not_changed_is_not_sent_again(bench: Bench) -> None:
    first = bench.get(path_of("contoso"))
    again = bench.get(path_of("contoso"), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.document) == (304, None)
    assert bench.get(path_of("contoso"), headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("version", ["", "2015-01-01", "latest"])
def test_a_version_that_is_not_known_is_refused_with_those_that_are(bench: Bench, version: str) -> None:
    answered = bench.get(path_of("contoso"), version)
    assert answered.status == 400
    assert answered.code == ("InvalidApiVersionParameter" if version else "MissingApiVersionParameter")
    assert DEVOPS_VERSION in answered.document["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions",
        "/subscriptions/",
        f"/subscriptions/{SUBSCRIPTION}",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}",
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines",
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/securityConnectors/main",
        f"{path_of()}/devops/other",
        f"{path_of('contoso')}/repos",
        f"{path_of('contoso', 'Web Shop', 'shop')}/more",
        f"{path_of('contoso')}//projects",
        f"{path_of('contoso')}/projects{ASSESSMENTS}",
    ],
)
def test_other_addresses_are_none_of_ours(bench: Bench, path: str) -> None:
    answered = bench.get(path)
    assert (answered.status, answered.code) == (404, "InvalidResourceType")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_nothing_is_changed(bench: Bench, method: str) -> None:
    answered = bench.get(path_of("contoso"), method=method)
    assert (answered.status, answered.code) == (405, "MethodNotAllowed")
    assert answered.headers["Allow"] == "GET"


HOSTILE = [
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "javascript:alert(1)",
    "x" * 400,
    "a\"b'c&d",
    "100% of #1?",
    "half \ud800 pair",
    "new\nline",
    "..%2f..",
]


def test_hostile_names_are_texts_and_are_found_by_their_ids(empty: Bench) -> None:
    empty.connect(MAIN, "main")
    empty.enroll(MAIN, CONTOSO, "contoso")
    projects = [project(number, name) for number, name in enumerate(HOSTILE, start=1)]
    repositories = [repository(number, number, name) for number, name in enumerate(HOSTILE, start=1)]
    empty.add(CONTOSO, projects, repositories)
    found = empty.get(f"{path_of('contoso')}/projects")
    assert found.names == HOSTILE
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Content-Type"] == "application/json"
    for one in found.document["value"]:
        if "\ud800" in one["name"]:
            continue  # no URL can hold it
        path = as_requested(one["id"])
        assert empty.get(path).document == one
        assert empty.get(f"{path}/repos").names == [one["name"]]
        scope = f"{path}/repos/{path.rpartition('/')[2]}{ASSESSMENTS}"
        assert empty.get(scope, ASSESSMENTS_VERSION).document["value"]


def as_requested(identifier: str) -> str:
    """An id as a client sends it: what no URL can hold is encoded, what is encoded stays."""
    return "".join(
        one if one.isascii() and one.isprintable() and one not in ' "<>' else escaped(one)
        for one in identifier
    )


def escaped(one: str) -> str:
    return "".join(f"%{byte:02X}" for byte in one.encode())


def test_the_answer_is_ascii(bench: Bench) -> None:
    answered = bench.get(f"{path_of('contoso', 'Web Shop')}/repos")
    assert "späti" in answered.names
    assert json.dumps(answered.document).isascii()


@pytest.mark.parametrize("target", ["http://evil.example/subscriptions/x", "subscriptions/x", "*"])
def test_a_target_that_is_no_path_is_refused(bench: Bench, target: str) -> None:
    assert bench.send("GET", target, {"Authorization": f"Bearer {TOKEN}"}).status == 400
