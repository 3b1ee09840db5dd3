"""An identity that may read projects and code, and nothing else, on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.model.assessment import AssessmentStatus
from shared.model.connector import Connector, ConnectorOptions
from shared.model.extension import ExtensionStatus
from shared.model.organization import OnboardingState
from shared.model.prerequisite import PrerequisiteName, PrerequisiteStatus
from shared.model.work import WorkKind
from shared.posture.catalogue import RULES
from tests.scenarios.bench import Bench

NOT_THEIRS = {
    "full",
    "vso.identity",
    "vso.memberentitlementmanagement",
    "vso.extension",
    "vso.extension_manage",
    "vso.build",
    "vso.serviceendpoint",
    "vso.auditlog",
    "vso.advsec",
}
"""Scopes that a token lacks which has `vso.profile`, `vso.project` and `vso.code` alone."""

CAPABILITIES = (
    "permissions",
    "identities",
    "graph",
    "entitlements",
    "extensions",
    "installextensions",
    "policies",
    "generalsettings",
    "serviceendpoints",
    "pipelinepermissions",
    "organizationpolicies",
    "organizationpipelinesettings",
    "auditlog",
    "advancedsecurity",
    "advancedsecurityalerts",
    "variablegroups",
    "securefiles",
    "environments",
    "checks",
    "definitions",
    "retention",
    "agentpools",
    "servicehooks",
    "accesscontrollists",
    "auditstreams",
)
"""Everything but listing projects and repositories."""


def by_scopes(bench: Bench) -> None:
    """The token has three scopes."""
    for organization in bench.world.organizations:
        organization.set_pca("none")
    bench.world.set_missing_scopes(NOT_THEIRS)


def by_permissions(bench: Bench) -> None:
    """The identity may read projects and repositories."""
    for organization in bench.world.organizations:
        organization.set_pca("none")
        for capability in CAPABILITIES:
            organization.deny_capability(capability)


Restrict = Callable[[Bench], None]
both = pytest.mark.parametrize("restrict", [by_scopes, by_permissions])


def connect(bench: Bench, restrict: Restrict) -> Connector:
    """A connector that requires nothing, run twice."""
    restrict(bench)
    connector = bench.connect(options=ConnectorOptions(required_prerequisites=()))
    bench.run()
    bench.run()
    return connector


@both
def test_the_inventory_is_complete(bench: Bench, restrict: Restrict) -> None:
    connect(bench, restrict)
    for organization in bench.world.organizations:
        name = organization.name
        assert bench.enrollment(name).state is OnboardingState.ONBOARDED
        assert bench.equals_the_world(name)
        assert bench.organization(name).last_complete_listing is not None
        assert bench.work(name, WorkKind.INVENTORY).last_failure is None


@both
def test_it_follows_the_world(bench: Bench, name: str, restrict: Restrict) -> None:
    connect(bench, restrict)
    truth = bench.world.organization(name)
    project = next(iter(truth.projects.values()))
    project.add_repository("later")
    next(iter(project.repositories.values())).delete()
    truth.add_project("Another").add_repository("first")
    bench.run()
    bench.run()
    assert bench.equals_the_world(name)


@both
def test_every_prerequisite_that_it_cannot_see_is_unknown_with_the_permission(
    bench: Bench, name: str, restrict: Restrict
) -> None:
    connect(bench, restrict)
    told = {one: bench.prerequisite(name, one) for one in PrerequisiteName}
    assert told[PrerequisiteName.MEMBERSHIP].status is PrerequisiteStatus.MET
    assert told[PrerequisiteName.ORGANIZATION_ACTIVE].status is PrerequisiteStatus.MET
    for unseen, scope in (
        (PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR, "full access"),
        (PrerequisiteName.ACCESS_LEVEL, "vso.memberentitlementmanagement"),
        (PrerequisiteName.THIRD_PARTY_OAUTH, "full access"),
    ):
        assert told[unseen].status is PrerequisiteStatus.UNKNOWN, unseen
        assert scope in told[unseen].fix, unseen
    # Whether these can be read is the question itself: refused is the answer.
    for refused, scope in (
        (PrerequisiteName.AUDITING, "vso.auditlog"),
        (PrerequisiteName.ADVANCED_SECURITY, "vso.advsec"),
    ):
        assert told[refused].status is PrerequisiteStatus.NOT_MET, refused
        assert scope in told[refused].fix, refused


@both
def test_the_extension_is_unknown_with_the_permission(bench: Bench, name: str, restrict: Restrict) -> None:
    connect(bench, restrict)
    extension = bench.state.extension(bench.organization(name).id)
    assert extension.status is ExtensionStatus.UNKNOWN
    assert "vso.extension" in extension.fix


@both
def test_recommendations_that_rest_on_what_it_cannot_see_are_unknown_with_the_permission(
    bench: Bench, name: str, restrict: Restrict
) -> None:
    connect(bench, restrict)
    told_by_the_listing = {one.id for one in RULES if not one.needs}
    verdicts = [
        one.verdict
        for resource in bench.state.assessments(bench.organization(name).id)
        for rule, one in resource.assessments.items()
        if rule not in told_by_the_listing
    ]
    assert verdicts
    unknown = [one for one in verdicts if one.status is AssessmentStatus.UNKNOWN]
    assert unknown
    for verdict in unknown:
        assert "token scope: " in verdict.permission, verdict
    if restrict is by_permissions:
        assert unknown == [one for one in verdicts if one.status is not AssessmentStatus.NOT_APPLICABLE]


def test_what_it_is_given_later_becomes_known_without_any_other_action(bench: Bench, name: str) -> None:
    connect(bench, by_scopes)
    bench.world.set_missing_scopes(set())
    bench.world.organization(name).set_pca("direct")
    bench.run()
    told = {one: bench.prerequisite(name, one).status for one in PrerequisiteName}
    assert told[PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR] is PrerequisiteStatus.MET
    assert told[PrerequisiteName.ACCESS_LEVEL] is PrerequisiteStatus.MET
    assert told[PrerequisiteName.ADVANCED_SECURITY] is PrerequisiteStatus.MET
