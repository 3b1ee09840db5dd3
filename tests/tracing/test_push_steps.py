"""Which log of a run is worth its request."""

from __future__ import annotations

import pytest

from shared.model.run import TimelineRecord
from shared.tracing.push_steps import LogPlan, plan_logs, pushes

JOB = TimelineRecord("job", "phase", "Job", "Job", "succeeded", 90)


def step(
    name: str, task: str = "CmdLine", *, log: int = 7, job: str = "job", result: str = "succeeded"
) -> TimelineRecord:
    return TimelineRecord(f"{name}-{log}", job, "Task", name, result, log, task)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("anything", "Docker"),
        ("buildAndPush", "Docker"),
        ("docker push", "CmdLine"),
        ("Build with kaniko", "Bash"),
        ("az acr build", "AzureCLI"),
        ("Publish container", "DotNetCoreCLI"),
        ("Push image", ""),
    ],
)
def test_steps_that_push(name: str, task: str) -> None:
    assert pushes(step(name, task))


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("CmdLine", "CmdLine"),
        ("Run tests", "Bash"),
        ("dotnet build", "DotNetCoreCLI"),
        ("Pushover notification", "Bash"),
        ("Publish image of the disk", "PublishPipelineArtifact"),
        ("Initialize job", ""),
    ],
)
def test_steps_that_do_not(name: str, task: str) -> None:
    assert not pushes(step(name, task))


def test_a_name_can_be_told_by_pattern() -> None:
    assert pushes(step("Deliver to prod"), ["deliver*"])
    assert plan_logs([JOB, step("Deliver to prod")], ["DELIVER*"]).log == 7


def test_one_step_is_read_by_its_own_log() -> None:
    assert plan_logs([JOB, step("docker push"), step("test", log=8)]) == LogPlan(7, ("docker push",))


def test_several_steps_of_a_job_are_read_by_the_jobs_log() -> None:
    plan = plan_logs([JOB, step("docker push a", log=7), step("docker push b", log=8)])
    assert plan == LogPlan(90, ("docker push a", "docker push b"))


def test_a_job_without_a_log_leaves_steps_unread() -> None:
    plan = plan_logs([step("docker push a", log=7), step("docker push b", log=8)])
    assert plan == LogPlan(7, ("docker push a",), ("docker push b",))


def test_of_several_jobs_the_one_that_pushes_most_is_read_and_the_rest_is_told() -> None:
    other = step("docker push c", log=9, job="other")
    plan = plan_logs([other, JOB, step("docker push a", log=7), step("docker push b", log=8)])
    assert (plan.log, plan.unread) == (90, ("docker push c",))


@pytest.mark.parametrize(
    "records",
    [
        [],
        [JOB],
        [JOB, step("docker push", result="skipped")],
        [JOB, step("docker push", result="canceled")],
        [JOB, step("docker push", log=0)],
        [JOB, TimelineRecord("x", "job", "Checkpoint", "docker push", "succeeded", 5)],
    ],
)
def test_no_push_no_request(records: list[TimelineRecord]) -> None:
    assert plan_logs(records).log == 0


def test_the_decorators_log_is_read_unless_it_says_that_nothing_was_built() -> None:
    decorator = step("Post-job: MicrosoftSecurityDevOps", "MicrosoftSecurityDevOps", log=11)
    nothing = TimelineRecord("n", "job", "Task", "NoDockerEvents")
    assert plan_logs([JOB, decorator]) == LogPlan(11, (decorator.name,), decorated=True)
    assert plan_logs([JOB, decorator, nothing]) == LogPlan(decorated=True)
    assert plan_logs([JOB, decorator, step("docker push")]).log == 90
