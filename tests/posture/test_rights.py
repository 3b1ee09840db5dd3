"""Over the wire: a right that is taken away turns the rules that need it to unknown, and none to healthy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World
from shared.model.assessment import AssessmentStatus, Verdict
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.catalogue import RULES
from shared.posture.fact_sets import BY_KIND
from tests.posture.bench import HOUR, OTHERS_DECIDE, Bench
from tests.posture.builders import BRANCH_CONTROL

Said = dict[tuple[str, RuleId], Verdict]
UNKNOWN = AssessmentStatus.UNKNOWN
TEMPLATE = "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3"
TASK_CHECK = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
APPROVERS = {"approvers": [{"displayName": "Ada"}], "requesterCannotBeApprover": True}

ACCESS = {kind for kind in FactKind if kind.value.endswith("Access")}
KINDS: dict[str, set[FactKind]] = {
    "organizationpolicies": {FactKind.ORGANIZATION_POLICIES},
    "organizationpipelinesettings": {FactKind.ORGANIZATION_PIPELINE_SETTINGS},
    "retention": {FactKind.RETENTION},
    "extensions": {FactKind.EXTENSIONS},
    "auditstreams": {FactKind.AUDIT_STREAMS},
    "servicehooks": {FactKind.SERVICE_HOOKS},
    "agentpools": {FactKind.AGENT_POOLS},
    "entitlements": {FactKind.USERS},
    "graph": {FactKind.GROUPS},
    "identities": {FactKind.ADMINISTRATORS},
    "advancedsecurity": {FactKind.ADVANCED_SECURITY},
    "advancedsecurityalerts": {FactKind.ALERTS},
    "accesscontrollists": ACCESS,
    "generalsettings": {FactKind.PIPELINE_SETTINGS},
    "policies": {FactKind.BRANCH_POLICIES},
    "definitions": {FactKind.PIPELINES},
    "serviceendpoints": {FactKind.SERVICE_CONNECTIONS},
    "variablegroups": {FactKind.VARIABLE_GROUPS},
    "securefiles": {FactKind.SECURE_FILES},
    "environments": {FactKind.ENVIRONMENTS},
    "checks": {FactKind.CHECKS},
    "pipelinepermissions": {kind for kind in FactKind if kind.value.endswith("Permissions")},
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An organization that answers every question, with one of each thing."""
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path)
        fill(made)
        yield made
        made.close()


def fill(bench: Bench) -> None:
    truth = bench.truth
    project = truth.add_project("web")
    project.administrators.append(bench.world.identity.descriptor)
    for key in truth.pipeline_settings:
        project.set_setting(key, value=False)
    repository = project.add_repository("code")
    repository.set_security(secretProtectionEnabled=True, codeSecurityEnabled=True)
    for kind in ("secret", "code", "dependency"):
        repository.scan(kind)
    project.add_branch_policy(settings=OTHERS_DECIDE)
    connection = project.add_service_endpoint("prod azure", data={"scopeLevel": "Subscription"})
    group = project.add_variable_group("keys", {"key": {"isSecret": True}})
    file = project.add_secure_file("signing.pfx")
    environment = project.add_environment("prod")
    for kind, identifier in (
        ("endpoint", connection.id),
        ("variablegroup", str(group.id)),
        ("securefile", file.id),
        ("environment", str(environment.id)),
    ):
        project.add_check(kind, identifier, APPROVAL, APPROVERS)
        project.add_check(kind, identifier, TASK_CHECK, BRANCH_CONTROL)
        project.add_check(kind, identifier, TEMPLATE)
    project.add_definition(
        "build",
        repository=repository,
        properties={
            "jobAuthorizationScope": "project",
            "badgeEnabled": False,
            "triggers": [
                {
                    "triggerType": "pullRequest",
                    "forks": {"enabled": True, "allowSecrets": True, "allowFullAccessToken": False},
                    "isCommentRequiredForPullRequest": True,
                },
                {"triggerType": "continuousIntegration", "branchFilters": ["+refs/heads/main"]},
            ],
        },
    )
    truth.add_service_hook("https://example.com/hook")
    truth.add_audit_stream("siem")
    truth.install_extension("contoso", "theme")
    bench.sync()


def said(bench: Bench) -> Said:
    bench.clock.time += HOUR
    bench.assess()
    return {
        (f"{row.resource.kind}/{row.resource.id}", rule): one.verdict
        for row in bench.state.assessments(bench.organization.id)
        for rule, one in row.assessments.items()
    }


def test_an_organization_that_answers_everything_leaves_nothing_unknown(bench: Bench) -> None:
    before = said(bench)
    assert {key: one.reason for key, one in before.items() if one.status is UNKNOWN} == {}
    assert {rule for _, rule in before} == {rule.id for rule in RULES}


def test_every_right_that_a_fact_takes_is_taken_away_once() -> None:
    assert set().union(*KINDS.values()) == set(FactKind)


@pytest.mark.parametrize("capability", KINDS)
def test_taking_a_right_away_turns_exactly_the_rules_that_need_it(bench: Bench, capability: str) -> None:
    before = said(bench)
    bench.truth.deny_capability(capability)
    after = said(bench)
    needing = {rule.id for rule in RULES if rule.needs & KINDS[capability]}
    rights = {BY_KIND[kind].permission for kind in KINDS[capability]}
    assert {rule for (_, rule), one in after.items() if one.status is UNKNOWN} == needing
    for (resource, rule), one in after.items():
        if one.status is UNKNOWN:
            assert one.permission in rights, (resource, rule)
        else:
            assert one == before[resource, rule], "what can be told still is, as it was"
    bench.truth.allow_capability(capability)
    restored = said(bench)
    assert restored == before
