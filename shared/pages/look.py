"""What every page is made from: who looks, at what, and what was asked for in the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from shared.model.assessment import AssessmentStatus, ResourceKind
from shared.model.connector import AuthorizationStatus, Connector
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, RuleId
from shared.model.inventory import Project
from shared.model.viewer import Sight
from shared.pages import addresses
from shared.ports import ConnectorState, Intervals, MappingGraph, ThrottleRecord
from shared.posture.catalogue import RULES
from shared.views.lists import OPEN, Filter, Overview, Row
from shared.views.sheets import Counts, Outcome

Values = dict[str, object]
QueueCounts = Callable[[], Mapping[str, Mapping[str, int]] | None]

ADVANCED_SECURITY: Final = RuleId("ADO-REPO-030")
"""Whether Advanced Security is on for a repository is what this rule judges."""

PAGE: Final = 100
"""Rows of a page."""
_PAGES_MOST: Final = 1_000_000

TOPICS: Final = tuple(sorted({(rule.topic, rule.topic) for rule in RULES}))
KINDS: Final = tuple((one.value, one.name.lower().replace("_", " ")) for one in ResourceKind)


class Absent(Exception):
    """There is no such page, as far as the viewer is told."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the pages."""

    state: ConnectorState
    graph: MappingGraph
    throttles: Callable[[], Mapping[str, ThrottleRecord]]
    overview: Overview
    intervals: Intervals
    query: Mapping[str, str]
    path: str
    """Below `/security`, without a slash at its end."""
    form: str = ""
    """What a form has to carry, see `shared.pages.forms`."""
    queue_counts: QueueCounts = dict
    """How many messages each queue holds; None while the queues are away."""

    @property
    def now(self) -> datetime:
        """As of when."""
        return self.overview.now

    @property
    def wanted(self) -> Filter:
        """The filter in the address."""
        return addresses.filter_of(self.query)

    @property
    def number(self) -> int:
        """The page of a list that is asked for, from 1."""
        told = self.query.get("page", "")
        return min(max(1, int(told)), _PAGES_MOST) if told.isdecimal() and len(told) < 9 else 1  # noqa: PLR2004

    def link(self, **changes: object) -> str:
        """The address with these parameters changed; an empty one is left out."""
        return addresses.address(self.path, {**self.query, **changes})

    def to_page(self, number: int) -> str:
        """The same list at another page."""
        return self.link(page=number if number > 1 else "")

    def unlink(self, name: str) -> str:
        """The address without one part of its filter."""
        return self.link(**{name: "", "page": ""})

    def common(self) -> Values:
        """What templates of lists ask for."""
        return {
            "link": self.link,
            "to_page": self.to_page,
            "unlink": self.unlink,
            "wanted": self.wanted,
            "chosen": list(addresses.told(self.wanted).items()),
            "names": [one.organization.name for one in self.overview.visible()][:1_000],
            "topics": TOPICS,
            "kinds": KINDS,
            "now": self.now,
            "notices": self.notices(),
            "form": self.form,
            "here_now": self.link(done=""),
        }

    def connectors(self) -> list[tuple[Connector, Sight]]:
        """Connectors of which the viewer sees anything, by name."""
        known: dict[ConnectorId, list[OrganizationId]] = {}
        for one in self.state.enrollments():
            known.setdefault(one.connector, []).append(one.organization)
        seen = [
            (one, self.overview.viewer.sight_of_connector(one.id, known.get(one.id, ())))
            for one in self.state.connectors()
        ]
        return sorted(
            ((one, sight) for one, sight in seen if sight is not Sight.NONE),
            key=lambda pair: (pair[0].name.casefold(), pair[0].id),
        )

    def notices(self) -> list[tuple[str, str, str]]:
        """What a person must know whatever they look at: a kind, a title, and what to do."""
        found = []
        if done := self.query.get("done", ""):
            found.append(("done", "Done.", done[:300]))
        for connector, sight in self.connectors():
            told = connector.authorization
            if sight is not Sight.WHOLE:
                continue
            if told.status in {AuthorizationStatus.ENDED, AuthorizationStatus.NOT_AUTHORIZED}:
                title = f"{connector.name} is not authorised: nothing new is seen until somebody acts."
                found.append(("bad", title, f"{told.reason} {told.fix}".strip()))
            elif told.status is AuthorizationStatus.ENDING:
                found.append(
                    (
                        "untold",
                        f"The authorisation of {connector.name} ends soon.",
                        f"{told.reason} {told.fix}",
                    )
                )
        return found


