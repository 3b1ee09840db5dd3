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
extension:
  publisher: contoso
  name: mapping
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
        *("installExtension", "requiredPrerequisites", "extension"),
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
    )
    (kept,) = state.connectors()
    exported = ado("connector", "export", "contoso-prod").out
    assert exported == FULL.replace("publisher: contoso", "publisher: ms-securitydevops").replace(
        "name: mapping", "name: ms-dfd-code-to-cloud"
    )
    assert connector_of(load(exported), kept.id, kept.created_at) == replace(
        kept, revision=0, baseline_at=None, provisioning_at=None
    )
