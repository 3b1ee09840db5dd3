"""The key that seals people's sign-ins: a file of this user's, or a secret in Azure Key Vault."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from shared.ado.entra import PUBLIC_AUTHORITY
from shared.azure_sign_in import sign_in
from shared.ports import SecretUnavailable, TokenKeys
from shared.wiring.settings import SettingsError

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient

SETTING: Final = "TOKEN_KEY"
_BYTES: Final = 32
_OWNER_ONLY: Final = 0o600
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def open_token_keys(place: str, default: Path | None, authority: str = PUBLIC_AUTHORITY) -> TokenKeys:
    """The keys at `file:///PATH`, `keyvault://VAULT/SECRET`, or in the default file where none is told.

    `authority` is Microsoft Entra's address, for whoever signs in to the vault. Nothing is read, made or
    asked for before a key is needed. Raises `SettingsError` naming TOKEN_KEY.
    """
    if not place:
        return KeyFile(default) if default is not None else NoKeys()
    parts = urlsplit(place)
    if parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return KeyFile(Path(parts.path))
    segments = parts.path.strip("/").split("/")
    if parts.scheme == "keyvault" and parts.hostname and len(segments) == 1 and segments[0]:
        if parts.hostname in _LOOPBACK:
            host = parts.netloc
        else:
            host = parts.hostname if "." in parts.hostname else f"{parts.hostname}.vault.azure.net"
        client_id = parse_qs(parts.query).get("client_id", [""])[0]
        return KeyVaultSecret(f"https://{host}", segments[0], client_id, authority)
    raise SettingsError(
        f"{SETTING}: is no place for a key. Write file:///PATH, or keyvault://VAULT/SECRET for a secret of "
        "an Azure Key Vault (?client_id=ID for a user-assigned identity). Example: "
        f"{SETTING}=keyvault://contoso-vault/ado-connector-token-key"
    )


class NoKeys:
    """For a state that machines share, without a key that they share."""

    where = "nowhere"

    def newest(self) -> tuple[str, bytes]:
        """There is none."""
        raise SecretUnavailable(
            f"{SETTING}: is not set. STATE_URL names a store that machines share, so the key for people's "
            "sign-ins must be where all of them find it. Example: "
            f"{SETTING}=keyvault://contoso-vault/ado-connector-token-key"
        )

    def named(self, name: str) -> bytes:
        """There is none."""
        del name
        return self.newest()[1]


class KeyFile:
    """A file that its owner alone may read (mode 0600), made when the first sign-in is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        """For people."""
        return str(self._path)

    def newest(self) -> tuple[str, bytes]:
        """The key of the file, which is made where there is none."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            made = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY)
        except FileExistsError:
            return "", self.named("")
        except OSError as error:
            raise SecretUnavailable(
                f"{SETTING}: the key file {self._path} cannot be made ({error.strerror}). Name a file in a "
                "folder that can be written to."
            ) from None
        with os.fdopen(made, "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return "", self.named("")

    def named(self, name: str) -> bytes:
        """The key of the file; it has but one, without a name."""
        if name:
            raise SecretUnavailable(
                f"{SETTING}: the sign-in was sealed with another key than that of {self._path}: the one "
                f"named {name} in an Azure Key Vault. Set {SETTING} to that vault, or authorize the "
                "connector anew."
            )
        try:
            mode = self._path.stat().st_mode
            content = self._path.read_bytes()
        except OSError as error:
            raise SecretUnavailable(
                f"{SETTING}: the key file {self._path} cannot be read ({error.strerror}). Without it kept "
                "sign-ins cannot be opened: put it back, or authorize the connectors anew."
            ) from None
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise SecretUnavailable(
                f"{SETTING}: others may read the key file {self._path} (mode {stat.S_IMODE(mode):04o}). "
                f"Run: chmod 600 {self._path}"
            )
        return _key(content, str(self._path))


class KeyVaultSecret:
    """A secret of an Azure Key Vault. Its versions are the keys: the newest seals, all of them open."""

    def __init__(
        self, vault: str, secret: str, client_id: str = "", authority: str = PUBLIC_AUTHORITY
    ) -> None:
        self._vault, self._secret = vault, secret
        self._sign_in = sign_in(client_id, "" if authority == PUBLIC_AUTHORITY else authority)
        self._lock = threading.Lock()
        self._keys: dict[str, bytes] = {}
        self._opened: SecretClient | None = None

    @property
    def where(self) -> str:
        """For people."""
        return f"secret {self._secret} of {self._vault}"

    def newest(self) -> tuple[str, bytes]:
        """The newest version, made where the secret does not exist."""
        with self._lock:
            return self._read(None) or self._make()

    def named(self, name: str) -> bytes:
        """The version of this name, asked for once per process."""
        with self._lock:
            if name not in self._keys and self._read(name) is None:
                raise SecretUnavailable(
                    f"{SETTING}: {self.where} has no version {name or '(of a key file)'}, with which a "
                    "sign-in was sealed. Restore it, or authorize the connector anew."
                )
            return self._keys[name]

    def _read(self, version: str | None) -> tuple[str, bytes] | None:
        from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415 - slow to load

        if version == "":
            return None
        try:
            found = self._client().get_secret(self._secret, version)
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError) as error:
            raise self._unavailable(error) from None
        name = str(found.properties.version)
        self._keys[name] = _key((found.value or "").encode(), self.where)
        return name, self._keys[name]

    def _make(self) -> tuple[str, bytes]:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - as above

        value = base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)).decode()
        try:
            made = self._client().set_secret(self._secret, value, content_type="ado-connector token key")
        except (AzureError, ValueError) as error:
            raise self._unavailable(error) from None
        name = str(made.properties.version)
        self._keys[name] = _key(value.encode(), self.where)
        return name, self._keys[name]

    def _client(self) -> SecretClient:
        from azure.keyvault.secrets import SecretClient  # noqa: PLC0415

        if self._opened is None:
            loopback = (urlsplit(self._vault).hostname or "") in _LOOPBACK
            # A vault on this machine cannot be of the domain that it signs people in for.
            self._opened = SecretClient(
                self._vault, self._sign_in, retry_total=3, verify_challenge_resource=not loopback
            )
        return self._opened

    def _unavailable(self, error: Exception) -> SecretUnavailable:
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - as above

        status = getattr(error, "status_code", None)
        if status is None and isinstance(error, ClientAuthenticationError):
            return SecretUnavailable(f"{SETTING}: there is no token for {self.where}. {self._sign_in.fix()}")
        return SecretUnavailable(
            f"{SETTING}: {self._sign_in.whom} cannot have {self.where} ({status or type(error).__name__}). "
            "Check that the vault can be reached, and that whoever runs this has the role Key Vault Secrets "
            "User (Key Vault Secrets Officer to make the key with the first sign-in); a new role takes up to "
            "ten minutes to hold."
        )


def _key(content: bytes, where: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(content.strip())
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _BYTES:
        raise SecretUnavailable(
            f"{SETTING}: {where} holds no key: {_BYTES} random bytes in base64 are expected. Put the key "
            "back that was there, or take it away and authorize the connectors anew."
        )
    return key
