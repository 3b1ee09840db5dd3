"""Each trouble has a reason of its own in the organization, and is over with the run after it was mended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local.ado_simulator import Organization, World
from shared.model.ids import TenantId
from shared.model.organization import OnboardingState
from tests.scenarios.bench import Bench

ELSEWHERE = "22222222-2222-4222-8222-222222222222"

Change = Callable[[World, Organization], object]


def leave(_: World, organization: Organization) -> None:
    organization.remove_member()


def move(_: World, organization: Organization) -> None:
    organization.remove_member()
    organization.tenant = ELSEWHERE


def come_back(world: World, organization: Organization) -> None:
    organization.tenant = world.tenant
    organization.add_member(pca="direct")


TROUBLES: dict[str, tuple[Change, Change, str, str]] = {
    "not a member": (leave, come_back, "no user of the organization", "Users > Add users"),
    "wrong tenant": (move, come_back, "The connector signs in to tenant", f"Sign in to tenant {ELSEWHERE}"),
    "stakeholder": (
        lambda _, one: one.set_licence("stakeholder"),
        lambda _, one: one.set_licence("basic"),
        "Access level Stakeholder",
        "Change access level",
    ),
    "no administrator": (
        lambda _, one: one.set_pca("none"),
        lambda _, one: one.set_pca("nested"),
        "is not effective for the identity",
        "Members > Add",
    ),
    "explicit deny": (
        lambda _, one: one.set_pca("denied"),
        lambda _, one: one.set_pca("entra-group"),
        "is denied",
        "Take away the explicit deny",
    ),
    "stopped": (
        lambda _, one: one.stop(),
        lambda _, one: one.stop(stopped=False),
        "TF24668",
        "start it again",
    ),
    "no scope": (
        lambda world, _: world.set_missing_scopes({"vso.memberentitlementmanagement"}),
        lambda world, _: world.set_missing_scopes(set()),
        "the token was refused (401)",
        "vso.memberentitlementmanagement",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_is_told_and_over_once_it_is_mended(bench: Bench, name: str, trouble: str) -> None:
    spoil, mend, reason, fix = TROUBLES[trouble]
    organization = bench.world.organization(name)
    spoil(bench.world, organization)
    bench.connect(tenant=TenantId(bench.world.tenant), organizations=(name,))
    bench.run()
    refused = bench.enrollment(name)
    assert refused.state is OnboardingState.NOT_ONBOARDED
    assert reason in refused.reason
    assert fix in refused.fix
    mend(bench.world, organization)
    bench.run()
    settled = bench.enrollment(name)
    assert (settled.state, settled.reason) == (OnboardingState.ONBOARDED, "")
    assert bench.equals_the_world(name)


def test_no_two_troubles_are_told_alike(bench: Bench, name: str) -> None:
    bench.connect(tenant=TenantId(bench.world.tenant), organizations=(name,))
    told: dict[str, str] = {}
    for trouble, (spoil, mend, _, _) in TROUBLES.items():
        spoil(bench.world, bench.world.organization(name))
        bench.run()
        told[trouble] = bench.enrollment(name).reason
        mend(bench.world, bench.world.organization(name))
        bench.run()
    assert all(told.values())
    assert len(set(told.values())) == len(told)
