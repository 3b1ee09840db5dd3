"""Builds clients: one per identity and tenant, all on the same connections and throttle gates."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from shared.ado.auth import Credential, Secrets, make_credential
from shared.ado.azure_devops import AzureDevOpsClient
from shared.ado.client import Client
from shared.ado.service_time import read_service_time
from shared.ado.throttle import Gates, Limits, Ticks
from shared.ado.transport import USER_AGENT, Gateway, Transport
from shared.ado.user import SignIns
from shared.model.connector import IdentityReference
from shared.model.ids import TenantId
from shared.ports import Clock, ThrottleStore, Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

_POOL = 16
"""Idle connections kept per host, at least: as many as REQUESTS_AT_ONCE may be set to."""


@dataclass(frozen=True, slots=True)
class AdoOptions:
    """How Azure DevOps is talked to.

    - `gateway_url`: a request for `https://HOST/PATH` goes to `{gateway_url}/HOST/PATH`; empty for none.
      Must be https unless it is loopback.
    - `timeout`: seconds to wait for the next byte of an answer.
    - `concurrency`: requests at once per organization and identity.
    - `free_share`: share of the rate limit, 0 to 1, that is left to others.
    - `hourly_cap`: requests per clock hour, organization and identity; 0 for no cap.
    - `sleep_most`: waits of up to so many seconds are slept through, longer ones raise `Throttled`.
    - `secrets`: reads a setting that holds a secret, by its name; None when it is not set.
    """

    gateway_url: str = ""
    timeout: float = 100.0
    concurrency: int = 4
    free_share: float = 0.2
    hourly_cap: int = 0
    sleep_most: float = 15.0
    user_agent: str = USER_AGENT
    secrets: Mapping[str, Callable[[], str | None]] = field(default_factory=dict, repr=False)


class AzureDevOpsFactory:
    """Gives the client of an identity. Raises `GatewayError` when it is built with an unusable gateway."""

    def __init__(
        self,
        options: AdoOptions,
        store: ThrottleStore,
        clock: Clock,
        sign_ins: SignIns | None = None,
        *,
        ticks: Ticks = time.monotonic,
    ) -> None:
        """`sign_ins` is needed for identities of the kind *user* alone; `ticks` is the monotonic clock."""
        self._secrets: Secrets = options.secrets
        self._sign_ins = sign_ins
        self._clock = clock
        self._transport = Transport(
            Gateway(options.gateway_url),
            timeout=options.timeout,
            user_agent=options.user_agent,
            pool=max(_POOL, options.concurrency),
        )
        limits = Limits(options.concurrency, options.free_share, options.hourly_cap, options.sleep_most)
        self._gates = Gates(limits, store, clock, ticks)
        self._lock = threading.Lock()
        self._credentials: dict[tuple[IdentityReference, TenantId], Credential] = {}
        self._clients: dict[tuple[IdentityReference, TenantId, Urgency], AzureDevOpsClient] = {}

    def connect(
        self, identity: IdentityReference, tenant: TenantId, urgency: Urgency = Urgency.NORMAL
    ) -> AzureDevOpsClient:
        """Azure DevOps as the identity sees it, signed in to the tenant. Makes no request.

        Clients that differ only in urgency share the sign-in and the gates.
        """
        with self._lock:
            client = self._clients.get((identity, tenant, urgency))
            if client is None:
                credential = self._credentials.get((identity, tenant))
                if credential is None:
                    credential = make_credential(identity, tenant, self._secrets, self._clock, self._sign_ins)
                    self._credentials[identity, tenant] = credential
                client = AzureDevOpsClient(
                    Client(self._transport, credential, self._gates, identity.key, self._clock, urgency)
                )
                self._clients[identity, tenant, urgency] = client
            return client

    def service_time(self) -> datetime:
        """What time it is at Azure DevOps. Requests: 1, without any sign-in. Raises `ServiceError`."""
        return read_service_time(self._transport)

    def close(self) -> None:
        """Tell other processes the last request counts, and close every connection."""
        self._gates.close()
        self._transport.close()
