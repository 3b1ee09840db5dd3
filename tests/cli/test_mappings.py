"""`mappings`: from images to code and to where they run, and back, with what each step rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.container import CloudResource, RegistryImage, ResourceKind
from shared.model.ids import OrganizationId, ProjectId
from shared.model.mapping import registry_node
from shared.model.run import CommitAuthor, MergedPullRequest, PipelineRun
from shared.ports import State
from shared.tracing.build_log import LogFindings
from shared.tracing.push_logs import PushedImage, PushTool
from shared.tracing.push_steps import LogPlan
from shared.tracing.references import ImageReference
from shared.tracing.registry_facts import Known, facts_of_registry_image
from shared.tracing.run_facts import RunPlace, could_not_read, facts_of_people, facts_of_run
from shared.tracing.running_facts import Resolved, facts_of_resource
from tests.cli.conftest import CommandLine

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACE = RunPlace(OrganizationId("o1"), "contoso", "Shop")
REPOSITORY = "11111111-2222-3333-4444-555555555555"
IMAGE = "contoso.azurecr.io/shop/web"
RUN = PipelineRun(
    7, ProjectId("p1"), NOON, "20260301.7", "succeeded", 3, "web-ci", REPOSITORY, "web", "TfsGit", "c" * 40,
    "refs/heads/main", 17, "ada@contoso.com",
)  # fmt: skip
PLAN = LogPlan(5, ("docker push",))


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def place(letter: str, tag: str = "1.0") -> ImageReference:
    return ImageReference("contoso.azurecr.io", "shop/web", tag, digest(letter))


def push(state: State, run: PipelineRun, *images: ImageReference) -> None:
    pushed = tuple(PushedImage(one, PushTool.DOCKER, 4, "1.0: digest: \u2026") for one in images)
    state.record_mappings(facts_of_run(run, PLACE, PLAN, LogFindings(pushed), run.finished_at))


def resource(state: State, reference: str, name: str, leads_to: str = "") -> None:
    found = CloudResource(
        f"/subscriptions/s/{name}", name, ResourceKind.CONTAINER_APP, "s", images=(reference,)
    )
    resolved = Resolved(leads_to, "" if leads_to else "the registry is not read")
    state.record_mappings(facts_of_resource(found, lambda _: resolved, NOON))


def held(state: State, image: RegistryImage, at: datetime = NOON, commit: str = "") -> None:
    known = Known(lambda claim: (OrganizationId("o1"), REPOSITORY if claim.commit else ""), state.node)
    facts = facts_of_registry_image(image, place(image.digest[-1], ""), known, at, at.isoformat())
    assert commit == "" or any(commit == edge.detail for edge in facts.edges)
    state.record_mappings(facts)


def test_the_way_of_an_image_and_what_it_rests_on(ado: CommandLine, state: State) -> None:
    push(state, RUN, place("a"))
    resource(state, f"{IMAGE}:1.0", "shop-app", digest("a"))
    told = ado.json("mappings", "trace", f"{IMAGE}:1.0")
    assert told["digest"] == digest("a")
    (origin,) = told["origins"]
    assert (origin["run"], origin["runNumber"], origin["pipeline"], origin["project"]) == (
        7,
        "20260301.7",
        "web-ci",
        "Shop",
    )
    assert (origin["organization"], origin["repository"], origin["commit"]) == ("contoso", "web", "c" * 40)
    assert (origin["requestedBy"], origin["pullRequest"]) == ("ada@contoso.com", "17")
    (rest,) = origin["restsOn"]
    assert (rest["source"], rest["confidence"]) == ("pushLog", "claimed")
    assert (rest["evidence"]["log"], rest["evidence"]["step"]) == ("5", "docker push")
    assert [one["confidence"] for one in origin["runRestsOn"]] == ["attested"]
    (running,) = told["running"]
    assert (running["name"], running["by"]) == ("shop-app", "tag")
    text = ado("mappings", "trace", f"{IMAGE}@{digest('a')}").out
    for part in (
        "shop-app",
        "resolved when it was seen",
        "20260301.7",
        "web-ci",
        "c" * 40,
        "rests on pushLog",
    ):
        assert part in text
    assert ado.json("mappings", "trace", digest("a"))["origins"] == told["origins"]


def test_a_tag_that_moved_and_an_image_that_was_pushed_again(ado: CommandLine, state: State) -> None:
    later = replace(RUN, id=8, number="20260301.8", finished_at=NOON + timedelta(hours=1), commit="d" * 40)
    push(state, RUN, place("a"))
    push(state, later, place("b"), place("a", "stable"))
    told = ado.json("mappings", "trace", f"{IMAGE}:1.0")
    assert told["digest"] == digest("b")
    assert [one["digest"] for one in told["earlier"]] == [digest("a")]
    assert [one["run"] for one in told["origins"]] == [8]
    again = ado.json("mappings", "trace", f"{IMAGE}:stable")
    assert [one["run"] for one in again["origins"]] == [7, 8]
    assert again["contradictions"] == []


def test_each_platform_is_traced_by_its_index(ado: CommandLine, state: State) -> None:
    part = RegistryImage(digest("b"), "linux/arm64")
    held(state, RegistryImage(digest("a"), parts=(part,)))
    push(state, RUN, place("a"))
    told = ado.json("mappings", "trace", digest("b"))
    assert told["platform"] == "linux/arm64"
    assert [(one["run"], one["digest"]) for one in told["origins"]] == [(7, digest("a"))]
    assert told["related"] == [{"digest": digest("a"), "relation": "index", "platform": None}]


def test_sources_that_contradict_are_both_shown(ado: CommandLine, state: State) -> None:
    push(state, RUN, place("a"))
    labels = {
        "com.azure.dev.image.build.sourceversion": "e" * 40,
        "com.azure.dev.image.build.builduri": "vstfs:///Build/Build/7",
    }
    held(state, RegistryImage(digest("a"), labels=labels), commit="e" * 40)
    told = ado.json("mappings", "trace", digest("a"), code=1)
    assert {one["commit"] for one in told["origins"]} == {"c" * 40, "e" * 40}
    assert any("c" * 40 in one and "e" * 40 in one for one in told["contradictions"])
    assert "CONTRADICTED" in ado("mappings", "trace", digest("a"), code=1).out


def test_what_is_unmapped_is_listed_with_the_reason(ado: CommandLine, state: State) -> None:
    held(state, RegistryImage(digest("a")))
    state.record_mappings(facts_of_run(RUN, PLACE, PLAN, LogFindings(), NOON))
    state.record_mappings(could_not_read(registry_node("x.azurecr.io"), "Denied. Grant AcrPull.", NOON))
    rows = {one["kind"]: one for one in ado.json("mappings", "list", "--unmapped")}
    assert "no label and no provenance" in rows["image"]["reason"]
    assert "tells no image" in rows["pipeline"]["reason"]
    assert rows["registry"]["reason"] == "Denied. Grant AcrPull."
    told = ado.json("mappings", "trace", digest("a"), code=2)
    assert told["origins"] == []
    assert "no label and no provenance" in told["unknown"][0]
    push(state, replace(RUN, finished_at=NOON + timedelta(hours=1)), place("a"))
    assert {one["kind"] for one in ado.json("mappings", "list", "--unmapped")} == {"registry"}


def test_images_of_a_repository(ado: CommandLine, state: State) -> None:
    push(state, RUN, place("a"))
    push(state, replace(RUN, id=8, repository="https://example.com/other.git"), place("b"))
    address = ado.json("mappings", "list", "--repository", "https://example.com/other")
    assert [one["key"] for one in address] == [digest("b")]
    wrong = ado("mappings", "list", "--repository", "nothing", code=2)
    assert 'no repository "nothing" is known' in wrong.err


def test_every_fact_is_shown(ado: CommandLine, state: State) -> None:
    push(state, RUN, place("a"))
    rows = ado.json("mappings", "show", digest("a"))
    assert {one["relation"] for one in rows} == {"builtBy", "builtFrom", "storedIn", "names"}
    assert "pushLog" in ado("mappings", "show", digest("a")).out


@pytest.mark.parametrize(
    "wrong", ["", "@", "x@sha256:12", "contoso.azurecr.io/shop/none:1", "\x1b[2J", digest("f"), "a" * 5_000]
)
def test_what_is_not_known_or_no_image_is_said(ado: CommandLine, state: State, wrong: str) -> None:
    push(state, RUN, place("a"))
    ended = ado("mappings", "trace", wrong, code=2)
    assert ended.err.startswith("Error: IMAGE: ")
    assert (ended.out, "\x1b" in ended.err) == ("", False)


def test_what_others_wrote_never_reaches_the_terminal_raw(ado: CommandLine, state: State) -> None:
    push(state, replace(RUN, pipeline_name="ci\x1b[2J", requested_for="a\u202eb"), place("a"))
    out = ado("mappings", "trace", digest("a")).out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_people_that_were_not_asked_for_are_unknown_and_nobody_is_nobody(
    ado: CommandLine, state: State
) -> None:
    run = replace(RUN, pull_request=0)
    push(state, run, place("a"))
    (origin,) = ado.json("mappings", "trace", digest("a"))["origins"]
    assert (origin["author"], origin["pullRequestAsked"], origin["approvers"]) == (None, False, None)
    author = CommitAuthor("Ada", "ada@contoso.com")
    state.record_mappings(facts_of_people(run, PLACE.organization, author, None, NOON + timedelta(hours=1)))
    out = ado("mappings", "trace", digest("a")).out
    assert "Pull request:  none" in out
    assert "Author:        Ada <ada@contoso.com>" in out
    assert "author rests on azureDevOps, claimed" in out
    request = MergedPullRequest(17)
    state.record_mappings(facts_of_people(run, PLACE.organization, None, request, NOON + timedelta(hours=2)))
    out = ado("mappings", "trace", digest("a")).out
    assert "Pull request:  17" in out
    assert "Approved by:   nobody" in out
