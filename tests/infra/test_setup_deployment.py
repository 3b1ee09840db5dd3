"""The identity of the pipelines is made once, may do what a deployment takes, and is taken away whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.setup_deployment import ACTIONS
from shared.ado.plain_secrets import looks_like_secret
from tests.infra.azure import GROUP, SUBSCRIPTION, Azure
from tests.infra.bicep import ROOT
from tests.infra.test_roles import DEPLOYER, GIVEN

MODULE = "local.setup_deployment"
GITHUB = ("--github", "contoso/ado-connector")
PAGE = ROOT / "docs" / "deploy" / "pipelines.md"


@pytest.fixture
def azure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Azure:
    return Azure(tmp_path, capfd)


def roles(azure: Azure) -> dict[tuple[str, str], str]:
    return {(one["role"], one["scope"]): one["condition"] or "" for one in azure.kept["assignments"]}


def test_it_is_made_once(azure: Azure) -> None:
    first = azure.run(MODULE, *GITHUB)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "AZURE_CLIENT_ID=client-1",
        "AZURE_TENANT_ID=00000000-0000-0000-0000-00000000000b",
        f"AZURE_SUBSCRIPTION_ID={SUBSCRIPTION}",
        "AZURE_ENV_NAME=contoso",
        "AZURE_LOCATION=westeurope",
        "OPERATOR_ID=operator-object",
    ]
    (made,) = azure.kept["credentials"]
    assert made["issuer"] == "https://token.actions.githubusercontent.com"
    assert made["subject"] == "repo:contoso/ado-connector:environment:production"
    assert made["audiences"] == ["api://AzureADTokenExchange"]
    assert "password" not in json.dumps(azure.kept).lower()
    before = azure.changes
    again = azure.run(MODULE, *GITHUB)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "Everything is as it should be." in again.stderr
    assert azure.changes == before


def test_it_may_deploy_into_the_group_and_give_our_roles_there_and_no_more(azure: Azure) -> None:
    azure.run(MODULE, *GITHUB)
    whole = f"/subscriptions/{SUBSCRIPTION}"
    group = f"{whole}/resourceGroups/{GROUP}"
    contributor, administrator = DEPLOYER.values()
    assert set(roles(azure)) == {("starter", whole), (contributor, group), (administrator, group)}
    (starter,) = azure.kept["definitions"]
    assert starter["permissions"] == [{"actions": list(ACTIONS)}]
    assert {one.rsplit("/", 1)[1] for one in ACTIONS} == {"read", "write", "action"}
    assert all(one.startswith("Microsoft.Resources/") for one in ACTIONS)
    told = roles(azure)[administrator, group]
    ours = "{" + ", ".join(sorted({role.id for _, _, _, role in GIVEN})) + "}"
    assert told.count(ours) == 2
    assert "'Microsoft.Authorization/roleAssignments/write'" in told
    assert "'Microsoft.Authorization/roleAssignments/delete'" in told
    assert administrator not in told
    assert contributor not in told


def test_what_is_there_already_is_reached_where_it_is(azure: Azure) -> None:
    existing = {
        "EXISTING_KEY_VAULT_ID": "/vault",
        "EXISTING_SERVICE_BUS_ID": "/namespace",
        "EXISTING_LOG_ANALYTICS_ID": "/workspace",
    }
    azure.change(values={**azure.kept["values"], **existing})
    told = azure.run(MODULE, *GITHUB)
    contributor, administrator = DEPLOYER.values()
    assert {(role, scope) for role, scope in roles(azure) if scope in existing.values()} == {
        (administrator, "/vault"),
        (contributor, "/namespace"),
        (administrator, "/namespace"),
        ("92aaf0da-9dab-42b6-94a3-d43ce8d16293", "/workspace"),
    }
    assert "EXISTING_KEY_VAULT_ID=/vault\n" in told.stdout


def test_what_the_pipeline_is_told_is_no_secret_by_our_own_rule(azure: Azure) -> None:
    """ADO-LIB-021 looks at the variable group that it goes into."""
    told = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    names = [str(one["value"])[2:].partition("=")[0].rstrip("}") for one in told.values()]
    azure.change(values={**dict.fromkeys(names, "value-of-it"), **azure.kept["values"]})
    lines = azure.run(MODULE, *GITHUB).stdout.splitlines()
    assert {line.partition("=")[0] for line in lines} >= set(names)
    for name, _, value in (line.partition("=") for line in lines):
        assert looks_like_secret(name, value) == "", name


def test_a_dry_run_changes_nothing_and_says_what_would(azure: Azure) -> None:
    told = azure.run(MODULE, *GITHUB, "--dry-run")
    assert told.returncode == 0, told.stderr
    assert '[dry run] Registration "ado-connector-deploy-contoso": would be made.' in told.stderr
    assert "gives the roles of docs/deploy, and no other): would be given." in told.stderr
    assert azure.changes == []
    assert "AZURE_CLIENT_ID" not in told.stdout


def test_an_interrupted_one_goes_on(azure: Azure) -> None:
    azure.change(broken={"role assignment create": "ERROR: Principal does not exist in the directory."})
    first = azure.run(MODULE, *GITHUB)
    assert first.returncode == 1
    assert "Principal does not exist" in first.stderr
    azure.change(broken={})
    assert azure.run(MODULE, *GITHUB).returncode == 0
    assert len(roles(azure)) == 3
    assert [len(azure.kept[one]) for one in ("applications", "principals", "credentials")] == [1, 1, 1]


def test_roles_that_may_be_given_follow_the_templates(azure: Azure) -> None:
    azure.run(MODULE, *GITHUB)
    kept = azure.kept
    right = roles(azure)
    for one in kept["assignments"]:
        if one["condition"]:
            one["condition"] = "of an earlier version"
    kept["definitions"][0]["permissions"] = [{"actions": ["*"]}]
    azure.write(kept)
    told = azure.run(MODULE, *GITHUB)
    assert "is brought up to date" in told.stderr
    assert roles(azure) == right
    assert azure.kept["definitions"][0]["permissions"] == [{"actions": list(ACTIONS)}]


def test_subjects_with_ids_and_of_service_connections(azure: Azure) -> None:
    azure.run(MODULE, "--github", "contoso@12/ado-connector@34", "--github-environment", "blue")
    pipelines = ("--issuer", "https://login.microsoftonline.com/t/v2.0", "--subject", "/eid1/c/pub/t/x")
    azure.run(MODULE, *pipelines)
    assert [(one["issuer"], one["subject"]) for one in azure.kept["credentials"]] == [
        (
            "https://token.actions.githubusercontent.com",
            "repo:contoso@12/ado-connector@34:environment:blue",
        ),
        ("https://login.microsoftonline.com/t/v2.0", "/eid1/c/pub/t/x"),
    ]
    assert len({one["name"] for one in azure.kept["credentials"]}) == 2
    assert len(azure.kept["applications"]) == 1


def test_it_is_removed_whole(azure: Azure) -> None:
    empty = {name: azure.kept[name] for name in ("applications", "definitions", "assignments")}
    azure.run(MODULE, *GITHUB)
    made = azure.kept
    would = azure.run(MODULE, "--remove", "--dry-run")
    assert "would be deleted" in would.stderr
    assert {name: azure.kept[name] for name in empty} == {name: made[name] for name in empty}
    told = azure.run(MODULE, "--remove")
    assert (told.returncode, told.stdout) == (0, "")
    assert {name: azure.kept[name] for name in empty} == empty
    assert "There is nothing to remove." in azure.run(MODULE, "--remove").stderr


def test_before_the_first_deployment_it_says_what_to_do(azure: Azure) -> None:
    azure.change(values={"AZURE_ENV_NAME": "contoso"})
    told = azure.run(MODULE, *GITHUB)
    assert told.returncode == 1
    assert told.stderr == "AZURE_SUBSCRIPTION_ID: azd knows none. Deploy once by hand, with: azd up.\n"


def test_without_azd_it_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = Azure(tmp_path, capfd, programs=("az",)).run(MODULE, *GITHUB)
    assert (told.returncode, told.stderr.count("(azd)")) == (1, 1)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--github", "contoso"),
        ("--github", "contoso/x/y"),
        ("--github", "contoso/x", "--issuer", "https://x"),
        ("--github", "contoso/x", "--github-environment", " "),
        ("--issuer", "http://x", "--subject", "y"),
        ("--issuer", "https://x"),
    ],
)
def test_options_that_name_nobody_are_refused(azure: Azure, options: tuple[str, ...]) -> None:
    told = azure.run(MODULE, *options)
    assert told.returncode == 2
    assert "--github" in told.stderr
    assert azure.kept["calls"] == []


def test_the_page_tells_each_role_and_each_action() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(one in text for one in (*DEPLOYER, *ACTIONS, "Log Analytics Contributor"))
