"""Addresses of the Defender-shaped API: what a URL's path asks for, and the ids that answers tell.

The shape is that of Azure Resource Manager, whose fixed words are compared without regard to capitals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from shared.model.connector import Connector

NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
"""Stands where a connector belongs to no subscription."""
NO_RESOURCE_GROUP: Final = "unassigned"
"""Stands where a connector belongs to no resource group."""

PROVIDER: Final = "Microsoft.Security"

_UNSAFE = re.compile(r"[%/?#\\\x00-\x1f\x7f]")


class What(StrEnum):
    """What is asked for."""

    CONNECTORS = "connectors"
    CONNECTOR = "connector"
    CONFIGURATIONS = "configurations"
    CONFIGURATION = "configuration"
    AVAILABLE = "available"
    ORGANIZATIONS = "organizations"
    ORGANIZATION = "organization"
    PROJECTS = "projects"
    PROJECT = "project"
    REPOSITORIES = "repositories"
    REPOSITORY = "repository"
    ASSESSMENTS = "assessments"
    ASSESSMENT = "assessment"


@dataclass(frozen=True, slots=True)
class Address:
    """What is asked for, and where: names as they were written, empty where the path does not go so far.

    Of assessments, the names are their scope.
    """

    what: What
    subscription: str
    resource_group: str = ""
    connector: str = ""
    organization: str = ""
    project: str = ""
    repository: str = ""
    assessment: str = ""


def parse_path(path: str) -> Address | None:
    """Read the path of a URL, still percent-encoded; None when it is no address of this API."""
    parts = [unquote(one, errors="replace") for one in path.strip("/").split("/")]
    if not all(parts):
        return None
    provider = ["providers", PROVIDER.lower(), "assessments"]
    if _words(parts[-3:]) == provider:
        return _scope(parts[:-3], What.ASSESSMENTS)
    if _words(parts[-4:-1]) == provider:
        found = _scope(parts[:-4], What.ASSESSMENT)
        return None if found is None else replace(found, assessment=parts[-1])
    found = _resource(parts)
    # A subscription or a resource group itself is none of ours.
    return None if found is None or (found.what is What.CONNECTORS and len(parts) in {2, 4}) else found


def _scope(parts: list[str], what: What) -> Address | None:
    found = _resource(parts)
    if found is None or found.what in _LISTINGS:
        return None
    # A listing is no scope; the two lengths are those of a subscription and a resource group.
    if found.what is What.CONNECTORS and len(parts) not in {2, 4}:
        return None
    return replace(found, what=what)


_LISTINGS = {
    What.CONFIGURATIONS,
    What.AVAILABLE,
    What.ORGANIZATIONS,
    What.PROJECTS,
    What.REPOSITORIES,
}


def _resource(parts: list[str]) -> Address | None:
    """A path down to a connector or what it holds; a subscription or group by itself reads as its listing."""
    rest = list(parts)
    if len(rest) < 2 or rest.pop(0).lower() != "subscriptions":  # noqa: PLR2004 - a word and a name
        return None
    found = Address(What.CONNECTORS, rest.pop(0))
    if len(rest) > 1 and rest[0].lower() == "resourcegroups":
        found = replace(found, resource_group=rest[1])
        rest = rest[2:]
    if not rest:
        return found
    if _words(rest[:3]) != ["providers", PROVIDER.lower(), "securityconnectors"]:
        return None
    rest = rest[3:]
    if not rest:
        return found
    if not found.resource_group:
        return None
    return _in_connector(replace(found, what=What.CONNECTOR, connector=rest[0]), rest[1:])


def _in_connector(found: Address, rest: list[str]) -> Address | None:
    if not rest:
        return found
    if rest[0].lower() != "devops":
        return None
    if len(rest) == 1:
        return replace(found, what=What.CONFIGURATIONS)
    if rest[1].lower() != "default":
        return None
    rest = rest[2:]
    if not rest:
        return replace(found, what=What.CONFIGURATION)
    if _words(rest) == ["listavailableazuredevopsorgs"]:
        return replace(found, what=What.AVAILABLE)
    words, names = _words(rest[::2]), rest[1::2]
    if words != ["azuredevopsorgs", "projects", "repos"][: len(words)]:
        return None
    listings = (What.ORGANIZATIONS, What.PROJECTS, What.REPOSITORIES)
    ones = (What.ORGANIZATION, What.PROJECT, What.REPOSITORY)
    what = (ones if len(names) == len(words) else listings)[len(words) - 1]
    organization, project, repository = (*names, "", "", "")[:3]
    return replace(found, what=what, organization=organization, project=project, repository=repository)


def _words(parts: list[str]) -> list[str]:
    return [one.lower() for one in parts]


def connector_id(connector: Connector) -> str:
    """The ARM id of a connector. Names in ids are as they are, but for what would break a path."""
    subscription = connector.subscription or NO_SUBSCRIPTION
    group = connector.resource_group or NO_RESOURCE_GROUP
    return (
        f"/subscriptions/{_name(subscription)}/resourceGroups/{_name(group)}"
        f"/providers/{PROVIDER}/securityConnectors/{_name(connector.name)}"
    )


def configuration_id(connector: Connector) -> str:
    """The ARM id of its only configuration."""
    return f"{connector_id(connector)}/devops/default"


def organization_id(connector: Connector, organization: str) -> str:
    """The ARM id of an organization, by its name."""
    return f"{configuration_id(connector)}/azureDevOpsOrgs/{_name(organization)}"


def project_id(connector: Connector, organization: str, project: str) -> str:
    """The ARM id of a project, by its name."""
    return f"{organization_id(connector, organization)}/projects/{_name(project)}"


def repository_id(connector: Connector, organization: str, project: str, repository: str) -> str:
    """The ARM id of a repository, by its name."""
    return f"{project_id(connector, organization, project)}/repos/{_name(repository)}"


def _name(name: str) -> str:
    """Percent-encoded where a path would be read in another way: `Web%2FApp`, but `Web App`."""
    return _UNSAFE.sub(lambda one: f"%{ord(one[0]):02X}", name)
