"""When a connector cannot sign in any more: each reason by its name, nothing retired, mended in place."""

from __future__ import annotations

import pytest

from tests.sign_in.bench import Bench

REFUSALS = {
    50057: ("AccountDisabled", "disabled"),
    65001: ("ConsentMissing", "consent"),
    50076: ("InteractionRequired", "conditional access"),
    700016: ("ApplicationUnknown", "does not know the application"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_refusal_has_its_own_name_and_the_next_run_after_the_fix_recovers(
    bench: Bench, code: int
) -> None:
    bench.directory.token_seconds = 200
    bench.create()
    bench.run("run", "--once")
    bench.ana.refusal = code
    told = bench.run("run", "--once", "--now", code=2)
    word, sentence = REFUSALS[code]
    shown = bench.connector()
    assert (shown["authorization"], shown["authorizationCode"]) == ("ended", word)
    assert sentence in shown["authorizationMessage"]
    assert f"AADSTS{code}" in shown["authorizationMessage"]
    assert "authorization.ended" in told.err
    assert bench.run("status", "--output", "json", code=None).code != 0
    bench.ana.refusal = 0
    bench.run("run", "--once")
    assert bench.connector()["authorization"] == "ok"


def test_a_revoked_sign_in_ends_the_authorization(bench: Bench) -> None:
    bench.directory.token_seconds = 200
    bench.create()
    bench.directory.revoke(bench.ana)
    bench.run("run", "--once", code=2)
    assert bench.connector()["authorizationCode"] == "SignInEnded"


def test_a_connector_that_nobody_signed_in_for_says_so(bench: Bench) -> None:
    bench.run(*("connector", "create", "--name", "contoso", "--auth", "user", "--tenant", bench.tenant.id))
    bench.run("run", "--once", code=2)
    shown = bench.connector()
    assert shown["authorization"] == "notAuthorized"
    assert "connector authorize contoso" in shown["authorizationMessage"]
    bench.ado_connector("connector", "authorize", "contoso", "--device-code", watch=bench.approving())
    bench.run("run", "--once")


def test_three_cycles_without_authorization_retire_nothing(bench: Bench) -> None:
    bench.directory.token_seconds = 200
    bench.create()
    bench.run("run", "--once")
    bench.ana.refusal = 50057
    bench.directory.revoke(bench.ana)
    removed, *_ = bench.world.organizations[0].ordered_projects()
    removed.delete()
    added = bench.world.organizations[1].add_project("while-away")
    for _ in range(3):
        bench.run("run", "--once", "--now", code=2)
    with bench.state() as state:
        for one in state.organizations():
            for rows in ([*state.projects(one.id)], [*state.repositories(one.id)]):
                assert rows
                assert all(row.retired_at is None and row.missing_since is None for row in rows)
    bench.ana.refusal = 0
    bench.ado_connector("connector", "authorize", "contoso", "--device-code", watch=bench.approving())
    bench.run("run", "--once", "--now")
    with bench.state() as state:
        for organization in bench.world.organizations:
            (record,) = [one for one in state.organizations() if one.name == organization.name]
            alive = {row.id for row in state.projects(record.id) if row.retired_at is None}
            assert alive == {project.id for project in organization.projects.values()}
    assert added.id
