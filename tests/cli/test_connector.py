"""`connector`: what is created is what is shown, and names are unique in their resource group."""

from __future__ import annotations

import pytest

from cli import keys
from local.ado_simulator import Simulator
from shared.model.connector import AuthKind, DiscoveryMode
from shared.model.journal import JournalEvent
from shared.ports import State
from tests.cli.conftest import CommandLine

GUID = "11111111-2222-3333-4444-555555555555"


def test_created_with_defaults(ado: CommandLine) -> None:
    created = ado.json("connector", "create", "--name", "one")
    assert list(created) == list(keys.CONNECTOR)
    assert created["name"] == "one"
    assert created["mode"] == "existing-and-future"
    assert created["auth"] == "pat"
    assert created["tenant"] == "default"
    assert created["plan"] == "foundational"
    assert created["organizations"] == created["excluded"] == []
    assert created["installExtension"] is False
    assert created["requiredPrerequisites"] == [
        "organizationMembership",
        "projectCollectionAdministrator",
        "accessLevel",
    ]
    assert created["provisioningState"] == "Pending"
    assert created["createdAt"].endswith("Z")
    assert ado.json("connector", "list") == [created]
    assert ado.json("connector", "show", "ONE") == created
    assert ado.json("connector", "show", created["id"]) == created


def test_created_with_every_option(ado: CommandLine, state: State) -> None:
    created = ado.json(
        *("connector", "create", "--name", "two", "--mode", "selected", "--tenant", "Contoso.com"),
        *("--organization", "alpha", "--organization", "beta", "--organization", "ALPHA"),
        *(
            "--exclude",
            "sandbox-*",
            "--subscription",
            GUID,
            "--resource-group",
            "rg",
            "--region",
            "westeurope",
        ),
        *("--plan", "defender-cspm", "--auth", "managed-identity", "--client-id", GUID.upper()),
        *("--discover-as", "azure-cli", "--install-extension", "--require", "accessLevel"),
    )
    assert created["tenant"] == "contoso.com"
    assert created["organizations"] == ["alpha", "beta"]
    assert created["excluded"] == ["sandbox-*"]
    assert created["clientId"] == GUID
    assert created["discoverAs"] == "azure-cli"
    assert created["installExtension"] is True
    assert created["requiredPrerequisites"] == ["accessLevel"]
    (kept,) = state.connectors()
    assert kept.mode is DiscoveryMode.SELECTED
    assert kept.identity.kind is AuthKind.MANAGED_IDENTITY
    assert [one.event for one in state.journal()] == [JournalEvent.CONNECTOR_CREATED]
    assert state.journal()[0].requested_by


def test_require_none_requires_nothing(ado: CommandLine) -> None:
    created = ado.json("connector", "create", "--name", "one", "--require", "none")
    assert created["requiredPrerequisites"] == []


def test_the_tenant_comes_from_the_environment_too(ado: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", GUID)
    assert ado.json("connector", "create", "--name", "one")["tenant"] == GUID


def test_names_are_unique_per_resource_group_ignoring_case(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one", "--resource-group", "rg")
    refused = ado("connector", "create", "--name", "ONE", "--resource-group", "RG", code=2)
    assert "--name: there already is" in refused.err
    ado("connector", "create", "--name", "one", "--resource-group", "other")
    several = ado("connector", "show", "one", code=2)
    assert "several connectors" in several.err


def test_delete_keeps_what_was_found(ado: CommandLine, state: State) -> None:
    created = ado.json("connector", "create", "--name", "one")
    assert ado.json("connector", "delete", "one")["id"] == created["id"]
    assert ado.json("connector", "list") == []
    assert state.journal()[-1].event is JournalEvent.CONNECTOR_DELETED
    assert "no connector" in ado("connector", "delete", "one", code=2).err


def test_existing_takes_stock_at_once(ado: CommandLine, simulator: Simulator) -> None:
    created = ado.json("connector", "create", "--name", "one", "--mode", "existing")
    assert created["baselineAt"] is not None
    names = {one["name"] for one in ado.json("organizations", "list")}
    assert names == {one.name for one in simulator.world.organizations}


def test_existing_without_a_token_is_created_with_a_note(ado: CommandLine) -> None:
    created = ado("connector", "create", "--name", "one", "--mode", "existing", "--output", "json")
    assert created.json["baselineAt"] is None
    assert "ADO_PAT is not set" in created.err
    assert "could not be listed yet" in created.err


def test_existing_with_a_wrong_token_is_created_with_a_note(
    ado: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert simulator.url
    monkeypatch.setenv("ADO_PAT", "wrong-token-value")
    created = ado("connector", "create", "--name", "one", "--mode", "existing", "--output", "json")
    assert created.json["baselineAt"] is None
    assert created.json["provisioningState"] == "Failed"
    assert "could not be listed" in created.err
    assert "wrong-token-value" not in created.err + created.out


def test_a_managed_identity_takes_stock_of_the_organizations_it_is_told(ado: CommandLine) -> None:
    created = ado.json(
        *("connector", "create", "--name", "one", "--mode", "existing"),
        *("--auth", "managed-identity", "--organization", "alpha"),
    )
    assert created["baselineAt"] is not None
    assert [one["name"] for one in ado.json("organizations", "list")] == ["alpha"]


def test_the_table_has_what_matters(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one", "--exclude", "sandbox-*")
    table = ado("connector", "list").out
    assert "NAME" in table
    assert "one" in table
    assert "sandbox-*" in table
    shown = ado("connector", "show", "one").out
    for key in keys.CONNECTOR:
        assert key in shown
