"""Images are traced to runs and commits, and to where they run: through the whole app, against simulators."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from local.ado_simulator import Fault, Project, Repository, RunStep, SimulatedRegistry, World
from local.ado_simulator.resource_graph import SimulatedAzure
from local.ado_simulator.resources import Definition, Run
from shared.model.connector import ConnectorOptions
from shared.model.ids import ProjectId
from shared.model.mapping import (
    Confidence,
    Direction,
    Edge,
    EdgeKind,
    NodeId,
    Source,
    cloud_resource_node,
    image_node,
    pipeline_node,
    project_node,
    registry_node,
    repository_node,
    run_node,
    tag_node,
)
from shared.model.work import WorkKind
from shared.tracing.run_facts import UNMAPPED, UNREAD
from shared.tracing.running_facts import subscription_node
from tests.scenarios.bench import Bench
from tests.scenarios.conftest import MakeBench
from tests.scenarios.test_slices import BusyClock

HOST = "contoso.azurecr.io"
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
EVERYTHING = ConnectorOptions(read_build_logs=True, registries=(HOST,), subscriptions=(SUBSCRIPTION,))
LOGS = ConnectorOptions(read_build_logs=True)
OUT, IN = Direction.OUT, Direction.IN


@pytest.fixture
def project(world: World) -> Project:
    return next(iter(world.organizations[0].projects.values()))


@pytest.fixture
def code(project: Project) -> Repository:
    return project.add_repository("web")


@pytest.fixture
def pipeline(project: Project, code: Repository) -> Definition:
    return project.add_definition("web-ci", repository=code)


@pytest.fixture
def registry(world: World) -> SimulatedRegistry:
    return world.add_registry(HOST)


@pytest.fixture
def azure(world: World) -> SimulatedAzure:
    return world.add_azure()


@pytest.fixture(autouse=True)
def identity_of_the_app(bench: Bench, azure: SimulatedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    azure.readable.add(SUBSCRIPTION)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{bench.simulator.url}/managed-identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")


def docker_push(name: str, tag: str, digest: str) -> list[str]:
    return [f"The push refers to repository [{HOST}/{name}]", f"{tag}: digest: {digest} size: 1994"]


def acr_build(name: str, tag: str, digest: str) -> list[str]:
    image = {"registry": HOST, "repository": name, "tag": tag, "digest": digest}
    return ["- image:", *(f"    {key}: {value}" for key, value in image.items())]


def out(bench: Bench, node: NodeId, *kinds: EdgeKind) -> list[Edge]:
    return [one for one in bench.state.edges(node, OUT).edges if one.kind in kinds and one.ended_at is None]


def built(bench: Bench, digest: str) -> dict[Source, tuple[str, Confidence]]:
    edges = out(bench, image_node(digest), EdgeKind.BUILT_BY)
    return {one.source: (one.end.key.rpartition("/")[2], one.confidence) for one in edges}


def commits(bench: Bench, digest: str) -> dict[Source, tuple[str, str]]:
    edges = out(bench, image_node(digest), EdgeKind.BUILT_FROM)
    return {one.source: (one.end.key, one.detail) for one in edges}


def paths(bench: Bench) -> list[str]:
    return [one.path for one in bench.simulator.requests if "/build/builds" in one.path]


def reads(bench: Bench, runs: Iterable[Run]) -> dict[int, int]:
    """Requests for the timeline and the logs of each run."""
    return {one.id: sum(f"/builds/{one.id}/" in path for path in paths(bench)) for one in runs}


def work(bench: Bench, name: str) -> Any:
    return bench.work(name, WorkKind.IMAGES)


def test_reading_logs_costs_two_requests_a_run_and_none_again(
    bench: Bench, project: Project, pipeline: Definition, name: str
) -> None:
    digests = [f"sha256:{number:064x}" for number in range(6)]
    pushed = [
        project.add_run(
            pipeline,
            [
                RunStep("test", ["ok"]),
                RunStep("build image", ["built"]),
                RunStep("docker push", docker_push("shop/web", str(number), digest)),
                RunStep("deploy", ["done"]),
            ],
            finished=bench.clock.now(),
        )
        for number, digest in enumerate(digests)
    ]
    silent = project.add_run(pipeline, [RunStep("test", ["ok"])], finished=bench.clock.now())
    bench.connect(options=LOGS)
    bench.run()
    asked = reads(bench, [*pushed, silent])
    assert all(count == 2 for run, count in asked.items() if run != silent.id), asked
    assert asked[silent.id] == 1
    for run, digest in zip(pushed, digests, strict=True):
        assert built(bench, digest) == {Source.PUSH_LOG: (str(run.id), Confidence.CLAIMED)}
    bench.simulator.reset_requests()
    bench.run(hours=5)
    assert set(reads(bench, [*pushed, silent]).values()) == {0}
    late = project.add_run(
        pipeline,
        [RunStep("docker push", docker_push("a", "1", "sha256:" + "f" * 64))],
        finished=bench.clock.now(),
    )
    bench.run(hours=5)
    assert reads(bench, [*pushed, silent, late]) == {**dict.fromkeys(asked, 0), late.id: 2}
    assert work(bench, name).last_failure is None


def test_nothing_is_read_that_no_connector_asks_for(
    bench: Bench, project: Project, pipeline: Definition
) -> None:
    project.add_run(pipeline, [RunStep("docker push", docker_push("a", "1", "sha256:" + "f" * 64))])
    bench.connect()
    bench.run()
    assert paths(bench) == []
    assert list(bench.state.work(kind=WorkKind.IMAGES)) == []


def test_two_pipelines_retagged_and_several_platforms(
    bench: Bench, project: Project, code: Repository, pipeline: Definition, registry: SimulatedRegistry
) -> None:
    other = project.add_definition("nightly", repository=code)
    parts = {
        platform: registry.push("shop/web", platform=platform, content=platform)
        for platform in ("linux/amd64", "linux/arm64")
    }
    index = registry.push_index("shop/web", "2.0", parts=parts)
    again = registry.push("shop/web", "1.0", content="nightly")
    now = bench.clock.now()
    first = project.add_run(
        pipeline,
        [RunStep("docker buildx", [f"#9 pushing manifest for {HOST}/shop/web:2.0@{index} 0.3s done"])],
        finished=now,
    )
    second = project.add_run(
        other, [RunStep("docker push", docker_push("shop/web", "2.0", again))], finished=now
    )
    third = project.add_run(
        other, [RunStep("docker push", docker_push("shop/web", "1.0", again))], finished=now
    )
    bench.connect(options=EVERYTHING)
    bench.run()
    # The registry has both under the name that the logs told.
    assert built(bench, index) == {Source.PUSH_LOG: (str(first.id), Confidence.MATCHED)}
    by = out(bench, image_node(again), EdgeKind.BUILT_BY)
    assert {one.end for one in by} == {
        run_node(bench.organization(one.name).id, run.id)
        for one in (bench.world.organizations[0],)
        for run in (second, third)
    }
    for platform, digest in parts.items():
        (part,) = out(bench, image_node(digest), EdgeKind.PART_OF)
        assert (part.end, part.detail) == (image_node(index), platform)
    # The tag moves: both observations stay, the newer first.
    registry.tag("shop/web", "2.0", again)
    bench.run(hours=5)
    named = bench.state.edges(tag_node(HOST, "shop/web", "2.0"), OUT, EdgeKind.NAMES).edges
    newest = [one.end for one in named if one.source is Source.REGISTRY]
    assert newest == [image_node(again), image_node(index)]


def test_kaniko_with_labels_acr_build_by_its_log_and_provenance(
    bench: Bench,
    project: Project,
    code: Repository,
    pipeline: Definition,
    registry: SimulatedRegistry,
    name: str,
) -> None:
    commit, now = "c" * 40, bench.clock.now()
    home = f"https://dev.azure.com/{name}"
    url = f"{home}/{project.name}/_git/web".replace(" ", "%20")
    run = project.add_run(pipeline, [RunStep("test")], commit=commit, finished=now)
    labels = {
        "com.azure.dev.image.build.sourceversion": commit,
        "com.azure.dev.image.build.repository.uri": url,
        "com.azure.dev.image.build.builduri": f"vstfs:///Build/Build/{run.id}",
        "com.azure.dev.image.system.teamfoundationcollectionuri": f"{home}/",
    }
    labelled = registry.push("kaniko", "1", labels=labels)
    by_log = registry.push("acr", "1", content="acr")
    acr = project.add_run(
        pipeline, [RunStep("az acr build", acr_build("acr", "1", by_log), task="AzureCLI")], finished=now
    )
    proven = registry.push("slsa", "1", content="slsa")
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"name": "slsa", "digest": {"sha256": proven.removeprefix("sha256:")}}],
        "predicate": {
            "buildDefinition": {
                "externalParameters": {"source": f"git+{url}@refs/heads/main"},
                "resolvedDependencies": [{"uri": f"git+{url}", "digest": {"gitCommit": commit}}],
            },
            "runDetails": {
                "builder": {"id": home},
                "metadata": {"invocationId": f"{home}/x/_build/results?buildId={acr.id}"},
            },
        },
    }
    registry.attach("slsa", proven, statement)
    bench.connect(options=EVERYTHING)
    bench.run()
    assert commits(bench, labelled) == {Source.LABEL: (code.id, commit)}
    assert commits(bench, by_log) == {Source.PUSH_LOG: (code.id, acr.commit)}
    assert commits(bench, proven) == {Source.ATTESTATION: (code.id, commit)}
    # Azure DevOps says that the run built another commit: the claim stays one, and says so.
    (claim,) = out(bench, image_node(proven), EdgeKind.BUILT_BY)
    assert claim.confidence is Confidence.CLAIMED
    assert acr.commit in claim.evidence["contradicts"]
    assert claim.evidence["signature"] == "none"


def test_who_wrote_and_who_approved_it(
    bench: Bench, project: Project, code: Repository, pipeline: Definition, name: str
) -> None:
    commit, digest = "d" * 40, "sha256:" + "d" * 64
    code.authors[commit] = ("Ada Example", "ada@example.com")
    code.merges[commit] = (17, {"bo@example.com": 10, "cy@example.com": -5, "di@example.com": 5})
    steps = [RunStep("docker push", docker_push("a", "1", digest))]
    run = project.add_run(pipeline, steps, commit=commit, finished=bench.clock.now())
    bench.connect(options=LOGS)
    bench.run()
    node = run_node(bench.organization(name).id, run.id)
    (author,) = out(bench, node, EdgeKind.AUTHORED_BY)
    assert bench.state.node(author.end).name == "Ada Example <ada@example.com>"
    assert author.confidence is Confidence.CLAIMED
    approved = out(bench, node, EdgeKind.APPROVED_BY)
    assert {(one.end.key, one.detail) for one in approved} == {
        ("bo@example.com", "17"),
        ("di@example.com", "17"),
    }
    assert bench.state.node(node).attributes["pullRequest"] == "17"


def test_what_runs_by_digest_by_tag_and_in_clusters(
    bench: Bench, azure: SimulatedAzure, registry: SimulatedRegistry
) -> None:
    digest = registry.push("shop/web", "1.0")
    newer = registry.push("shop/web", content="newer")
    fixed = azure.add_container_app(SUBSCRIPTION, "fixed", f"{HOST}/shop/web@{digest}")
    moving = azure.add_container_app(SUBSCRIPTION, "moving", f"{HOST}/shop/web:1.0")
    foreign = azure.add_container_app(SUBSCRIPTION, "foreign", "ghcr.io/other/app:2")
    cluster = azure.add(SUBSCRIPTION, "Microsoft.ContainerService/managedClusters", "aks", {})
    bench.connect(options=EVERYTHING)
    bench.run()
    (edge,) = out(bench, cloud_resource_node(fixed), EdgeKind.RUNS)
    assert (edge.end, edge.evidence["by"]) == (image_node(digest), "digest")
    (edge,) = out(bench, cloud_resource_node(moving), EdgeKind.RUNS)
    assert (edge.end, edge.evidence["by"]) == (image_node(digest), "tag")
    assert edge.evidence["resolvedAt"] == edge.seen_at.isoformat()
    (edge,) = out(bench, cloud_resource_node(foreign), EdgeKind.RUNS)
    assert edge.end == tag_node("ghcr.io", "other/app", "2")
    assert "Add it to registries" in edge.evidence["unknown"]
    assert (
        "only the cluster itself knows" in bench.state.node(cloud_resource_node(cluster)).attributes[UNREAD]
    )
    registry.tag("shop/web", "1.0", newer)
    bench.run(hours=5)
    (edge,) = out(bench, cloud_resource_node(moving), EdgeKind.RUNS)
    assert edge.end == image_node(newer)


def test_what_is_denied_is_unknown_with_the_fix_and_the_rest_goes_on(
    bench: Bench,
    azure: SimulatedAzure,
    project: Project,
    pipeline: Definition,
    registry: SimulatedRegistry,
    name: str,
) -> None:
    registry.push("shop/web", "1.0")
    registry.entra_token = "another"
    azure.readable.clear()
    run = project.add_run(pipeline, [RunStep("docker push", ["x"])], finished=bench.clock.now())
    bench.simulator.add_fault(Fault("access-denied", path=f"{project.id}/_apis/build/builds"))
    bench.connect(options=EVERYTHING)
    bench.run()
    for node in (project_node(ProjectId(project.id)), registry_node(HOST), subscription_node(SUBSCRIPTION)):
        assert bench.state.node(node).attributes[UNREAD], node
    assert reads(bench, [run]) == {run.id: 0}
    assert work(bench, name).last_failure is None


def test_a_pipeline_that_pushes_and_tells_no_digest_is_unmapped_with_the_reason(
    bench: Bench, project: Project, code: Repository, pipeline: Definition, name: str
) -> None:
    hostile = [
        "\x1b[2J",
        "1.0: digest: sha256:../../etc size: 1",
        "A" * 100_000,
        "Pushed \u202e@sha256:" + "a" * 64,
    ]
    project.add_run(pipeline, [RunStep("docker push", hostile)], finished=bench.clock.now())
    bench.connect(options=LOGS)
    bench.run()
    node = bench.state.node(pipeline_node(bench.organization(name).id, pipeline.id))
    assert "the log of docker push tells no image" in node.attributes[UNMAPPED]
    digest = "sha256:" + "e" * 64
    project.add_run(
        pipeline, [RunStep("docker push", docker_push("a", "1", digest))], finished=bench.clock.now()
    )
    bench.run(hours=5)
    node = bench.state.node(pipeline_node(bench.organization(name).id, pipeline.id))
    assert node.attributes[UNMAPPED] == ""
    assert bench.state.edges(repository_node(code.id), IN, EdgeKind.BUILT_FROM).edges


def test_an_outage_in_the_middle_loses_nothing_and_reads_nothing_twice(
    bench: Bench, project: Project, pipeline: Definition, name: str
) -> None:
    digests = [f"sha256:{number:064x}" for number in range(40)]
    runs = [
        project.add_run(
            pipeline,
            [RunStep("docker push", docker_push("a", str(number), digest))],
            finished=bench.clock.now() - timedelta(minutes=60 - number),
        )
        for number, digest in enumerate(digests)
    ]
    bench.connect(options=LOGS)
    bench.simulator.add_fault(Fault("status", path=f"builds/{runs[20].id}/timeline", status=503))
    bench.run()
    assert work(bench, name).last_failure is not None
    assert built(bench, digests[19])
    assert not built(bench, digests[20])
    before = reads(bench, runs)
    assert before[runs[0].id] == 2
    bench.simulator.clear_faults()
    bench.simulator.reset_requests()
    bench.run(hours=5)
    assert work(bench, name).last_failure is None
    assert all(built(bench, digest) for digest in digests)
    again = reads(bench, runs)
    # The one that failed was asked for at least once more; no other was read twice.
    assert again[runs[20].id] == 2
    assert all(before[run.id] + again[run.id] == 2 for run in runs if run is not runs[20])


def test_many_runs_are_read_slice_by_slice(make_bench: MakeBench, world: World) -> None:
    project = next(iter(world.organizations[0].projects.values()))
    pipeline = project.add_definition("web-ci", repository=project.add_repository("web"))
    bench = make_bench(time_slice="30s")
    bench.clock.__class__ = BusyClock
    digests = [f"sha256:{number:064x}" for number in range(60)]
    runs = [
        project.add_run(
            pipeline,
            [RunStep("docker push", docker_push("a", str(number), digest))],
            finished=bench.clock.now() + timedelta(seconds=number),
        )
        for number, digest in enumerate(digests)
    ]
    bench.connect(options=LOGS)
    bench.clock.pace = timedelta(seconds=1)  # type: ignore[attr-defined]
    bench.run()
    assert all(built(bench, digest) for digest in digests)
    assert set(reads(bench, runs).values()) == {2}
    listings = [one for one in paths(bench) if project.id in one and one.endswith("/builds")]
    assert len(listings) > 1, "it was one slice"


def test_a_registry_that_lets_nobody_list_it_is_read_where_a_log_named_a_repository(
    bench: Bench, project: Project, pipeline: Definition, registry: SimulatedRegistry
) -> None:
    digest = registry.push("shop/web", "1.0")
    registry.push("shop/other", "1.0")
    steps = [RunStep("docker push", docker_push("shop/web", "1.0", digest))]
    run = project.add_run(pipeline, steps, finished=bench.clock.now())
    bench.simulator.add_fault(Fault("status", host=HOST, path="/v2/_catalog", status=403))
    bench.connect(options=EVERYTHING)
    bench.run()
    assert built(bench, digest) == {Source.PUSH_LOG: (str(run.id), Confidence.MATCHED)}
    assert "Catalog Lister" in bench.state.node(registry_node(HOST)).attributes[UNREAD]
    assert not bench.state.edges(tag_node(HOST, "shop/other", "1.0"), OUT).edges


def test_what_an_image_says_of_itself_is_read_as_text_and_leads_nowhere_it_may_not(
    bench: Bench, registry: SimulatedRegistry
) -> None:
    labels = {
        "com.azure.dev.image.build.sourceversion": "../../etc/passwd",
        "com.azure.dev.image.build.builduri": "vstfs:///Build/Build/99999999999999999999",
        "com.azure.dev.image.build.repository.uri": "https://user:secret@dev.azure.com/x/y/_git/z",
        "com.azure.dev.image.system.teamfoundationcollectionuri": "https://evil.example/\x1b[2J",
        "org.opencontainers.image.revision": "\u202e" + "a" * 40,
        "org.opencontainers.image.source": "javascript:alert(1)",
    }
    digest = registry.push("shop/web", "1.0", labels=labels)
    registry.attach("shop/web", digest, b"[" * 100_000)
    registry.attach("shop/web", digest, {"_type": "https://in-toto.io/Statement/v1", "subject": 7})
    bench.connect(options=EVERYTHING)
    bench.run()
    assert built(bench, digest) == {}
    edges = bench.state.edges(image_node(digest), OUT).edges
    assert "secret" not in repr(edges)
    assert all(value.isprintable() for edge in edges for value in edge.evidence.values())
    hosts = {one.host for one in bench.simulator.requests}
    assert not any("evil" in host for host in hosts)
