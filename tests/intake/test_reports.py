"""Reports of pipelines' jobs, over HTTP through the app's own trigger, and what becomes of them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from shared.model.mapping import (
    Confidence,
    Direction,
    EdgeKind,
    NodeKind,
    Source,
    image_node,
    pipeline_node,
    repository_node,
    run_node,
    tag_node,
)
from shared.model.organization import OnboardingState
from tests.intake.bench import CONTOSO, DIGEST, Bench, opened, report

REPOSITORY = "5f0c2d1e-0000-4000-8000-000000000001"
COMMIT = "c291ea713801eb300054d353d279e7b02331f671"


def test_a_report_leads_from_the_image_to_run_pipeline_repository_and_commit(bench: Bench) -> None:
    answer = bench.send(report("42", "latest"))
    assert (answer.status, answer.document["images"]) == (200, 2)
    edges = {(one.kind, one.end, one.detail): one for one in bench.edges(image_node(DIGEST))}
    run = run_node(CONTOSO, 5)
    built = edges[EdgeKind.BUILT_BY, run, ""]
    assert (built.source, built.confidence) == (Source.REPORT, Confidence.CLAIMED)
    assert built.evidence["job"] == "contoso/web/web-ci"
    assert (EdgeKind.BUILT_FROM, repository_node(REPOSITORY), COMMIT) in edges
    assert [one.detail for (kind, _, _), one in edges.items() if kind is EdgeKind.STORED_IN] == ["web"]
    (of_pipeline,) = [one for one in bench.edges(run) if one.kind is EdgeKind.RUN_OF]
    assert (of_pipeline.end, of_pipeline.confidence) == (pipeline_node(CONTOSO, 1), Confidence.ATTESTED)
    (names,) = bench.edges(tag_node("contoso.azurecr.io", "web", "latest"))
    assert (names.end, names.seen_at) == (image_node(DIGEST), bench.clock.now())
    node = bench.runtime.state.node(run)
    assert node is not None
    assert node.attributes == {"commit": COMMIT, "branch": "refs/heads/main"}
    assert bench.nodes(NodeKind.IMAGE) == [DIGEST], "the base image is on the agent, and was not pushed"


def test_a_job_that_pushed_nothing_shows_that_its_pipeline_reports(bench: Bench) -> None:
    answer = bench.send({"dockerVersion": "Docker version 26.1.3", "dockerEvents": [], "dockerImages": [""]})
    assert (answer.status, answer.document["images"]) == (200, 0)
    (edge,) = bench.edges(pipeline_node(CONTOSO, 1))
    assert (edge.source, edge.seen_at) == (Source.REPORT, bench.clock.now())


def test_a_report_of_windows(bench: Bench) -> None:
    told = report("42")
    told["dockerEvents"] = [f"{one}\r" for one in told["dockerEvents"]] + [""]
    told["dockerImages"] = [f"{one}\r" for one in told["dockerImages"]] + [""]
    assert bench.send(told).document["images"] == 1


def test_docker_that_does_not_answer_with_its_version(bench: Bench) -> None:
    assert bench.send(report("42", dockerVersion="Unknown")).status == 200


def test_a_push_without_a_digest_is_told_in_the_log(bench: Bench) -> None:
    told = report("42", digest="<none>")
    answer = bench.send(told)
    assert answer.status == 200
    assert answer.document["unresolved"] == ["contoso.azurecr.io/web:42"]
    assert bench.nodes(NodeKind.IMAGE) == []


def test_the_same_report_again_collapses_into_one(bench: Bench) -> None:
    token = bench.token()
    assert bench.send(report("42"), token).document["repeated"] is False
    stored = bench.stored()
    bench.clock.advance(minutes=1)
    again = bench.send(report("42"), token)
    assert (again.status, again.document["repeated"]) == (200, True)
    assert bench.stored() == stored
    other = bench.send(report("43"), token)
    assert (other.status, other.code) == (409, "TokenUsed")
    assert bench.stored() == stored


def test_two_runs_that_pushed_the_same_image_stand_side_by_side(bench: Bench) -> None:
    for run in (5, 6):
        assert bench.send(report("42"), bench.token(run=run)).status == 200
    found = [one.end for one in bench.edges(image_node(DIGEST)) if one.kind is EdgeKind.BUILT_BY]
    assert sorted(found) == [run_node(CONTOSO, 5), run_node(CONTOSO, 6)]


def test_a_repository_elsewhere_is_known_by_its_address(bench: Bench) -> None:
    token = bench.token(rpo_id="contoso/web", rpo_uri="https://someone:secret@GitHub.com/contoso/web.git")
    assert bench.send(report("42"), token).status == 200
    assert bench.nodes(NodeKind.REPOSITORY) == ["https://github.com/contoso/web"]


def test_keys_are_read_once_and_again_when_they_change(bench: Bench) -> None:
    for run in range(3):
        assert bench.send(report("42"), bench.token(run=run + 1)).status == 200
    assert [one.path for one in bench.simulator.requests] == ["/.well-known/jwks"]
    old = bench.token(run=8)
    bench.issuer.rotate()
    bench.clock.advance(seconds=31)
    assert bench.send(report("42"), bench.token(run=9)).status == 200
    assert bench.send(report("42"), old).code == "KeyUnknown"
    assert len(list(bench.simulator.requests)) == 2


def test_a_key_that_is_withdrawn_is_believed_for_an_hour_at_most(bench: Bench) -> None:
    assert bench.send(report("42")).status == 200
    bench.issuer.rotate(keep=True)
    withdrawn = bench.issuer._keys.pop(0)
    bench.issuer._keys.append(withdrawn)
    token = bench.token(now=(bench.clock.now().timestamp() + 3_600))
    bench.issuer._keys.pop()
    bench.clock.advance(hours=1)
    assert bench.send(report("42"), token).code == "KeyUnknown"


def test_made_up_key_ids_cause_no_storm(bench: Bench) -> None:
    assert bench.send(report("42")).status == 200
    for number in range(20):
        token = bench.issuer.signed(
            bench.issuer.claims(bench.issuer.key_id, now=bench.clock.now().timestamp()), kid=f"K{number}"
        )
        assert bench.send(report("42"), token).code == "KeyUnknown"
        bench.clock.advance(seconds=1)
    assert len(list(bench.simulator.requests)) == 1


def test_no_keys_now_is_no_verdict(tmp_path: Path) -> None:
    with opened(tmp_path, ado_gateway_url="http://127.0.0.1:9/none") as bench:
        answer = bench.send(report("42"))
        assert (answer.status, answer.code) == (503, "KeysUnavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert bench.stored() == 0


def test_an_organization_that_was_connected_just_now(bench: Bench) -> None:
    identifier = "0ca3ddd9-0000-4000-8000-000000000009"
    told = bench.send(report("42"), bench.token(identifier))
    assert told.code == "OrganizationUnknown"
    assert "ado-connector organizations onboard" in told.document["error"]["message"]
    bench.enroll(
        bench.runtime.state.connectors()[0],
        type(CONTOSO)("new"),
        "new",
        identifier,
        OnboardingState.ONBOARDED,
    )
    bench.clock.advance(seconds=31)
    assert bench.send(report("42"), bench.token(identifier)).status == 200


def test_more_reports_than_allowed_wait(tmp_path: Path) -> None:
    with opened(tmp_path, mapping_reports_per_minute=12) as bench:
        assert [bench.send(report("42"), bench.token(run=one)).status for one in (1, 2, 3)] == [200, 200, 429]
        assert bench.nodes(NodeKind.RUN) == [f"{CONTOSO}/1", f"{CONTOSO}/2"]
        refused = bench.send(report("42"), bench.token(run=3))
        bench.clock.advance(seconds=int(refused.headers["Retry-After"]))
        assert bench.send(report("42"), bench.token(run=3)).status == 200


def test_the_intake_can_be_off(tmp_path: Path) -> None:
    with opened(tmp_path, mapping_intake="off") as bench:
        assert bench.send(report("42")).code == "IntakeOff"
        assert bench.stored() == 0


def test_a_report_of_a_thousand_images(bench: Bench) -> None:
    told = report(*(f"v{number}" for number in range(1_000)))
    assert len(json.dumps(told)) < 200_000
    assert bench.send(told).document["images"] == 1_000
    assert len(bench.runtime.state.edges(image_node(DIGEST), Direction.IN, limit=2_000).edges) == 1_000


def test_the_token_is_kept_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path, log_level="debug") as bench, caplog.at_level(logging.DEBUG):
        token = bench.token()
        bench.send(report("42"), token)
        bench.send(report("43"), token)
        bench.send(report("43"), f"{token}x")
        kept = b"".join(one.read_bytes() for one in tmp_path.iterdir() if one.is_file())
    assert "report.kept" in caplog.text
    assert "report.refused" in caplog.text
    assert DIGEST.encode() in kept
    for part in token.split("."):
        assert part not in caplog.text
        assert part.encode() not in kept
