"""A person signs in, over real HTTPS, and the connector works on it for as long as it may."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.model.journal import JournalEvent
from tests.sign_in.bench import ANA, Bench


def test_a_device_code_signs_in_and_the_connector_works(bench: Bench) -> None:
    created = bench.create("--output", "json").json
    assert (created["auth"], created["account"]) == ("user", ANA)
    bench.run("run", "--once")
    shown = bench.connector()
    assert shown["authorization"] == "ok"
    with bench.state() as state:
        assert {one.name for one in state.organizations()} == {one.name for one in bench.world.organizations}
        assert sum(one.projects for one in state.organizations()) > 0


def test_a_browser_signs_in_too(bench: Bench) -> None:
    bench.ado_connector(
        *("connector", "create", "--name", "contoso", "--auth", "user", "--browser"),
        *("--tenant", bench.tenant.id),
        BROWSER=bench.browser(),
    )
    assert bench.connector()["account"] == ANA
    assert bench.directory.asked["authorization_code"] == 1


def test_a_browser_that_answers_with_the_address_alone_will_do(bench: Bench) -> None:
    # As older services and some gateways do, whatever mode was asked for.
    browser = bench.browser()
    program = bench.folder / "browser.py"
    program.write_text(
        program.read_text().replace("sys.argv[1]", "sys.argv[1].replace('form_post', 'query')")
    )
    bench.ado_connector(
        *("connector", "create", "--name", "contoso", "--auth", "user", "--browser"),
        *("--tenant", "contoso.example"),
        BROWSER=browser,
    )
    assert bench.connector()["account"] == ANA


def test_a_slow_person_is_waited_for(bench: Bench) -> None:
    def watch(line: str) -> None:
        # Before the code is entered: as soon as it is, the next question gets the answer.
        if "enter the code" in line:
            for device in bench.directory.devices.values():
                device.slow_downs = 1
        bench.approving()(line)

    bench.ado_connector(
        *("connector", "create", "--name", "contoso", "--auth", "user", "--device-code"),
        *("--tenant", bench.tenant.id),
        watch=watch,
    )
    (device,) = bench.directory.devices.values()
    assert device.polls > 1


def test_another_tenant_is_caught_and_explained(bench: Bench) -> None:
    other = bench.directory.add_tenant("fabrikam.example")
    stranger = bench.directory.add_user("ana@fabrikam.example", other)
    ended = bench.ado_connector(
        *("connector", "create", "--name", "contoso", "--auth", "user", "--device-code"),
        *("--tenant", bench.tenant.id),
        code=2,
        watch=bench.approving(stranger),
    )
    assert "does not belong to the connector's tenant (AADSTS50020)" in ended.err
    assert "Sign in with an account of that tenant" in ended.err
    with bench.state() as state:
        assert state.connectors() == ()


@pytest.mark.parametrize("how", ["declined", "expired"])
def test_a_sign_in_that_is_declined_or_never_made_writes_nothing(bench: Bench, how: str) -> None:
    def watch(_: str) -> None:
        for device in bench.directory.devices.values():
            setattr(device, how, True)

    ended = bench.ado_connector(
        *("connector", "create", "--name", "contoso", "--auth", "user", "--device-code"),
        *("--tenant", bench.tenant.id),
        code=2,
        watch=watch,
    )
    assert {"declined": "was declined", "expired": "nobody signed in in time"}[how] in ended.err
    with bench.state() as state:
        assert state.connectors() == ()


def test_an_unknown_tenant_is_named_as_such(bench: Bench) -> None:
    ended = bench.run(
        *("connector", "create", "--name", "contoso", "--auth", "user", "--device-code"),
        *("--tenant", "nobody.example"),
        code=2,
    )
    assert "knows no such tenant" in ended.err or "no usable answer about the tenant" in ended.err


def test_two_processes_renew_once(bench: Bench) -> None:
    bench.directory.token_seconds = 290  # so little is left that it is renewed at once
    bench.create()
    bench.directory.token_seconds = 3600
    bench.directory.asked.clear()
    with ThreadPoolExecutor(2) as pool:
        for ended in pool.map(lambda _: bench.ado_connector("run", "--once"), range(2)):
            assert ended.code == 0
    assert bench.directory.asked["refresh_token"] == 1
    bench.run("run", "--once", "--now")
    assert bench.directory.asked["refresh_token"] == 1


def test_passing_trouble_of_entra_costs_nothing_while_the_token_lasts(bench: Bench) -> None:
    bench.directory.token_seconds = 290
    bench.create()
    bench.directory.trouble = [503] * 50
    bench.run("run", "--once")
    assert bench.connector()["authorization"] == "ok"


def test_no_store_file_log_or_answer_holds_a_secret(bench: Bench) -> None:
    bench.directory.token_seconds = 290
    bench.create()
    bench.run("run", "--once")
    bench.ana.refusal = 50057
    bench.run("run", "--once", "--now", code=2)
    bench.run("status", "--output", "json", code=None)
    bench.run("journal", "list", "--output", "json")
    bench.connector()
    kept = bench.everything_kept()
    assert len(bench.directory.issued) > 4
    for secret in bench.directory.issued:
        if len(secret) > 8:  # a user code is shown, and is no secret once it was used
            assert secret.encode() not in kept
            assert secret.split(".")[-1].encode() not in kept


def test_without_its_key_a_sign_in_says_so_and_a_stranger_s_key_does_not_open_it(bench: Bench) -> None:
    bench.create()
    key = bench.folder / "configuration" / "ado-connector" / "token.key"
    assert key.stat().st_mode & 0o777 == 0o600
    kept = key.read_bytes()
    key.unlink()
    told = bench.run("run", "--once", code=2)
    assert "token.key" in told.out + told.err
    bench.run("run", "--once", code=2, XDG_CONFIG_HOME=str(bench.folder / "another"))
    key.write_bytes(kept)
    key.chmod(0o644)
    told = bench.run("run", "--once", code=2)
    assert "chmod 600" in told.out + told.err
    key.chmod(0o600)
    bench.run("run", "--once")


def test_a_damaged_sign_in_asks_for_a_new_one(bench: Bench) -> None:
    bench.create()
    database = sqlite3.connect(bench.folder / "state.db")
    with database:
        database.execute(
            """UPDATE sign_ins SET document = replace(document, 'sealed\\":\\"', 'sealed\\":\\"AAAA')"""
        )
    database.close()
    told = bench.run("run", "--once", code=2)
    assert "cannot be opened" in told.out + told.err
    assert bench.connector()["authorization"] == "ended"
    bench.ado_connector("connector", "authorize", "contoso", "--device-code", watch=bench.approving())
    bench.run("run", "--once")


def test_somebody_else_takes_over_and_the_journal_says_who(bench: Bench) -> None:
    bench.create()
    other = bench.world.add_identity("ben-token", display_name="Ben")
    for organization in bench.world.organizations:
        organization.add_member(other, pca="direct")
    ben = bench.directory.add_user("ben@contoso.example", bench.tenant, object_id=other.origin_id)
    bench.ado_connector(
        *("connector", "authorize", "contoso", "--device-code", "--account", ben.name),
        watch=bench.approving(ben),
    )
    assert bench.connector()["account"] == ben.name
    with bench.state() as state:
        (entry,) = [one for one in state.journal() if one.event is JournalEvent.CONNECTOR_AUTHORIZED]
        assert (entry.before, entry.after) == (ANA, ben.name)
        assert entry.requested_by
    bench.run("run", "--once", "--now")
    told = bench.ado_connector(
        *("connector", "authorize", "contoso", "--device-code", "--account", ben.name),
        watch=bench.approving(),
        code=2,
    )
    assert f"{ANA} signed in, and {ben.name} was asked for" in told.err
