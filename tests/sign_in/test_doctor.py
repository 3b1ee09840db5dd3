"""`doctor` for a person's sign-in: each way in which it ends has its own diagnosis, over real HTTPS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sign_in.bench import ANA, Bench

ELSEWHERE = "22222222-2222-4222-8222-222222222222"
REFUSALS = {
    50057: ("AccountDisabled", "Enable the account"),
    65001: ("ConsentMissing", "Consent again"),
    50076: ("InteractionRequired", "exclude the account from the policy"),
    53003: ("InteractionRequired", "exclude the account from the policy"),
    700082: ("SignInEnded", "Sign in again"),
    700016: ("ApplicationUnknown", "Check the client id"),
    50020: ("WrongTenant", "Sign in with an account of that tenant"),
}


def doctor(bench: Bench, *arguments: str, code: int) -> Any:
    """What it tells, as JSON."""
    return bench.run("doctor", *arguments, "--output", "json", code=code).json


def of(told: Any, organization: str | None) -> dict[str, Any]:
    """The checks of an organization, or of none, by id."""
    return {one["id"]: one for one in told["checks"] if one["organization"] == organization}


def test_a_person_who_signed_in_has_everything(bench: Bench) -> None:
    for organization in bench.world.organizations:
        organization.set_policy("DisallowOAuthAuthentication", value=True)
    bench.create()
    bench.run("run", "--once")
    told = doctor(bench, code=0)
    assert told["plan"] == []
    assert of(told, None)["signIn"]["outcome"] == of(told, None)["tokenKey"]["outcome"] == "met"
    assert ANA in of(told, None)["tokenKey"]["evidence"]
    for organization in bench.world.organizations:
        found = of(told, organization.name)
        assert found["onboarding"]["outcome"] == "met"
        assert found["prerequisite.sameTenant"]["outcome"] == "met"
        oauth = found["prerequisite.thirdPartyApplicationAccess"]
        assert (oauth["outcome"], oauth["weight"]) == ("notMet", "informational")
        assert "does not govern Microsoft Entra tokens" in oauth["evidence"]


def test_every_refusal_of_entra_is_told_by_its_name_and_over_when_it_is(bench: Bench) -> None:
    bench.directory.token_seconds = 200
    bench.create()
    bench.run("run", "--once")
    seen = set()
    for refusal, (word, fix) in REFUSALS.items():
        bench.ana.refusal = refusal
        told = doctor(bench, code=1)
        signed_in = of(told, None)["signIn"]
        assert (signed_in["outcome"], signed_in["weight"], signed_in["code"]) == ("notMet", "blocking", word)
        assert f"AADSTS{refusal}" in signed_in["evidence"]
        assert fix in signed_in["fix"]
        assert "authorize NAME" not in signed_in["fix"]
        seen.add(signed_in["evidence"].partition(" (AADSTS")[0])
        for organization in bench.world.organizations:
            assert of(told, organization.name)["organization"]["code"] == word
        assert [one["checks"][0] for one in told["plan"]] == ["signIn"]
    assert len(seen) == len({word for word, _ in REFUSALS.values()})
    bench.ana.refusal = 0
    assert doctor(bench, code=0)["verdict"] == "met"


def test_a_revoked_sign_in_is_told(bench: Bench) -> None:
    bench.directory.token_seconds = 200
    bench.create()
    bench.directory.revoke(bench.ana)
    signed_in = of(doctor(bench, code=1), None)["signIn"]
    assert (signed_in["outcome"], signed_in["code"]) == ("notMet", "SignInEnded")
    assert "connector authorize contoso" in signed_in["fix"]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_an_organization_of_another_tenant_is_told_from_one_that_does_not_know_the_person(
    bench: Bench, *, elsewhere: bool
) -> None:
    bench.create()
    bench.run("run", "--once")
    organization = bench.world.organizations[0]
    if elsewhere:
        organization.tenant = ELSEWHERE
    else:
        organization.remove_member()
    found = of(doctor(bench, organization.name, code=1), organization.name)
    membership = found["prerequisite.organizationMembership"]
    assert membership["outcome"] == "notMet"
    assert membership["code"] == ("WrongTenant" if elsewhere else "NotAMember")
    assert (ELSEWHERE in membership["fix"]) is elsewhere
    assert ("Users > Add users" in membership["fix"]) is not elsewhere
    assert found["prerequisite.sameTenant"]["outcome"] == ("notMet" if elsewhere else "met")


def test_trouble_of_entra_costs_nothing_while_the_kept_token_lasts(bench: Bench) -> None:
    bench.directory.token_seconds = 200
    bench.create()
    bench.directory.trouble = [503] * 50
    # Nothing ran yet, so what only a run asks for is not known.
    assert of(doctor(bench, code=2), None)["signIn"]["outcome"] == "met"


def test_it_shows_no_secret_not_even_at_debug_level(bench: Bench) -> None:
    bench.create()
    bench.run("run", "--once")
    told = bench.run("doctor", code=0, LOG_LEVEL="debug")
    assert bench.directory.issued
    for secret in bench.directory.issued:
        assert secret not in told.out + told.err
