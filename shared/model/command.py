"""What a queue message asks for."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.ids import OrganizationId
from shared.model.work import ONBOARDING_QUEUE, WorkKind


@dataclass(frozen=True, slots=True)
class OnboardOrganization:
    """Onboard or refresh one organization now, whatever the mode (but never against an exclusion).

    `organization` is a name; `connector` a name or id, needed only where several connectors could take it.
    """

    organization: str
    requested_by: str
    reason: str = ""
    connector: str = ""

    @property
    def queue(self) -> str:
        """Name of the queue that carries this command."""
        return ONBOARDING_QUEUE


@dataclass(frozen=True, slots=True)
class DoWork:
    """Do one piece of due work. Takes effect only while `revision` is the work's current one."""

    organization: OrganizationId
    kind: WorkKind
    revision: int

    @property
    def queue(self) -> str:
        """Name of the queue that carries this command."""
        return self.kind.value


Command = OnboardOrganization | DoWork
