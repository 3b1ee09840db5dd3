"""Who looks at what is known, and how much of it they may see."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

from shared.model.ids import ConnectorId, OrganizationId, ProjectId

SECURITY_READER: Final = "SecurityReader"
"""Role that reads. By itself it reads everything; a path behind it narrows it, see `read_role`."""
CONNECTOR_CONTRIBUTOR: Final = "ConnectorContributor"
"""Role that reads and changes, narrowed in the same way."""

_ID = r"[0-9A-Za-z-]{1,36}"
_ROLE = re.compile(
    rf"(?P<role>{SECURITY_READER}|{CONNECTOR_CONTRIBUTOR})(?:/connectors/(?P<connector>{_ID})"
    rf"|/organizations/(?P<organization>{_ID})(?:/projects/(?P<project>{_ID}))?)?"
)


class Sight(Enum):
    """How much of something a viewer sees."""

    NONE = "none"
    """Nothing: it looks as if it were not there."""
    WAY = "way"
    """That it is there and what it is called, since something in it may be seen; nothing of the rest."""
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role lets a viewer see: everything, a connector, an organization, or one project of it.

    Ids, not names: a project that takes another's name takes nobody's right with it.
    """

    connector: ConnectorId | None = None
    organization: OrganizationId | None = None
    project: ProjectId | None = None
    may_change: bool = False

    @property
    def is_all(self) -> bool:
        """Whether it is narrowed to nothing."""
        return self.connector is None and self.organization is None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who was identified. No grant: they see nothing."""

    name: str
    grants: tuple[Grant, ...] = ()

    def sight_of_connector(
        self, connector: ConnectorId, organizations: Collection[OrganizationId] = ()
    ) -> Sight:
        """How much of the connector is seen; `organizations` are those that it knows."""
        if any(one.is_all or one.connector == connector for one in self.grants):
            return Sight.WHOLE
        leads_on = any(one.organization in organizations for one in self.grants if one.organization)
        return Sight.WAY if leads_on else Sight.NONE

    def sight_of_organization(self, connector: ConnectorId, organization: OrganizationId) -> Sight:
        """How much of an organization of the connector is seen."""
        if self.sight_of_connector(connector) is Sight.WHOLE:
            return Sight.WHOLE
        of_it = [one for one in self.grants if one.organization == organization]
        if any(one.project is None for one in of_it):
            return Sight.WHOLE
        return Sight.WAY if of_it else Sight.NONE

    def sees_project(self, connector: ConnectorId, organization: OrganizationId, project: ProjectId) -> bool:
        """Whether a project of the organization is seen, with everything in it."""
        if self.sight_of_organization(connector, organization) is Sight.WHOLE:
            return True
        return any(one.organization == organization and one.project == project for one in self.grants)

    def changing(self) -> Viewer:
        """The same person with what they may change alone."""
        return Viewer(self.name, tuple(one for one in self.grants if one.may_change))


class ViewerRefused(Exception):
    """The request is not answered: nobody knows who asks, or it does not come from where it may.

    `status` and `code` are for the answer, the message is for whoever reads it. `sign_in` is the path at
    which a person may sign in, where there is one.
    """

    def __init__(self, status: int, code: str, message: str, sign_in: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.sign_in = sign_in


def read_role(role: str) -> Grant | None:
    """What an app role grants; None for a role that is none of ours, or is written in another way.

    `SecurityReader`, `SecurityReader/connectors/ID`, `SecurityReader/organizations/ID` or
    `SecurityReader/organizations/ID/projects/ID`; and the same of `ConnectorContributor`. The ids are ours of
    connectors and organizations, and that of Azure DevOps for a project. The value of an app role has at most
    120 characters and no space (Microsoft Graph, `appRole`): names would not fit.
    """
    found = _ROLE.fullmatch(role)
    if found is None:
        return None
    connector, organization, project = (
        (found[name] or "").lower() for name in ("connector", "organization", "project")
    )
    return Grant(
        ConnectorId(connector) if connector else None,
        OrganizationId(organization) if organization else None,
        ProjectId(project) if project else None,
        may_change=found["role"] == CONNECTOR_CONTRIBUTOR,
    )
