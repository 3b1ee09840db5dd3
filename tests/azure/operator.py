"""An operator's workstation, and a deployed app's stores around it under their own names in Azure.

Stand-ins answer over TLS: Azurite, which asks for tokens, the AMQP broker, a Key Vault, Microsoft Entra ID;
and Azure DevOps. The operator is signed in to the Azure CLI, for which a script answers as the real one does
(`az account get-access-token --output json --resource URL [--tenant ID]`).
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from shared.queue import open_queue
from shared.queue.receiver import QUEUES
from shared.wiring.clock import SystemClock
from tests.amqp_broker.broker import Broker
from tests.azure.certificates import write_certificate_of_azure
from tests.azure.identity import KEY_VAULT, SERVICE_BUS, STORAGE
from tests.azure.relay import Relay
from tests.azure.tables import TableFront
from tests.azurite.server import start as start_azurite
from tests.sign_in.bench import ROOT, Bench
from tests.sign_in.vault import Vault

ACCOUNT, NAMESPACE, VAULT = "contosoconnector", "contoso.servicebus.windows.net", "contoso-vault"
SIGNED_OUT = "ERROR: Please run 'az login' to setup account."

_AZ = """#!/bin/sh
# az account get-access-token --output json --resource URL [--tenant ID]
echo "$*" >> "{folder}/asked"
if [ -f "{folder}/refused" ]; then cat "{folder}/refused" >&2; exit 1; fi
case "$*" in
  "account get-access-token --output json --resource https://"*) ;;
  *) echo "ERROR: '$*' is misspelled or not recognized by the system." >&2; exit 2 ;;
esac
host=${{6#https://}}
cat "{folder}/${{8:-home}}/${{host%%/*}}.json"
"""


class Workstation(Bench):
    """Where the operator runs commands; `settings` are what `azd env get-values` tells of the app."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        super().__enter__()
        certificate, key = write_certificate_of_azure(self.folder)
        # The stand-in of Entra has an authority of its own; whoever trusts one here trusts both.
        certificate.write_bytes(certificate.read_bytes() + self.entra.authority_file.read_bytes())
        self.authority = certificate
        enter = self._stack.enter_context
        azurite = start_azurite(ACCOUNT, (certificate, key))
        self._stack.callback(azurite.stop)
        self.tables = enter(TableFront(azurite, certificate, key))
        self.broker = enter(Broker(QUEUES))
        self.relay = enter(Relay(self.broker.port, certificate, key))
        self.vault = enter(Vault(f"{self.entra.url}/{self.tenant.id}", self.entra.keys_url, certificate))
        self.connection = azurite.connection_string
        self.settings = {
            "STATE_URL": f"tables://{ACCOUNT}",
            "QUEUE_URL": f"servicebus://{NAMESPACE}",
            "TOKEN_KEY": f"keyvault://{VAULT}/token-key",
            "AZURE_TENANT_ID": self.tenant.id,
        }
        self.az = self.folder / "az"
        self._install_az()
        self.more = {
            **self.settings,
            "PATH": f"{self.az}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self._network()),
            "REQUESTS_CA_BUNDLE": str(certificate),
            "HOME": str(self.folder),
        }
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__(None, None, None)
        self._stack.close()

    def queues(self) -> Any:
        """The queues, as the deployed app has them."""
        return open_queue(self.broker.connection_string, SystemClock())

    def sign_out(self, why: str = SIGNED_OUT) -> None:
        """From now on the Azure CLI has no token, and says why."""
        (self.az / "refused").write_text(f"{why}\n")

    def sign_in(self) -> None:
        """As the operator."""
        (self.az / "refused").unlink(missing_ok=True)

    @property
    def asked(self) -> list[str]:
        """What the Azure CLI was called with."""
        file = self.az / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def _install_az(self) -> None:
        self.tokens: set[str] = set()
        for folder in ("home", self.tenant.id):
            (self.az / folder).mkdir(parents=True)
            for resource in (STORAGE, SERVICE_BUS, KEY_VAULT):
                until = int(time.time()) + 3_600
                told = {
                    "accessToken": self._token(resource),
                    "expiresOn": time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(until)),
                    "expires_on": until,
                    "subscription": "11111111-2222-3333-4444-555555555555",
                    "tenant": self.tenant.id,
                    "tokenType": "Bearer",
                }
                name = resource.removeprefix("https://")
                (self.az / folder / f"{name}.json").write_text(json.dumps(told))
        program = self.az / "az"
        program.write_text(_AZ.format(folder=self.az))
        program.chmod(0o755)

    def _token(self, resource: str) -> str:
        token = self.entra.service.signer.sign(
            {
                "aud": resource,
                "iss": f"https://sts.windows.net/{self.tenant.id}/",
                "oid": self.ana.object_id,
                "upn": self.ana.name,
                "tid": self.tenant.id,
            },
            3_600,
        )
        self.tokens.add(token)
        return token

    def _network(self) -> Path:
        """What makes every Python process started with it a part of this network."""
        ports = {
            f"{ACCOUNT}.table.core.windows.net:443": self.tables.port,
            f"{NAMESPACE}:5671": self.relay.port,
            f"{VAULT}.vault.azure.net:443": self.vault.port,
        }
        told = json.dumps({"ports": ports, "authority": str(self.authority)})
        folder = self.folder / "network"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(
            "import os, runpy\n"
            f"os.environ['STAND_INS'] = {told!r}\n"
            f"runpy.run_path({str(ROOT / 'tests' / 'azure' / 'network.py')!r})['join_network']()\n"
        )
        return folder
