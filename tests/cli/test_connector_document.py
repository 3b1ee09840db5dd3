"""Connector documents: what is written is what is read, and what is created is what is exported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import keys
from cli.connector_changes import changes
from cli.connector_document import (
    FIRST_LINE,
    applied,
    as_written,
    checked,
    connector_of,
    document_of,
    dump,
    load,
)
from shared.model.connector import AuthKind, AuthorizationState, AuthorizationStatus, Connector, Plan
from shared.model.ids import ConnectorId
from shared.ports import State
from tests.cli.conftest import CommandLine

GUID = "11111111-2222-3333-4444-555555555555"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

SMALL = """\
apiVersion: ado-connector/v1
kind: Connector
name: contoso
mode: existing-and-future
identity:
  kind: pat
"""

FULL = f"""\
{FIRST_LINE}apiVersion: ado-connector/v1
kind: Connector
name: contoso-prod
cloud: AzureCloud
tenant: contoso.onmicrosoft.com
subscription: {GUID}
resourceGroup: rg-security
region: westeurope
plan: defender-cspm
mode: selected
organizations:
  - contoso
  - Fabrikam
exclude:
  - "sandbox-*"
identity:
  kind: service-principal
  clientId: {GUID}
  secretSetting: AZURE_CLIENT_SECRET
discoverAs:
  kind: user
  account: ann@contoso.com
installExtension: true
requiredPrerequisites:
  - organizationMembership
postureRefreshInterval: 30m
postureFullRefreshInterval: 12h
extension:
  publisher: contoso
  name: mapping
readBuildLogs: true
pushSteps:
  - "Deliver *"
registries:
  - contoso.azurecr.io
tracedSubscriptions:
  - {GUID}
