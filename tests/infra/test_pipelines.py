"""The pipelines test what is deployed, deploy only what was released, and hold no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.bicep import INFRA, ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
AZURE_PIPELINES = ROOT / "azure-pipelines.yml"
FILES = [*sorted(WORKFLOWS.glob("*.yml")), AZURE_PIPELINES]
PYTHONS = {"3.11", "3.13"}

PINNED = re.compile(r"uses: ([\w.-]+/[\w.-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+")

PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
CHOICES = {str(one["value"])[2:].partition("=")[0].rstrip("}") for one in PARAMETERS.values()}


def read(file: Path) -> dict[str, Any]:
    """What YAML makes of it; `on`, which it takes for true, by its name."""
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in told.items()}


TEST, DEPLOY = read(WORKFLOWS / "test.yml"), read(WORKFLOWS / "deploy.yml")
AZURE = read(AZURE_PIPELINES)
STAGES = {one["stage"]: one for one in AZURE["stages"]}
AZURE_DEPLOY = STAGES["deploy"]["jobs"][0]


def steps(told: object) -> Iterator[dict[str, Any]]:
    """Every step of a pipeline, in order."""
    if isinstance(told, dict):
        for key, value in told.items():
            if key == "steps":
                yield from value
            else:
                yield from steps(value)
    elif isinstance(told, list):
        for value in told:
            yield from steps(value)


def commands(told: object) -> list[str]:
    """What its steps run, in order."""
    found = [
        one.get("run") or one.get("script") or one.get("inputs", {}).get("inlineScript") or ""
        for one in steps(told)
    ]
    return [one for one in found if one]


EVERY = pytest.mark.parametrize("file", FILES, ids=lambda one: one.name)


# --- both -------------------------------------------------------------------------------------------------


@EVERY
def test_no_secret_is_in_it_or_asked_for(file: Path) -> None:
    text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
    assert (
        re.search(r"secrets[.\[]|secrets:|SYSTEM_ACCESSTOKEN|System\.AccessToken|github\.token", text) is None
    )
    assert re.search(r"(?i)password|client[-_]secret(?!_name)|\bcreds\b|\bpat\b|api[-_]?key", text) is None


@EVERY
def test_what_it_calls_is_there_and_may_be_run(file: Path) -> None:
    called = set(re.findall(r"\bscripts/([\w-]+)", file.read_text(encoding="utf-8")))
    assert called
    for name in called:
        assert (ROOT / "scripts" / name).stat().st_mode & 0o111, name


@EVERY
def test_nothing_that_others_write_is_put_into_a_command(file: Path) -> None:
    """A name of a branch or a title would be run as part of it."""
    for one in commands(read(file)):
        assert "${{" not in one
        assert "$(" not in one


@EVERY
def test_machines_and_time_are_bounded(file: Path) -> None:
    told = read(file)
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:runs-on|vmImage): (.+)", text)) == {"ubuntu-24.04"}
    jobs = (
        [job for stage in told["stages"] for job in stage["jobs"]]
        if "stages" in told
        else [one for one in told["jobs"].values() if "uses" not in one]
    )
    assert jobs
    assert all((one.get("timeout-minutes") or one.get("timeoutInMinutes") or 999) <= 60 for one in jobs)


@EVERY
def test_the_repository_is_read_without_leaving_a_token_behind(file: Path) -> None:
    for one in steps(read(file)):
        if str(one.get("uses", "")).startswith("actions/checkout@"):
            assert one["with"] == {"persist-credentials": False}
        if "checkout" in one:
            assert one["persistCredentials"] is False


@pytest.mark.parametrize("told", [TEST, STAGES["test"]], ids=["github", "azure"])
def test_it_tests_as_a_developer_does(told: dict[str, Any]) -> None:
    assert commands(told) == ["scripts/check", "scripts/lock --check", "scripts/test"]
    assert all((ROOT / one.split()[0]).is_file() for one in commands(told))
    # What holds before a change lands is the same wherever it is asked.
    for one in commands(told):
        assert one in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("told", [DEPLOY["jobs"]["deploy"], AZURE_DEPLOY], ids=["github", "azure"])
def test_it_deploys_a_release_without_asking_and_looks_whether_it_runs(told: dict[str, Any]) -> None:
    text = "\n".join(commands(told))
    order = [
        "scripts/deployment released",
        "azd provision --no-prompt",
        "azd deploy --no-prompt",
        "scripts/deployment check",
    ]
    found = [text.index(one) for one in order]
    assert found == sorted(found)


def test_the_same_azd_deploys() -> None:
    (github,) = (
        one["with"]["version"] for one in steps(DEPLOY) if one.get("uses", "").startswith("Azure/setup-azd@")
    )
    (azure,) = (one["env"]["VERSION"] for one in steps(AZURE_DEPLOY) if "VERSION" in one.get("env", {}))
    assert github == azure
    assert re.fullmatch(r"1\.\d+\.\d+", github)
    required = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["requiredVersions"]["azd"]
    least = required.removeprefix(">= ")
    assert [int(one) for one in github.split(".")] >= [int(one) for one in least.split(".")]


# --- GitHub -----------------------------------------------------------------------------------------------


def test_every_action_is_pinned_to_a_commit() -> None:
    found = set()
    for file in WORKFLOWS.glob("*.yml"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "uses:" not in line or "uses: ./" in line:
                continue
            pinned = PINNED.fullmatch(line.strip().removeprefix("- "))
            assert pinned, line
            found.add((pinned[1], pinned[2]))
    assert {name for name, _ in found} == {
        "actions/checkout",
        "actions/setup-node",
        "actions/setup-python",
        "Azure/login",
        "Azure/setup-azd",
    }
    assert len(found) == len({name for name, _ in found})


def test_permissions_are_the_least() -> None:
    assert TEST["permissions"] == {"contents": "read"}
    assert DEPLOY["permissions"] == {}
    assert DEPLOY["jobs"]["test"]["permissions"] == {"contents": "read"}
    assert DEPLOY["jobs"]["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert all("permissions" not in one for one in TEST["jobs"].values())


def test_a_pull_request_is_tested_and_never_deploys() -> None:
    assert set(TEST["on"]) == {"pull_request", "push", "workflow_call"}
    assert DEPLOY["on"] == {"push": {"tags": ["v*"]}, "workflow_dispatch": None}
    assert "pull_request_target" not in "".join(file.read_text(encoding="utf-8") for file in FILES)


def test_a_deployment_is_tested_approved_and_alone() -> None:
    jobs = DEPLOY["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert jobs["deploy"]["needs"] == "test"
    assert jobs["deploy"]["environment"] == "production"
    assert DEPLOY["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_both_pythons_are_tested() -> None:
    (job,) = TEST["jobs"].values()
    assert set(job["strategy"]["matrix"]["python"]) == PYTHONS
    assert job["strategy"]["fail-fast"] is False
    assert job["env"]["PYTHON"] == "python"


def test_it_signs_in_by_federation() -> None:
    deploy = DEPLOY["jobs"]["deploy"]
    (login,) = (one["with"] for one in steps(deploy) if one.get("uses", "").startswith("Azure/login@"))
    assert set(login) == {"client-id", "tenant-id", "subscription-id"}
    assert "--federated-credential-provider github" in "\n".join(commands(deploy))


def test_every_choice_reaches_the_templates() -> None:
    told = DEPLOY["jobs"]["deploy"]["env"]
    who = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    assert set(told) == CHOICES | who
    assert all(value == f"${{{{ vars.{name} }}}}" for name, value in told.items())


# --- Azure Pipelines --------------------------------------------------------------------------------------


def test_every_task_is_one_of_microsofts_own_with_its_version() -> None:
    tasks = {one["task"] for one in steps(AZURE) if "task" in one}
    assert tasks == {"AzureCLI@2", "UseNode@1", "UsePythonVersion@0"}


def test_azure_pipelines_deploy_only_a_tag_and_never_a_pull_request() -> None:
    assert AZURE["trigger"] == {"branches": {"include": ["main"]}, "tags": {"include": ["v*"]}}
    stage = STAGES["deploy"]
    assert stage["dependsOn"] == "test"
    condition = " ".join(stage["condition"].split())
    assert condition == (
        "and(succeeded(), ne(variables['Build.Reason'], 'PullRequest'), "
        "startsWith(variables['Build.SourceBranch'], 'refs/tags/v'))"
    )


def test_azure_pipelines_are_approved_and_alone() -> None:
    assert AZURE["lockBehavior"] == "sequential"
    assert AZURE_DEPLOY["deployment"] == "deploy"
    assert AZURE_DEPLOY["environment"] == "production"
    assert STAGES["deploy"]["variables"] == [{"group": "ado-connector"}]
    assert "variables" not in AZURE
    assert "variables" not in STAGES["test"]


def test_azure_pipelines_test_both_pythons() -> None:
    (job,) = STAGES["test"]["jobs"]
    assert {one["python"] for one in job["strategy"]["matrix"].values()} == PYTHONS
    assert all(
        one.get("env") == {"PYTHON": "python"} for one in job["steps"] if one.get("script") == "scripts/check"
    )


def test_azure_pipelines_sign_in_by_the_service_connection() -> None:
    (inputs,) = (one["inputs"] for one in steps(AZURE_DEPLOY) if one.get("task") == "AzureCLI@2")
    assert inputs["azureSubscription"] == "ado-connector"
    assert inputs["keepAzSessionActive"] is True
    assert "azd config set auth.useAzCliAuth true" in inputs["inlineScript"]


# --- what our own recommendations say of it ---------------------------------------------------------------


def test_the_page_names_the_rules_that_look_at_it() -> None:
    text = (ROOT / "docs" / "deploy" / "pipelines.md").read_text(encoding="utf-8")
    named = re.findall(r"\.\./rules/([\w-]+)\.md", text)
    assert len(named) >= 10
    for one in named:
        assert (ROOT / "docs" / "rules" / f"{one}.md").is_file(), one
