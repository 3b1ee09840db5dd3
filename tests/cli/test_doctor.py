"""`doctor`: each thing that can be wrong has a diagnosis of its own, and looking changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import keys
from local.ado_simulator import Fault, Organization, Simulator, World
from shared.ado.calls import CALLS
from shared.ado.user import SignedIn, SignIns, keep_sign_in
from shared.model.connector import AuthKind, AuthorizationState, AuthorizationStatus, IdentityReference
from shared.model.ids import TenantId
from shared.model.prerequisite import PrerequisiteName
from shared.model.work import WorkKind
from shared.ports import State
from shared.wiring.process import process_owner
from shared.wiring.token_key import open_token_keys
from tests.cli.conftest import CommandLine

ELSEWHERE = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def world(simulator: Simulator) -> World:
    for organization, name in zip(simulator.world.organizations, ("alpha", "beta"), strict=True):
        organization.rename(name)
        organization.set_policy("DisallowOAuthAuthentication", value=False)
    return simulator.world


@pytest.fixture
def alpha(world: World) -> Organization:
    return world.organization("alpha")


@pytest.fixture
def ready(ado: CommandLine, world: World) -> CommandLine:
    ado("connector", "create", "--name", "one", "--tenant", world.tenant)
    ado("run", "--once", code=None)
    return ado


def checks(told: Any, organization: str | None = "alpha") -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in told["checks"] if one["organization"] == organization}


def test_all_is_met(ready: CommandLine, simulator: Simulator) -> None:
    told = ready.json("doctor")
    assert list(told) == list(keys.DOCTOR)
    assert told["verdict"] == "met"
    assert told["plan"] == []
    assert {one["outcome"] for one in told["checks"]} == {"met"}
    assert all(list(one) == list(keys.CHECK) for one in told["checks"])
    assert all(one["evidence"] and one["fix"] is None for one in told["checks"])
    assert set(checks(told, None)) == {
        *("settings", "state", "queue", "secret.ADO_PAT", "clock", "signIn", "organizationListing")
    }
    for name in ("alpha", "beta"):
        found = checks(told, name)
        assert {f"prerequisite.{one.value}" for one in PrerequisiteName} <= set(found)
        rights = {one.right.key for one in CALLS if one.is_of_organization} - {
            "installExtensions",
            "readRuns",
        }
        assert {f"permission.{one}" for one in rights} == {one for one in found if one.startswith("perm")}
        assert found["permission.readCode"]["capabilities"] == ["inventory", "deletions"]
        assert "vso.code" in found["permission.readCode"]["permission"]
    text = ready("doctor").out
    assert "NOT MET" not in text
    assert "UNKNOWN" not in text
    assert "All that anything depends on is met." in text
    assert simulator.requests.count(status=200) > 0


def test_what_it_costs_is_what_its_help_says(ready: CommandLine, simulator: Simulator) -> None:
    simulator.reset_requests()
    ready("doctor")
    assert len(simulator.requests) == 1 + 1 + 2 + 2 * 14
    simulator.reset_requests()
    ready("doctor", "alpha")
    assert len(simulator.requests) == 1 + 1 + 2 + 14


def test_looking_changes_nothing_but_the_count_of_requests(
    ready: CommandLine, alpha: Organization, settings: Path
) -> None:
    def content() -> dict[str, list[Any]]:
        with sqlite3.connect(settings) as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            rows = {one: sorted(map(repr, database.execute(f"SELECT * FROM {one}"))) for one in tables}  # noqa: S608
        database.close()
        return {name: found for name, found in rows.items() if "throttle" not in name}

    alpha.set_licence("stakeholder")
    alpha.add_project("Unseen").add_repository("unseen")
    before = content()
    assert len(before) > 5
    ready("doctor", code=1)
    assert content() == before


def test_leases_of_the_dead_are_left_to_those_who_work(ready: CommandLine, state: State) -> None:
    dead = process_owner().rpartition("/")[0] + "/0"
    now = datetime.now(UTC)
    (work, *_) = state.work(kind=WorkKind.INVENTORY)
    until = now + timedelta(minutes=5)
    lease = state.lease_work(work.organization, work.kind, work.revision, owner=dead, now=now, until=until)
    assert lease is not None

    def holder() -> str:
        return state.work(organization=work.organization, kind=work.kind)[0].leased_by

    ready("doctor")
    assert holder() == dead
    ready("status", code=None)
    assert holder() == ""


def test_what_could_not_be_tried_is_told_from_what_was_found_last(ready: CommandLine, world: World) -> None:
    world.add_organization("plain").add_project("One").add_repository("one")
    check = "permission.readServiceConnectionUse"
    unknown = checks(ready.json("doctor", "plain", code=2), "plain")[check]
    assert (unknown["outcome"], unknown["code"]) == ("unknown", None)
    assert "never needed yet" in unknown["evidence"]
    ready("run", "--once", code=None)
    met = checks(ready.json("doctor", "plain"), "plain")[check]
    assert met["outcome"] == "met"
    assert "was refused nothing for it" in met["evidence"]


Break = Callable[[Organization], object]


def leave(organization: Organization, tenant: str) -> None:
    organization.remove_member()
    organization.tenant = tenant


@pytest.mark.parametrize(
    ("spoil", "check", "outcome", "code", "evidence", "fix"),
    [
        (
            lambda one: one.set_licence("stakeholder"),
            "prerequisite.accessLevel",
            "notMet",
            None,
            "Stakeholder",
            "Change access level",
        ),
        (
            lambda one: one.set_pca("none"),
            "prerequisite.projectCollectionAdministrator",
            "notMet",
            None,
            "is not effective",
            "Members > Add",
        ),
        (
            lambda one: one.set_pca("denied"),
            "prerequisite.projectCollectionAdministrator",
            "notMet",
            None,
            "is denied",
            "explicit deny",
        ),
        (
            lambda one: one.remove_member(),
            "prerequisite.organizationMembership",
            "notMet",
            "NotAMember",
            "no user of the organization",
            "Users > Add users",
        ),
        (
            lambda one: leave(one, ELSEWHERE),
            "prerequisite.organizationMembership",
            "notMet",
            "WrongTenant",
            ELSEWHERE,
            f"Sign in to tenant {ELSEWHERE}",
        ),
        (
            lambda one: one.stop(),
            "prerequisite.organizationActive",
            "notMet",
            "OrganizationStopped",
            "TF24668",
            "start it again",
        ),
        (
            lambda one: one.deny_capability("identities"),
            "permission.ownGroups",
            "notMet",
            "PermissionMissing",
            "403",
            "vso.identity",
        ),
        (
            lambda one: one.deny_capability("serviceendpoints"),
            "permission.readServiceConnections",
            "notMet",
            "PermissionMissing",
            "403",
            "Project settings > Service connections",
        ),
        (
            lambda one: one.deny_capability("organizationpipelinesettings"),
            "permission.viewSettings",
            "unknown",
            "ProviderUnavailable",
            "left out",
            "Organization settings > Permissions",
        ),
    ],
)
def test_each_trouble_has_its_own_diagnosis(
    ready: CommandLine,
    alpha: Organization,
    spoil: Break,
    check: str,
    outcome: str,
    code: str | None,
    evidence: str,
    fix: str,
) -> None:
    spoil(alpha)
    told = ready.json("doctor", "alpha", code=1 if outcome == "notMet" else 2)
    found = checks(told)[check]
    assert (found["outcome"], found["code"]) == (outcome, code)
    assert evidence in found["evidence"]
    assert fix in found["fix"]
    assert found["breaks"]
    assert found["weight"] in {"blocking", "degrading"}
    assert found["fix"] in [one["fix"] for one in told["plan"]]
    line = next(one for one in ready("doctor", code=None).out.splitlines() if evidence in one)
    assert found["fix"] in line or "for the same reason" in line
    assert {one["outcome"] for one in checks(told, None).values()} == {"met"}


@pytest.mark.parametrize("kind", ["direct", "nested", "entra-group", "custom"])
def test_administrators_of_every_kind_pass_and_a_custom_grant_warns(
    ready: CommandLine, alpha: Organization, kind: str
) -> None:
    alpha.set_pca(kind)
    found = checks(ready.json("doctor", "alpha"))["prerequisite.projectCollectionAdministrator"]
    assert found["outcome"] == "met"
    assert bool(found["warning"]) is (kind == "custom")
    assert ("custom grant" in ready("doctor", "alpha").out) is (kind == "custom")


@pytest.mark.parametrize("licence", ["early-adopter", "visual-studio", "visual-studio-eligible"])
def test_subscribers_and_early_adopters_pass(ready: CommandLine, alpha: Organization, licence: str) -> None:
    alpha.set_licence(licence)
    assert checks(ready.json("doctor", "alpha"))["prerequisite.accessLevel"]["outcome"] == "met"


def test_oauth_off_and_auditing_off_inform_and_no_more(ready: CommandLine, alpha: Organization) -> None:
    alpha.set_policy("DisallowOAuthAuthentication", value=True)
    alpha.set_policy("LogAuditEvents", value=False)
    told = ready.json("doctor", "alpha")
    assert (told["verdict"], told["plan"]) == ("met", [])
    oauth, audit = (
        checks(told)[f"prerequisite.{one}"] for one in ("thirdPartyApplicationAccess", "auditing")
    )
    assert (oauth["outcome"], oauth["weight"]) == ("notMet", "informational")
    assert "baselines recommend to keep it off" in oauth["fix"]
    assert (audit["outcome"], audit["weight"]) == ("notMet", "informational")
    assert "auditing is off" in audit["evidence"]


def test_the_plan_names_each_thing_once_and_the_most_blocking_first(ready: CommandLine, world: World) -> None:
    for organization in world.organizations:
        organization.deny_capability("serviceendpoints")
        organization.set_pca("none")
    world.organization("beta").stop()
    steps = ready.json("doctor", code=1)["plan"]
    assert all(list(one) == list(keys.STEP) for one in steps)
    assert [one["step"] for one in steps] == list(range(1, len(steps) + 1))
    fixes = [one["fix"] for one in steps]
    assert len(set(fixes)) == len(fixes)
    weights = [one["weight"] for one in steps]
    assert weights == sorted(weights)
    assert weights[0] == "blocking"
    assert weights[-1] == "degrading"
    started = next(one for one in steps if "start it again" in one["fix"])
    assert started["organizations"] == ["beta"]
    assert len(started["checks"]) > 3
    told = ready("doctor", code=1).out
    assert told.index("What to do, in this order:") > told.index("Organization beta")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda world, _: world.expire_token(), "TokenRefused"),
        (lambda world, _: world.revoke_token(), "SignInRequired"),
        (lambda _, patch: patch.delenv("ADO_PAT"), "CredentialMissing"),
    ],
)
def test_without_a_sign_in_nothing_else_is_asked(
    ready: CommandLine,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[World, pytest.MonkeyPatch], object],
    code: str,
) -> None:
    spoil(simulator.world, monkeypatch)
    simulator.reset_requests()
    told = ready.json("doctor", code=1)
    signed_in = checks(told, None)["signIn"]
    assert (signed_in["outcome"], signed_in["weight"], signed_in["code"]) == ("notMet", "blocking", code)
    assert signed_in["fix"]
    for name in ("alpha", "beta"):
        (only,) = checks(told, name).values()
        assert (only["id"], only["outcome"], only["code"]) == ("organization", "unknown", code)
    assert len(told["plan"]) == 1
    assert len(simulator.requests) <= 3


def test_a_token_without_the_profile_scope_signs_in_all_the_same(ready: CommandLine, world: World) -> None:
    world.set_missing_scopes({"vso.profile"})
    told = ready.json("doctor", code=1)
    assert checks(told, None)["signIn"]["outcome"] == "met"
    listing = checks(told, None)["organizationListing"]
    assert (listing["outcome"], listing["code"]) == ("notMet", "TokenRefused")
    assert "vso.profile" in listing["permission"]
    assert checks(told)["prerequisite.accessLevel"]["outcome"] == "met"


def test_an_outage_is_unknown_and_no_verdict_on_rights(ready: CommandLine, simulator: Simulator) -> None:
    simulator.add_fault(Fault("trouble", organization="alpha", status=503, content_type="text/html"))
    told = ready.json("doctor", "alpha", code=2)
    (only,) = checks(told).values()
    assert (only["id"], only["outcome"], only["code"]) == ("organization", "unknown", "ServerTrouble")


def test_a_clock_that_is_off_is_told(ready: CommandLine, simulator: Simulator) -> None:
    for ahead, word in ((900, "behind"), (-900, "ahead")):
        simulator.options.clock_ahead = ahead
        clock = checks(ready.json("doctor", "alpha", code=1), None)["clock"]
        assert (clock["outcome"], clock["code"]) == ("notMet", "ClockSkew")
        assert word in clock["evidence"]
        assert "NTP" in clock["fix"]


def test_nobody_to_ask_for_the_time_is_unknown(ready: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADO_GATEWAY_URL", "http://127.0.0.1:9")
    told = ready.json("doctor", code=2)
    assert checks(told, None)["clock"]["outcome"] == "unknown"
    assert checks(told, None)["signIn"]["outcome"] == "unknown"


def test_an_organization_that_nobody_knows_yet_is_looked_at_all_the_same(
    ready: CommandLine, world: World
) -> None:
    world.add_organization("newcomer")
    told = ready.json("doctor", "newcomer", code=None)
    assert checks(told, "newcomer")["prerequisite.accessLevel"]["outcome"] == "met"
    assert "not found it yet" in checks(told, "newcomer")["onboarding"]["evidence"]
    missing = checks(ready.json("doctor", "no-such", code=1), "no-such")
    assert missing["prerequisite.organizationMembership"]["code"] == "OrganizationNotFound"


def test_before_the_first_run_what_the_identity_is_shown_is_looked_at(ado: CommandLine, world: World) -> None:
    world.organization("beta").set_licence("stakeholder")
    ado("connector", "create", "--name", "one", "--tenant", world.tenant, "--exclude", "alp*")
    told = ado.json("doctor", code=1)
    assert {one["organization"] for one in told["checks"]} == {None, "beta"}
    assert checks(told, "beta")["prerequisite.accessLevel"]["outcome"] == "notMet"


def test_least_privilege_on_purpose_says_what_it_costs(ado: CommandLine, world: World) -> None:
    for organization in world.organizations:
        organization.set_pca("none")
    world.set_missing_scopes({"full", "vso.identity", "vso.serviceendpoint", "vso.build", "vso.extension"})
    ado("connector", "create", "--name", "one", "--tenant", world.tenant, "--require", "none")
    ado("run", "--once", code=None)
    told = ado.json("doctor", code=1)
    found = checks(told)
    assert found["onboarding"]["outcome"] == "met"
    assert found["permission.readCode"]["outcome"] == found["permission.viewProjects"]["outcome"] == "met"
    assert found["prerequisite.projectCollectionAdministrator"]["weight"] == "informational"
    lost = found["permission.readServiceConnections"]
    assert (lost["outcome"], lost["weight"], lost["code"]) == ("notMet", "degrading", "ScopeMissing")
    assert lost["fix"] == "Give the token the scope Service connections, read: vso.serviceendpoint."
    assert "recommendations on service connections are unknown" in lost["breaks"]


def test_the_limit_leaves_out_and_says_so(ready: CommandLine, alpha: Organization) -> None:
    alpha.stop()
    ready("run", "--once", code=None)
    told = ready.json("doctor", "--limit", "1", code=None)
    assert told["organizationsLeftOut"] == 1
    left_out = checks(told, None)["organizationsLeftOut"]
    assert left_out["outcome"] == "unknown"
    assert "--limit 2" in left_out["fix"]
    assert len({one["organization"] for one in told["checks"]} - {None}) == 1


def test_the_installation_right_is_told_without_installing(
    ado: CommandLine, world: World, simulator: Simulator
) -> None:
    ado("connector", "create", "--name", "one", "--tenant", world.tenant, "--install-extension")
    world.organization("alpha").set_pca("none")
    found = checks(ado.json("doctor", "alpha", code=1))["permission.installExtensions"]
    assert found["outcome"] == "notMet"
    assert simulator.requests.count(method="POST", path="installedextensionsbyname") == 0


def test_without_a_connector_that_is_what_is_missing(ado: CommandLine, settings: Path) -> None:
    told = ado.json("doctor", code=1)
    assert [one["fix"] for one in told["plan"]] == [
        'Create one: "ado-connector connector create" asks for what it needs.'
    ]
    assert not settings.exists()


def test_wrong_settings_and_places_are_checks_like_any_other(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_INTERVAL", "often")
    told = ado.json("doctor", code=1)
    (wrong,) = (one for one in told["checks"] if one["id"] == "settings")
    assert "INVENTORY_INTERVAL" in wrong["fix"]
    monkeypatch.delenv("INVENTORY_INTERVAL")
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("STATE_URL", f"sqlite:///{tmp_path}/file/state.db")
    (state,) = (one for one in ado.json("doctor", code=1)["checks"] if one["id"] == "state")
    assert (state["outcome"], state["weight"]) == ("notMet", "blocking")
    assert "STATE_URL" in state["fix"]


def test_queues_that_cannot_be_opened_do_not_hide_the_rest(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_URL", "amqp://nowhere")
    told = ready.json("doctor", code=1)
    queue = checks(told, None)["queue"]
    assert (queue["outcome"], queue["weight"]) == ("notMet", "blocking")
    assert checks(told)["prerequisite.accessLevel"]["outcome"] == "met"


def test_a_secret_that_key_vault_did_not_give_is_told(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADO_PAT", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/pat)")
    told = ready.json("doctor", code=1)
    secret = checks(told, None)["secret.ADO_PAT"]
    assert secret["outcome"] == "notMet"
    assert "Key Vault" in secret["evidence"]
    assert "Key Vault Secrets User" in secret["fix"]
    assert checks(told, None)["signIn"]["outcome"] == "notMet"


def test_dead_letters_are_told(ready: CommandLine) -> None:
    ready("queue", "send", "inventory", "--body", "no JSON")
    ready("run", "--once", code=None)
    told = ready.json("doctor", code=1)
    assert checks(told, None)["deadLetters"]["outcome"] == "notMet"


def test_an_authorisation_that_is_about_to_end_is_told_before_it_does(
    ready: CommandLine, state: State
) -> None:
    (connector,) = state.connectors()
    ending = AuthorizationState(AuthorizationStatus.ENDING, expires_at=datetime(2030, 1, 2, tzinfo=UTC))
    state.put_connector(replace(connector, authorization=ending))
    told = checks(ready.json("doctor", code=1), None)["authorization"]
    assert (told["outcome"], told["weight"]) == ("notMet", "degrading")
    assert "2030-01-02" in told["evidence"]
    assert "connector authorize one" in told["fix"]


def run_as_a_user(state: State, key: Path) -> None:
    """Let the only connector run as a user whose sign-in is kept, sealed with the key in the file."""
    sign_ins = SignIns(state, open_token_keys(f"file://{key}", None))
    keep_sign_in("kept", SignedIn("ada@example.com", "oid", TenantId("t"), "{}"), sign_ins)
    (connector,) = state.connectors()
    identity = IdentityReference(AuthKind.USER, account="ada@example.com", sign_in="kept")
    state.put_connector(replace(connector, identity=identity))


def test_the_key_of_sign_ins_is_tried_on_what_it_sealed(
    ready: CommandLine, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "token.key"
    monkeypatch.setenv("TOKEN_KEY", f"file://{key}")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:9")
    run_as_a_user(state, key)
    told = checks(ready.json("doctor", code=None), None)
    assert told["tokenKey"]["outcome"] == "met"
    assert told["signIn"]["outcome"] == "unknown"
    key.rename(tmp_path / "elsewhere.key")
    lost = checks(ready.json("doctor", code=1), None)["tokenKey"]
    assert (lost["outcome"], lost["weight"]) == ("notMet", "blocking")
    assert "cannot be read" in lost["evidence"]
    assert "connector authorize one" in lost["fix"]
    assert not key.exists()
    monkeypatch.setenv("TOKEN_KEY", "nowhere")
    (wrong,) = (one for one in ready.json("doctor", code=1)["checks"] if one["outcome"] == "notMet")
    assert "TOKEN_KEY" in wrong["evidence"]


def test_a_user_who_has_not_signed_in_is_told_how(ready: CommandLine, state: State) -> None:
    (connector,) = state.connectors()
    state.put_connector(replace(connector, identity=IdentityReference(AuthKind.USER)))
    signed_in = checks(ready.json("doctor", code=1), None)["signIn"]
    assert (signed_in["outcome"], signed_in["code"]) == ("notMet", "CredentialMissing")
    assert "connector authorize one" in signed_in["fix"]


@pytest.mark.parametrize("name", ["a b", "a/b", "https://dev.azure.com/contoso", ""])
def test_what_is_no_name_is_wrong_usage(ready: CommandLine, name: str) -> None:
    assert "ORGANIZATION" in ready("doctor", name, code=2).err


def test_many_organizations_are_looked_at_at_once(ready: CommandLine, simulator: Simulator) -> None:
    for number in range(10):
        simulator.world.add_organization(f"more-{number}")
    ready("run", "--once", code=None)
    simulator.options.latency = 0.02
    simulator.reset_requests()
    told = ready.json("doctor", code=None)
    assert len({one["organization"] for one in told["checks"]} - {None}) == 12
    spans = [(one.start, one.start + one.duration) for one in simulator.requests]
    assert any(first[0] < later[0] < first[1] for first in spans for later in spans)


def test_no_secret_is_ever_shown(ready: CommandLine, simulator: Simulator) -> None:
    simulator.world.expire_token()
    told = ready("doctor", code=1)
    assert simulator.world.token not in told.out + told.err