def may_change(look: Look, row: Row) -> bool:
    """Whether the viewer may change something of it."""
    changing = Overview((row.sheet,), look.overview.viewer.changing(), look.overview.exemptions, look.now)
    if row.project is None:
        return changing.sight(row.sheet) is Sight.WHOLE
    return changing.sees(row.sheet, row.project)


def place_of(row: Row) -> str:
    """Organization, and project where there is one."""
    name = row.sheet.organization.name
    return f"{name} / {row.project.name}" if row.project else name


def link_of(row: Row) -> str:
    """The page of a row: of what has none of its own, that of its project or organization."""
    organization = row.sheet.organization.id
    if row.project is None:
        return addresses.organization(organization)
    if row.item.resource.kind is ResourceKind.REPOSITORY and row.item.repository is not None:
        return addresses.repository(organization, row.project.id, row.item.repository.id)
    return addresses.project(organization, row.project.id)


def findings_link(row: Row) -> str:
    """The open findings of a row, as a list."""
    wanted = {"view": "all", "status": OPEN, "organization": row.sheet.organization.id}
    if row.project is not None:
        wanted["project"] = row.project.id
    if row.item.resource.kind is ResourceKind.REPOSITORY:
        wanted |= {"kind": ResourceKind.REPOSITORY.value, "text": row.item.resource.name}
    return addresses.address("/recommendations", wanted)


def scanned(outcome: Outcome) -> str:
    """Whether Advanced Security is on for a repository."""
    words = {AssessmentStatus.HEALTHY: "on", AssessmentStatus.UNHEALTHY: "off"}
    told = [words.get(status, "not known") for rule, status in outcome.told if rule.id == ADVANCED_SECURITY]
    return told[0] if told else ""


def scanned_of(outcomes: Mapping[Outcome, int]) -> str:
    """For how many repositories Advanced Security is on."""
    told: Counter[str] = Counter()
    for outcome, number in outcomes.items():
        told[scanned(outcome)] += number
    judged = told.total() - told[""]
    if not judged:
        return ""
    return f"on for {told['on']} of {judged}" if told["on"] + told["off"] else "not known"


def leaf(row: Row) -> Values:
    """A project or repository, as lists show it."""
    repository, project = row.item.repository, row.project
    branch = (repository.default_branch or "none") if repository else ""
    return {
        "name": row.item.resource.name,
        "kind": row.item.resource.kind.value,
        "organization": row.sheet.organization.name,
        "project": project.name if project else "",
        "link": link_of(row),
        "state": row.state,
        "visibility": project.visibility if project else "",
        "branch": branch.removeprefix("refs/heads/"),
        "counts": row.counts,
        "findings": findings_link(row),
        "scanned": scanned(row.own) if repository else "",
        "last_seen": row.last_seen,
        "assessed_at": row.assessed_at,
    }


def most_of(counts: Iterable[Counts]) -> int:
    """The largest number of open findings: the longest bar."""
    return max((one.findings for one in counts), default=0)


def find_project(look: Look, organization: str, project: str) -> tuple[Row, list[Row]]:
    """The row of a project with the rows of all that it holds. Raises `Absent`."""
    sheet = look.overview.sheet(organization)
    if sheet is None:
        raise Absent
    rows = [one for one in look.overview.rows(sheet) if one.project is not None and one.project.id == project]
    first = next((one for one in rows if one.item.resource.kind is ResourceKind.PROJECT), None)
    if first is None:
        raise Absent
    return first, [one for one in rows if one is not first]


def project_of(row: Row) -> ProjectId:
    """Where its assessments are kept: the empty id is the organization itself."""
    owner: Project | None = row.project
    return owner.id if owner else ProjectId("")


def counts_of(one: Counts) -> dict[str, int]:
    """The counts by name."""
    return {name.name: getattr(one, name.name) for name in fields(one)}
