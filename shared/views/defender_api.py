"""What the Defender-shaped API answers, to one viewer: resources one by one, and listings page by page.

What the viewer may not see is looked for like what is not there, and told in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from shared.model.assessment import ResourceKind
from shared.model.connector import Connector
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.inventory import Project, Repository
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.viewer import Sight, Viewer
from shared.ports import ConnectorState, Intervals
from shared.posture.catalogue import RULES
from shared.posture.exemptions import Exemptions
from shared.posture.views import Recommendation
from shared.views.defender_assessments import assessment_name, assessment_resource
from shared.views.defender_paths import (
    NO_RESOURCE_GROUP,
    NO_SUBSCRIPTION,
    Address,
    What,
    organization_id,
    project_id,
    repository_id,
)
from shared.views.defender_resources import (
    Document,
    configuration_resource,
    connector_resource,
    organization_resource,
    project_resource,
    repository_resource,
)
from shared.views.paging import read_token, write_token
from shared.views.recommendations import OrganizationPosture

PAGE: Final = 500
"""Projects, repositories or assessments of one page."""
ORGANIZATIONS_PAGE: Final = 100
"""Organizations of one page: the prerequisites of each are read by themselves."""

_CHUNK: Final = 100
"""Repositories of a project that are told of at once."""
_LOOKED_MOST: Final = 100
"""Parts of organizations that one page of assessments looks at, however little there is to say of them."""


class Absent(Exception):
    """There is no such thing, as far as the viewer is told."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page; `next` is the token of the next, empty for the last."""

    values: tuple[Document, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class _Connected:
    """A connector that the viewer sees, at least on the way, with what it makes of its organizations."""

    connector: Connector
    enrollments: Mapping[OrganizationId, Enrollment]
    sight: Sight


@dataclass(frozen=True, slots=True)
class _Found:
    """An organization of a connector that the viewer sees, at least on the way."""

    connector: Connector
    organization: Organization
    enrollment: Enrollment
    sight: Sight


@dataclass(frozen=True, slots=True, order=True)
class _Position:
    """Where a listing of assessments is: the chunk is empty, or `r` and the id behind which it begins."""

    connector: str = ""
    organization: str = ""
    project: str = ""
    chunk: str = ""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A part of the assessments; they are worked out when they are asked for."""

    position: _Position
    found: _Found
    project: Project | None
    tell: Callable[[], list[tuple[Recommendation, str]]]
    """Each recommendation with the ARM id of what it is of."""


class DefenderApi:
    """Answers one request."""

    def __init__(self, state: ConnectorState, viewer: Viewer, intervals: Intervals, now: datetime) -> None:
        self._state = state
        self._viewer = viewer
        self._intervals = intervals
        self._now = now

    def one(self, address: Address, version: str) -> Document:
        """The resource at the address. Raises `Absent`."""
        if address.what is What.ASSESSMENT:
            return self._assessment(address, version)
        connected = self._connector(address)
        connector = connected.connector
        if address.what is What.CONNECTOR:
            return connector_resource(connector, connected.sight)
        if address.what is What.CONFIGURATION:
            return self._configuration(connected, version)
        found = self._organization(connected, address.organization)
        if address.what is What.ORGANIZATION:
            return self._told_organization(found)
        project = self._project(found, address.project)
        if address.what is What.PROJECT:
            return project_resource(connector, found.organization, project)
        repository = self._repository(found, project, address.repository)
        return repository_resource(connector, found.organization, project, repository)

    def listing(self, address: Address, version: str, token: str = "") -> Listing:
        """One page of the listing at the address. Raises `Absent`, and `UnreadableToken`."""
        if address.what is What.ASSESSMENTS:
            return self._assessments(address, version, token)
        (after,) = read_token(token, 1)
        if address.what is What.CONNECTORS:
            found = sorted(self._connectors(address), key=lambda one: one.connector.id)
            return _page(
                found,
                lambda one: one.connector.id,
                after,
                PAGE,
                lambda one: connector_resource(one.connector, one.sight),
            )
        connected = self._connector(address)
        if address.what is What.CONFIGURATIONS:
            return Listing((self._configuration(connected, version),))
        if address.what in {What.ORGANIZATIONS, What.AVAILABLE}:
            some = self._organizations(connected, available=address.what is What.AVAILABLE)
            return _page(
                some,
                lambda one: one.organization.id,
                after,
                ORGANIZATIONS_PAGE,
                self._told_organization,
            )
        organization = self._organization(connected, address.organization)
        if address.what is What.PROJECTS:
            return _page(
                self._projects(organization),
                lambda one: one.id,
                after,
                PAGE,
                lambda one: project_resource(connected.connector, organization.organization, one),
            )
        project = self._project(organization, address.project)
        page = self._state.project_repositories(
            organization.organization.id, project.id, after=after, limit=PAGE
        )
        values = tuple(
            repository_resource(connected.connector, organization.organization, project, one)
            for one in page.rows
            if one.retired_at is None
        )
        return Listing(values, write_token((page.next,)) if page.next else "")

    # --- what the viewer sees -----------------------------------------------------------------------------

    def _connectors(self, address: Address) -> Iterator[_Connected]:
        """Those of the subscription, and of the resource group where it names one."""
        enrolled: dict[ConnectorId, dict[OrganizationId, Enrollment]] = {}
        for one in self._state.enrollments():
            enrolled.setdefault(one.connector, {})[one.organization] = one
        for connector in self._state.connectors():
            if not _same(connector.subscription or NO_SUBSCRIPTION, address.subscription):
                continue
            group = connector.resource_group or NO_RESOURCE_GROUP
            if address.resource_group and not _same(group, address.resource_group):
                continue
            enrollments = enrolled.get(connector.id, {})
            sight = self._viewer.sight_of_connector(connector.id, enrollments)
            if sight is not Sight.NONE:
                yield _Connected(connector, enrollments, sight)

    def _connector(self, address: Address) -> _Connected:
        for one in self._connectors(address):
            if _same(one.connector.name, address.connector):
                return one
        raise Absent

    def _organizations(self, connected: _Connected, *, available: bool = False) -> list[_Found]:
        """The onboarded ones in order of id; with `available` all that the connector knows of."""
        connector, found = connected.connector, []
        for organization in self._state.organizations():
            enrollment = connected.enrollments.get(organization.id)
            if enrollment is None:
                continue
            if not available and enrollment.state is not OnboardingState.ONBOARDED:
                continue
            sight = self._viewer.sight_of_organization(connector.id, organization.id)
            if sight is not Sight.NONE:
                found.append(_Found(connector, organization, enrollment, sight))
        return sorted(found, key=lambda one: one.organization.id)

    def _organization(self, connected: _Connected, name: str) -> _Found:
        named = [one for one in self._organizations(connected) if _same(one.organization.name, name)]
        # One that is missing may have given its name to another.
        for one in sorted(named, key=lambda one: one.organization.missing_since is not None):
            return one
        raise Absent

    def _projects(self, found: _Found) -> Iterator[Project]:
        """Those that are not known to be deleted, in order of id."""
        connector, organization = found.connector.id, found.organization.id
        for one in self._state.projects(organization):
            if one.retired_at is None and self._viewer.sees_project(connector, organization, one.id):
                yield one

    def _project(self, found: _Found, name: str) -> Project:
        named = [one for one in self._projects(found) if _same(one.name, name)]
        for one in sorted(named, key=lambda one: one.missing_since is not None):
            return one
        raise Absent

    def _repository(self, found: _Found, project: Project, name: str) -> Repository:
        missing = None
        for page in self._pages(found, project):
            for one in page:
                if not _same(one.name, name):
                    continue
                if one.missing_since is None:
                    return one
                missing = one
        if missing is None:
            raise Absent
        return missing

    def _pages(self, found: _Found, project: Project) -> Iterator[tuple[Repository, ...]]:
        after = ""
        while True:
            page = self._state.project_repositories(
                found.organization.id, project.id, after=after, limit=PAGE
            )
            yield tuple(one for one in page.rows if one.retired_at is None)
            after = page.next
            if not after:
                return

    def _configuration(self, connected: _Connected, version: str) -> Document:
        known = self._organizations(connected, available=True)
        names = [one.organization.name for one in known]
        return configuration_resource(connected.connector, connected.sight, names, version)

    def _told_organization(self, found: _Found) -> Document:
        whole = found.sight is Sight.WHOLE
        prerequisites = self._state.prerequisites(found.organization.id, found.connector.id) if whole else ()
        return organization_resource(
            found.connector, found.organization, found.enrollment, prerequisites, found.sight
        )

    # --- assessments --------------------------------------------------------------------------------------

    def _assessment(self, address: Address, version: str) -> Document:
        if not address.organization:
            raise Absent
        found = self._organization(self._connector(address), address.organization)
        project = self._project(found, address.project) if address.project else None
        repository = (
            self._repository(found, project, address.repository)
            if project is not None and address.repository
            else None
        )
        if project is None and found.sight is not Sight.WHOLE:
            raise Absent
        posture = self._posture(found.organization)
        if project is None:
            told = _of_itself(found, posture)
        elif repository is None:
            told = _of_project(found, project, posture)
        else:
            told = _of_repositories(found, project, (repository,), posture)
        for one, resource in told:
            if _same(assessment_name(one), address.assessment):
                return assessment_resource(one, found.organization, project, resource, version)
        raise Absent

    def _assessments(self, address: Address, version: str, token: str) -> Listing:
        *place, last = read_token(token, 5)
        start = _Position(*place)
        values: list[Document] = []
        for looked, chunk in enumerate(self._chunks(address, start)):
            if len(values) >= PAGE or looked >= _LOOKED_MOST:
                return Listing(tuple(values), _token(chunk.position))
            rows = sorted(chunk.tell(), key=_key)
            if chunk.position == start:
                rows = [one for one in rows if _key(one) > last]
            room = PAGE - len(values)
            values += (
                assessment_resource(one, chunk.found.organization, chunk.project, resource, version)
                for one, resource in rows[:room]
            )
            if len(rows) > room:
                return Listing(tuple(values), _token(chunk.position, _key(rows[room - 1])))
        return Listing(tuple(values))

    def _chunks(self, address: Address, start: _Position) -> Iterator[_Chunk]:
        """The parts of what there is to say in this scope, from that position on."""
        for found in self._scope(address):
            here = _Position(found.connector.id, found.organization.id)
            if (here.connector, here.organization) < (start.connector, start.organization):
                continue
            posture = self._posture(found.organization)
            if not address.project and found.sight is Sight.WHOLE and here >= start:
                yield _Chunk(here, found, None, lambda f=found, p=posture: _of_itself(f, p))  # type: ignore[misc]
            only = self._project(found, address.project) if address.project else None
            for project in (only,) if only is not None else self._projects(found):
                yield from self._project_chunks(address, found, project, posture, start)

    def _project_chunks(
        self,
        address: Address,
        found: _Found,
        project: Project,
        posture: OrganizationPosture,
        start: _Position,
    ) -> Iterator[_Chunk]:
        here = _Position(found.connector.id, found.organization.id, project.id)
        before = (start.connector, start.organization, start.project)
        if (here.connector, here.organization, here.project) < before:
            return
        if address.repository:
            one = self._repository(found, project, address.repository)
            yield _Chunk(here, found, project, lambda: _of_repositories(found, project, (one,), posture))
            return
        if here >= start:
            yield _Chunk(here, found, project, lambda: _of_project(found, project, posture))
        after = start.chunk[1:] if before == (here.connector, here.organization, here.project) else ""
        while True:
            page = self._state.project_repositories(
                found.organization.id, project.id, after=after, limit=_CHUNK
            )
            some = tuple(one for one in page.rows if one.retired_at is None)
            position = _Position(here.connector, here.organization, here.project, f"r{after}")
            if some:
                yield _Chunk(
                    position,
                    found,
                    project,
                    lambda some=some: _of_repositories(found, project, some, posture),  # type: ignore[misc]
                )
            after = page.next
            if not after:
                return

    def _scope(self, address: Address) -> list[_Found]:
        """Organizations of the scope, in the order of positions."""
        if address.connector:
            connected = self._connector(address)
            if address.organization:
                return [self._organization(connected, address.organization)]
            return self._organizations(connected)
        connectors = sorted(self._connectors(address), key=lambda one: one.connector.id)
        return [found for one in connectors for found in self._organizations(one)]

    def _posture(self, organization: Organization) -> OrganizationPosture:
        exemptions = Exemptions(self._state.exemptions(), self._now)
        return OrganizationPosture(self._state, organization, RULES, self._intervals, self._now, exemptions)


Told = list[tuple[Recommendation, str]]


def _of_itself(found: _Found, posture: OrganizationPosture) -> Told:
    resource = organization_id(found.connector, found.organization.name)
    return [(one, resource) for one in posture.own()]


def _of_project(found: _Found, project: Project, posture: OrganizationPosture) -> Told:
    """Of the project, and of what in it has no ARM id of its own."""
    resource = project_id(found.connector, found.organization.name, project.name)
    return [
        (one, resource)
        for one in posture.of_project(project, ())
        if one.resource.kind is not ResourceKind.REPOSITORY
    ]


def _of_repositories(
    found: _Found, project: Project, repositories: Sequence[Repository], posture: OrganizationPosture
) -> Told:
    ids = {
        one.id: repository_id(found.connector, found.organization.name, project.name, one.name)
        for one in repositories
    }
    return [
        (one, ids[one.resource.id])  # type: ignore[index]
        for one in posture.of_project(project, repositories)
        if one.resource.kind is ResourceKind.REPOSITORY
    ]


def _key(told: tuple[Recommendation, str]) -> str:
    one = told[0]
    return f"{one.resource.kind.value}\0{one.resource.id}\0{one.rule.id}"


def _token(position: _Position, last: str = "") -> str:
    return write_token((position.connector, position.organization, position.project, position.chunk, last))


Row = TypeVar("Row")


def _page(
    rows: Iterable[Row],
    key: Callable[[Row], str],
    after: str,
    limit: int,
    tell: Callable[[Row], Document],
) -> Listing:
    """So many of the rows, which are in order of their key, behind that key."""
    rest = [one for one in rows if key(one) > after]
    values = tuple(tell(one) for one in rest[:limit])
    return Listing(values, write_token((key(rest[limit - 1]),)) if len(rest) > limit else "")


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()
