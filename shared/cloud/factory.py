"""Gives the registries and the Azure that a connector reads."""

from __future__ import annotations

import threading

from shared.ado.auth import Secrets
from shared.ado.transport import Gateway
from shared.ado.user import Entra
from shared.cloud.registry import OciRegistry
from shared.cloud.registry_tokens import RegistryTokens
from shared.cloud.resource_graph import ResourceGraph
from shared.cloud.tokens import AzureTokens
from shared.cloud.web import Web
from shared.model.connector import Connector, IdentityReference
from shared.model.ids import TenantId
from shared.ports import Clock

_HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"
"""Where Docker Hub's API is; images are named after `docker.io`."""


class CloudFactory:
    """One set of connections and tokens for a process. Implements `shared.ports.Cloud`."""

    def __init__(
        self, gateway_url: str, timeout: float, secrets: Secrets, entra: Entra, clock: Clock
    ) -> None:
        """`timeout` is seconds to wait for the next byte. Raises `GatewayError`."""
        self._web = Web(Gateway(gateway_url), clock, timeout=timeout)
        self._secrets = secrets
        self._entra = entra
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[tuple[IdentityReference, TenantId], AzureTokens] = {}
        self._registries: dict[tuple[str, frozenset[str], IdentityReference, TenantId], OciRegistry] = {}

    def registry(self, connector: Connector, host: str) -> OciRegistry:
        """A registry that the connector names. Makes no request. Raises `ValueError` for any other host."""
        named = frozenset(connector.options.registries)
        if host not in named:
            raise ValueError(f"the connector does not name {host}")
        key = (host, named, connector.identity, connector.tenant)
        tokens = self._azure(connector)
        with self._lock:
            if key not in self._registries:
                place = _HUB_HOST if host == _HUB else host
                self._registries[key] = OciRegistry(
                    place, self._web, RegistryTokens(place, self._web, tokens, connector.tenant, named)
                )
            return self._registries[key]

    def resource_graph(self, connector: Connector) -> ResourceGraph:
        """Azure Resource Graph as the connector's application sees it. Makes no request."""
        return ResourceGraph(self._web, self._azure(connector))

    def _azure(self, connector: Connector) -> AzureTokens:
        key = (connector.identity, connector.tenant)
        with self._lock:
            if key not in self._tokens:
                self._tokens[key] = AzureTokens(
                    connector.identity, connector.tenant, self._secrets, self._entra, self._clock
                )
            return self._tokens[key]

    def close(self) -> None:
        """Close every connection."""
        self._web.close()
