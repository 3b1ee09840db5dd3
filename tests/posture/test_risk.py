"""How much a finding matters where it is, and who can mend it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.assessment import Resource, ResourceKind, Severity
from shared.posture.risk import RiskFactor, RiskLevel, owner_of, risk_of
from tests.posture.builders import a_project

PUBLIC = replace(a_project(), visibility="public")


def a_resource(name: str = "frontend", kind: ResourceKind = ResourceKind.REPOSITORY) -> Resource:
    return Resource(kind, "r1", name, a_project().id)


@pytest.mark.parametrize(
    ("severity", "plain", "raised", "lowered"),
    [
        (Severity.HIGH, RiskLevel.HIGH, RiskLevel.CRITICAL, RiskLevel.MEDIUM),
        (Severity.MEDIUM, RiskLevel.MEDIUM, RiskLevel.HIGH, RiskLevel.LOW),
        (Severity.LOW, RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.LOW),
    ],
)
def test_what_surrounds_it_moves_the_severity_by_one_level(
    severity: Severity, plain: RiskLevel, raised: RiskLevel, lowered: RiskLevel
) -> None:
    assert risk_of(severity, a_resource(), a_project(), {}).level is plain
    assert risk_of(severity, a_resource("prod-api"), PUBLIC, {"isShared": True}).level is raised
    assert risk_of(severity, a_resource("sandbox"), a_project(), {}).level is lowered
    assert risk_of(severity, a_resource("sandbox"), PUBLIC, {}).level is plain


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("prod-api", (RiskFactor.PRODUCTION,)),
        ("ApiPROD", (RiskFactor.PRODUCTION,)),
        ("myProdApi", (RiskFactor.PRODUCTION,)),
        ("live_2", (RiskFactor.PRODUCTION,)),
        ("product", ()),
        ("reproduce", ()),
        ("delivery", ()),
        ("demo-shop", (RiskFactor.SANDBOX,)),
        ("democracy", ()),
        ("prod-demo", (RiskFactor.PRODUCTION, RiskFactor.SANDBOX)),
    ],
)
def test_names_tell_by_their_words(name: str, factors: tuple[RiskFactor, ...]) -> None:
    assert risk_of(Severity.LOW, a_resource(name), a_project(), {}).factors == factors
    of_project = risk_of(Severity.LOW, a_resource(), replace(a_project(), name=name), {})
    assert of_project.factors == factors


def test_every_factor_is_named() -> None:
    organization = a_resource("contoso", ResourceKind.ORGANIZATION)
    assert risk_of(Severity.LOW, organization, None, {}).factors == (RiskFactor.BROAD_REACH,)
    assert risk_of(Severity.LOW, a_resource(), PUBLIC, {"isShared": True}).factors == (
        RiskFactor.PUBLIC_PROJECT,
        RiskFactor.BROAD_REACH,
    )
    assert risk_of(Severity.LOW, a_resource(), a_project(), {"isShared": "yes"}).factors == ()


def test_who_changed_it_can_mend_it_else_who_administers_it() -> None:
    project = a_project()
    assert owner_of({"changedBy": "ana@contoso.com"}, project, "contoso", "bo") == "ana@contoso.com"
    assert owner_of({"changedBy": None}, project, "contoso", "bo") == "Project Administrators of web"
    assert owner_of({}, None, "contoso", "bo") == "bo"
    assert owner_of({}, None, "contoso", "") == "Project Collection Administrators of contoso"
