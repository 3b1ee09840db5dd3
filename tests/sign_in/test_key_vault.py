"""The key that seals sign-ins, in an Azure Key Vault: through the real SDK, as in Azure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sign_in.bench import Bench
from tests.sign_in.vault import Vault


@pytest.fixture
def vault(bench: Bench) -> Iterator[Vault]:
    bench.directory.add_application("agent", bench.tenant, secret="s3cr3t-of-the-agent")
    authority = f"{bench.entra.url}/{bench.tenant.id}"
    with Vault(authority, bench.entra.keys_url, bench.entra.authority_file) as made:
        bench.more = {
            "TOKEN_KEY": made.setting,
            "AZURE_TENANT_ID": bench.tenant.id,
            "AZURE_CLIENT_ID": "agent",
            "AZURE_CLIENT_SECRET": "s3cr3t-of-the-agent",
        }
        yield made


def test_the_key_is_made_with_the_first_sign_in_and_a_new_version_takes_over(
    bench: Bench, vault: Vault
) -> None:
    bench.directory.token_seconds = 290
    bench.create()
    (first,) = vault.secrets["token-key"].values()
    assert not (bench.folder / "configuration" / "ado-connector" / "token.key").exists()
    vault.secrets["token-key"]["newer"] = first[::-1].strip("=") + "="
    bench.directory.token_seconds = 3600
    bench.run("run", "--once")
    with bench.state() as state:
        (connector,) = state.connectors()
        assert '"key":"newer"' in state.sign_in(connector.identity.sign_in).sealed
    bench.run("run", "--once", "--now")
    assert bench.connector()["authorization"] == "ok"
    assert first.encode() not in bench.everything_kept()


def test_a_vault_that_refuses_is_our_own_trouble_and_ends_nothing(bench: Bench, vault: Vault) -> None:
    bench.create()
    vault.refuses = 403
    told = bench.run("run", "--once", code=2)
    assert "Key Vault Secrets User" in told.out + told.err
    assert bench.connector()["authorization"] != "ended"
    vault.refuses = 0
    bench.run("run", "--once")
    assert bench.connector()["authorization"] == "ok"
