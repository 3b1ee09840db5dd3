"""Addresses of pages: what is looked at, written so that it can be shared and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Final
from urllib.parse import quote, urlencode

from shared.model.assessment import Resource, ResourceKind
from shared.model.ids import OrganizationId, ProjectId
from shared.views.lists import Filter
from shared.views.text import printable

ROOT: Final = "/security"
_LONGEST: Final = 400
_NAMES: Final = tuple(one.name for one in fields(Filter))


def filter_of(query: Mapping[str, str]) -> Filter:
    """The filter that an address asks for. What is too long to be a name is cut, and then finds nothing."""
    told = {name: query.get(name, "").strip()[:_LONGEST] for name in _NAMES}
    return Filter(**told)


def told(wanted: Filter) -> dict[str, str]:
    """The filter as parts of an address; what is empty is left out."""
    return {name: value for name in _NAMES if (value := getattr(wanted, name))}


def without(wanted: Filter, name: str) -> Filter:
    """The filter less one of its parts."""
    return replace(wanted, **{name: ""})


def address(path: str, *parts: Mapping[str, object]) -> str:
    """A path of ours with these parameters; what is empty is left out."""
    query = {name: value for some in parts for name, value in some.items() if value not in {"", None}}
    return f"{ROOT}{path}?{urlencode(query, quote_via=quote, errors='replace')}" if query else f"{ROOT}{path}"


def organization(identifier: OrganizationId) -> str:
    """The page of an organization."""
    return f"{ROOT}/organizations/{quote(identifier, safe='')}"


def project(of: OrganizationId, identifier: ProjectId) -> str:
    """The page of a project."""
    return f"{organization(of)}/projects/{quote(identifier, safe='')}"


def repository(of: OrganizationId, inside: ProjectId, identifier: str) -> str:
    """The page of a repository."""
    return f"{project(of, inside)}/repositories/{quote(identifier, safe='')}"


def rule(identifier: str) -> str:
    """The page of a recommendation."""
    return f"{ROOT}/recommendations/{quote(identifier, safe='')}"


_SETTINGS: Final[Mapping[ResourceKind, str]] = {
    ResourceKind.ORGANIZATION: "_settings/",
    ResourceKind.AGENT_POOL: "_settings/agentpools?poolId={id}&view=security",
    ResourceKind.PROJECT: "_settings/settings",
    ResourceKind.REPOSITORY: "_settings/repositories?repo={id}&_a=policiesMid",
    ResourceKind.SERVICE_CONNECTION: "_settings/adminservices?resourceId={id}",
    ResourceKind.PIPELINE: "_build?definitionId={id}",
    ResourceKind.VARIABLE_GROUP: (
        "_library?itemType=VariableGroups&view=VariableGroupView&variableGroupId={id}"
    ),
    ResourceKind.SECURE_FILE: "_library?itemType=SecureFiles&view=SecureFileView&secureFileId={id}",
    ResourceKind.ENVIRONMENT: "_environments/{id}",
}
_OF_ORGANIZATION: Final = frozenset({ResourceKind.ORGANIZATION, ResourceKind.AGENT_POOL})


def settings_page(organization: str, project: str, resource: Resource) -> str:
    """Where Azure DevOps lets one change what a recommendation on the resource is about."""
    identifier = quote(printable(resource.id.rpartition("/")[2]), safe="")
    base = azure_devops(organization, "" if resource.kind in _OF_ORGANIZATION else project)
    return f"{base}/{_SETTINGS[resource.kind].replace('{id}', identifier)}"


_DEV_AZURE: Final = "https://dev.azure.com"


def azure_devops(organization: str, project: str = "", *rest: str) -> str:
    """A page of Azure DevOps itself. Names are encoded: whatever they are, it leads nowhere else."""
    names = [one for one in (organization, project, *rest) if one]
    return "/".join((_DEV_AZURE, *(quote(printable(one), safe="") for one in names)))
