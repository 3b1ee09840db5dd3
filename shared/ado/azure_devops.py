"""The `AzureDevOps` port, put together from its areas."""

from __future__ import annotations

from datetime import timedelta

from shared.ado.extensions import ExtensionsArea
from shared.ado.identity import IdentityArea
from shared.ado.inventory import InventoryArea
from shared.ado.organization_facts import OrganizationFactsArea
from shared.ado.organizations import OrganizationsArea
from shared.ado.portal import PortalArea
from shared.ado.posture import PostureArea
from shared.ado.probes import ProbesArea
from shared.ado.runs import RunsArea
from shared.ado.security import SecurityArea


class AzureDevOpsClient(
    OrganizationsArea,
    InventoryArea,
    IdentityArea,
    SecurityArea,
    PortalArea,
    ExtensionsArea,
    OrganizationFactsArea,
    PostureArea,
    ProbesArea,
    RunsArea,
):
    """Azure DevOps as one identity sees it: implements `shared.ports.AzureDevOps`. Safe across threads.

    Every call that is made stands in `shared.ado.calls`; every error in `shared.ado.errors`.
    """

    @property
    def clock_ahead(self) -> timedelta:
        """How far our clock is ahead of the service's, as its last answer tells, to the second."""
        return self._client.ahead

    @property
    def requests_sent(self) -> int:
        """How many requests this thread has sent so far, tries that failed included."""
        return self._client.sent
