"""What looks like a secret, and what only resembles one. Nothing here is a real one."""

from __future__ import annotations

import pytest

from shared.ado.plain_secrets import is_url, looks_like_secret


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("a", "-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("a", "DefaultEndpointsProtocol=https;AccountKey=" + "A" * 86 + "==", "Azure storage key"),
        ("a", "https://x.blob.core.windows.net/c?sv=1&sig=" + "a" * 40, "shared access signature"),
        ("a", "Endpoint=sb://x;SharedAccessKey=" + "a" * 43 + "=", "shared access key"),
        ("a", "Server=db;User=sa;Password=hunter22;", "connection string with a password"),
        ("a", "postgres://sa:hunter22@db/shop", "address with a password"),
        ("a", "ghp_" + "a" * 36, "GitHub token"),
        ("a", "a" * 52, "Azure DevOps token"),
        ("a", "a" * 76 + "AZDO" + "b" * 4, "Azure DevOps token"),
        ("a", "AKIA" + "A" * 16, "AWS access key"),
        ("a", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.x", "JSON web token"),
        ("dbPassword", "hunter22", "secret, by the name of the variable"),
        ("DB_PASSWORD", "hunter22", "secret, by the name of the variable"),
        ("client.secret", "hunter22", "secret, by the name of the variable"),
        ("apiKey", "hunter22", "secret, by the name of the variable"),
    ],
)
def test_a_secret(name: str, value: str, told: str) -> None:
    assert looks_like_secret(name, value) == told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", ""),
        ("password", "short"),
        ("password", "$(vaultPassword)"),
        ("password", "${{ parameters.password }}"),
        ("password", "#{password}#"),
        ("password", "********"),
        ("passwordPolicyUrl", "https://example.com"),
        ("tokenizer", "wordpiece"),
        ("secretName", "shop-secrets"),
        ("buildConfiguration", "Release"),
        ("connection", "Server=db;Integrated Security=true"),
        ("address", "https://example.com/path"),
    ],
)
def test_no_secret(name: str, value: str) -> None:
    assert looks_like_secret(name, value) == ""


def test_addresses() -> None:
    assert is_url(" https://example.com")
    assert not is_url("example.com")