"""


def connector(text: str = FULL) -> Connector:
    return connector_of(load(text), ConnectorId(GUID), NOW)


def test_a_full_document_is_written_as_it_was_read() -> None:
    assert dump(load(FULL)) == FULL
    assert dump(document_of(connector())) == FULL


def test_a_small_document_takes_defaults_and_is_written_with_them() -> None:
    found = connector(SMALL)
    assert found == Connector(
        ConnectorId(GUID), "contoso", found.tenant, found.mode, found.identity, created_at=NOW
    )
    assert found.tenant == "default"
    assert found.plan is Plan.FOUNDATIONAL
    assert found.identity.secret_setting == "ADO_PAT"
    assert list(as_written(load(SMALL))) == [
        *("apiVersion", "kind", "name", "cloud", "tenant", "plan", "mode", "identity"),
        *("installExtension", "requiredPrerequisites", "extension", "readBuildLogs"),
    ]
    assert dump(load(dump(load(SMALL)))) == dump(load(SMALL))


def test_the_keys_are_documented() -> None:
    assert list(as_written(load(FULL))) == list(keys.CONNECTOR_DOCUMENT)


def test_json_is_read_too(ado: CommandLine, tmp_path: Path) -> None:
    ado("connector", "create", "--name", "one", "--exclude", "sandbox-*")
    file = tmp_path / "one.json"
    ado("connector", "export", "one", "--output", "json", "--output-file", str(file))
    ado("connector", "validate", "-f", str(file))
    assert dump(load(file.read_bytes())) == ado("connector", "export", "one").out


def test_what_a_connector_found_out_stays_when_a_document_is_applied() -> None:
    before = replace(
        connector(),
        baseline_at=NOW,
        revision=7,
        authorization=AuthorizationState(AuthorizationStatus.OK, authorized_by="ann"),
        discover_as=replace(connector().discover_as or connector().identity, sign_in="s1"),
    )
    assert applied(load(FULL), before) == before
    changed = applied(load(FULL.replace("plan: defender-cspm", "plan: foundational")), before)
    assert changed == replace(before, plan=Plan.FOUNDATIONAL)
    other = applied(load(FULL.replace("ann@", "bob@")), before)
    assert other.discover_as is not None
    assert (other.discover_as.account, other.discover_as.sign_in) == ("bob@contoso.com", "")
    assert other.authorization == AuthorizationState()
    assert other.revision == before.revision


def test_a_user_without_an_account_is_whoever_has_signed_in() -> None:
    text = FULL.replace("  account: ann@contoso.com\n", "")
    signed_in = replace(
        connector().discover_as or connector().identity, account="ann@contoso.com", sign_in="s1"
    )
    before = replace(connector(), discover_as=signed_in)
    assert signed_in.kind is AuthKind.USER
    assert applied(load(text), before) == before


def test_another_tenant_ends_the_sign_in() -> None:
    before = replace(
        connector(), discover_as=replace(connector().discover_as or connector().identity, sign_in="s1")
    )
    after = applied(load(FULL.replace("contoso.onmicrosoft.com", "fabrikam.com")), before)
    assert after.discover_as is not None
    assert after.discover_as.sign_in == ""


def test_changes_are_told_by_field_and_meaning() -> None:
    before, after = load(FULL), load(FULL.replace("  - Fabrikam\n", "").replace("sandbox-*", "test-*"))
    told = [(one.field, one.before, one.after) for one in changes(before, after)]
    assert told == [
        ("organizations", "Fabrikam", None),
        ("exclude", "sandbox-*", None),
        ("exclude", None, "test-*"),
    ]
    assert "gives up its claim" in changes(before, after)[2].meaning
    assert changes(before, before) == ()


@pytest.mark.parametrize(
    ("old", "new", "field", "before", "after", "meaning"),
    [
        ("mode: selected", "mode: existing", "mode", "selected", "existing", "after stock was taken"),
        ("Fabrikam", "fabrikam", "organizations", "Fabrikam", "fabrikam", "Only the spelling"),
        ("contoso\n  - Fabrikam", "Fabrikam\n  - contoso", "organizations", "contoso", "Fabrikam", "order"),
        ("installExtension: true", "installExtension: false", "installExtension", "true", "false", "stays"),
        ("Interval: 30m", "Interval: 45m", "postureRefreshInterval", "30m", "45m", "other interval"),
        (
            "account: ann@",
            "account: bob@",
            "discoverAs.account",
            "ann@contoso.com",
            "bob@contoso.com",
            "listed",
        ),
        (
            "_SECRET\n",
            "_SECRET_2\n",
            "identity.secretSetting",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_SECRET_2",
            "other setting",
        ),
        (
            "discoverAs:\n  kind: user\n  account: ann@contoso.com\n",
            "",
            "discoverAs",
            "user ann@contoso.com",
            None,
            "runs as",
        ),
        (
            "kind: user\n  account: ann@contoso.com",
            "kind: azure-cli",
            "discoverAs",
            "user ann@contoso.com",
            "azure-cli",
            "other identity",
        ),
        ("region: westeurope\n", "", "region", "westeurope", None, "nothing moves"),
        ("  name: mapping", "  name: maps", "extension.name", "mapping", "maps", "looked for"),
    ],
)
def test_each_change_means_something(
    old: str, new: str, field: str, before: str | None, after: str | None, meaning: str
) -> None:
    assert old in FULL
    (change,) = changes(load(FULL), load(FULL.replace(old, new)))
    assert (change.field, change.before, change.after) == (field, before, after)
    assert meaning in change.meaning
    assert str(change).startswith(f"{field}: ")


def test_what_an_earlier_version_let_in_is_told_when_it_is_exported(ado: CommandLine, state: State) -> None:
    state.put_connector(replace(connector(), subscription="production", region="West Europe"))
    told = ado("connector", "export", "contoso-prod", code=2)
    assert told.out == ""
    assert "subscription: " in told.err
    assert "region: " in told.err


def test_an_export_that_cannot_be_written_is_told(ado: CommandLine, tmp_path: Path) -> None:
    ado("connector", "create", "--name", "one")
    told = ado("connector", "export", "one", "--output-file", str(tmp_path / "no" / "where"), code=2)
    assert "--output-file: the file cannot be used" in told.err


def test_create_tells_all_that_is_wrong_by_option(ado: CommandLine) -> None:
    told = ado(
        *("connector", "create", "--name", "a b", "--region", "usgovvirginia", "--auth", "service-principal"),
        *("--organization", "Alpha", "--exclude", "al*", "--account", "ann@contoso.com"),
        code=2,
    ).err
    for option in ("--name", "--region", "--client-id", "--account", "--tenant", "--organization", "--mode"):
        assert sum(line.removeprefix("Error: ").startswith(option) for line in told.splitlines()) == 1, told
    assert "Azure DevOps Services exists in the commercial cloud alone." in told
    assert "`" not in told


def test_a_user_can_be_created(ado: CommandLine, state: State) -> None:
    ado(
        *("connector", "create", "--name", "one", "--tenant", "contoso.com", "--auth", "user"),
        *("--account", "ann@contoso.com", "--client-id", GUID),
    )
    (kept,) = state.connectors()
    assert (kept.identity.kind, kept.identity.account, kept.identity.client_id) == (
        AuthKind.USER,
        "ann@contoso.com",
        GUID,
    )
    assert "account: ann@contoso.com" in ado("connector", "export", "one").out


@pytest.mark.parametrize("name", ["123", "1e3", "no", "0o17", "null", "2026-01-01", "true", "-", "._"])
def test_names_that_look_like_something_else_are_quoted_and_stay_names(name: str) -> None:
    document = checked({**as_written(load(SMALL)), "name": name})
    assert load(dump(document)).name == name


def test_flags_and_a_file_give_the_same_export(ado: CommandLine, state: State) -> None:
    ado(
        *("connector", "create", "--name", "contoso-prod", "--mode", "selected", "--plan", "defender-cspm"),
        *("--tenant", "contoso.onmicrosoft.com", "--subscription", GUID, "--resource-group", "rg-security"),
        *("--region", "westeurope", "--organization", "contoso", "--organization", "Fabrikam"),
        *("--exclude", "sandbox-*", "--auth", "service-principal", "--client-id", GUID.upper()),
        *("--discover-as", "user", "--account", "ann@contoso.com", "--install-extension"),
        *("--require", "organizationMembership"),
        *("--posture-refresh-interval", "30m", "--posture-full-refresh-interval", "720m"),
        *("--read-build-logs", "--push-step", "Deliver *", "--registry", "contoso.azurecr.io"),
        *("--traced-subscription", GUID),
    )
    (kept,) = state.connectors()
    exported = ado("connector", "export", "contoso-prod").out
    assert exported == FULL.replace("publisher: contoso", "publisher: ms-securitydevops").replace(
        "name: mapping", "name: ms-dfd-code-to-cloud"
    )
    assert connector_of(load(exported), kept.id, kept.created_at) == replace(
        kept, revision=0, baseline_at=None, provisioning_at=None
    )
