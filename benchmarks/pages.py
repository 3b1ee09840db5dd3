"""How long pages take with 50 organizations and 100,000 repositories.

    python -m benchmarks.pages [STATE_URL]

The state is made through its own port: SQLite in a temporary folder, or what STATE_URL names (an empty
Azurite, say). Then the app's pages are asked for over HTTP: once to warm up, then five times each.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path

from shared.model.assessment import AssessmentStatus, Resource, ResourceKind
from shared.model.ids import ConnectorId, OrganizationId
from shared.posture.catalogue import RULES
from shared.posture.rule import OfOrganization
from tests.pages.visit import visit
from tests.views.bench import NOW, Bench, of_project, of_repository, opened, project, repository

ORGANIZATIONS, PROJECTS, REPOSITORIES = 50, 100, 20
"""Organizations, projects in each, repositories in each of those."""
OF_REPOSITORIES = [rule for rule in RULES if rule.resource is ResourceKind.REPOSITORY]
OF_PROJECTS = [rule for rule in RULES if rule.resource is ResourceKind.PROJECT]
OF_ORGANIZATION = [rule for rule in RULES if isinstance(rule.evaluate, OfOrganization)]
STATUSES = [AssessmentStatus.HEALTHY, AssessmentStatus.UNHEALTHY, AssessmentStatus.UNKNOWN]
PAGES = {
    "tree": "/security",
    "tree, one organization open": "/security?open={organization}",
    "table": "/security?view=table",
    "table, page 500": "/security?view=table&page=500",
    "table, the worst first": "/security?view=table&sort=-findings",
    "table, filtered": "/security?view=table&text=repository-77&severity=high&kind=repository",
    "by recommendation": "/security/recommendations",
    "by resource": "/security/recommendations?view=resources",
    "all, page 1000": "/security/recommendations?view=all&status=open&page=1000",
    "a recommendation": "/security/recommendations/ADO-REPO-001",
    "an organization": "/security/organizations/{organization}",
    "a project": "/security/organizations/{organization}/projects/{project}",
    "connectors": "/security/connectors",
}


def fill(bench: Bench) -> OrganizationId:
    """Every repository has its own mixture of verdicts, by which of a hundred kinds it is."""
    connector = ConnectorId("c0000000-0000-4000-8000-000000000001")
    bench.connect(connector, "main")
    numbers = count(1)
    first = OrganizationId("")
    for one in range(ORGANIZATIONS):
        organization = OrganizationId(f"a0000000-0000-4000-8000-{one:012}")
        first = first or organization
        bench.enroll(connector, organization, f"organization-{one:03}")
        projects = [project(one * PROJECTS + number) for number in range(PROJECTS)]
        repositories = [
            repository(next(numbers), one * PROJECTS + number)
            for number in range(PROJECTS)
            for _ in range(REPOSITORIES)
        ]
        bench.add(organization, projects, repositories)
        for number, owner in enumerate(projects):
            mine = repositories[number * REPOSITORIES : (number + 1) * REPOSITORIES]
            said = [
                (of_repository(each), rule.id, STATUSES[(place * 7 + kind + number) % 3].value)
                for place, each in enumerate(mine)
                for kind, rule in enumerate(OF_REPOSITORIES)
            ]
            said += [(of_project(owner), rule.id, STATUSES[number % 3].value) for rule in OF_PROJECTS]
            bench.assess(organization, owner, *said, at=NOW - timedelta(minutes=number))
        itself = Resource(ResourceKind.ORGANIZATION, organization, f"organization-{one:03}")
        bench.assess(organization, None, *((itself, rule.id, "unhealthy") for rule in OF_ORGANIZATION))
        bench.settle()
        sys.stderr.write(f"\r{one + 1} of {ORGANIZATIONS} organizations")
    sys.stderr.write("\n")
    return first


@contextmanager
def furnished(url: str) -> Iterator[tuple[Bench, OrganizationId]]:
    """The app over such a state, and the id of an organization in it."""
    with (
        tempfile.TemporaryDirectory(prefix="ado-connector-pages-") as folder,
        opened(Path(folder), state_url=url) as bench,
    ):
        yield bench, fill(bench)


def seconds(bench: Bench, target: str) -> tuple[float, int]:
    """How long a page took, and how large it is."""
    began = time.perf_counter()
    page = visit(bench, target)
    took = time.perf_counter() - began
    if page.status != HTTPStatus.OK:
        raise RuntimeError(f"{target} was answered with {page.status}")
    return took, len(page.body)


def main(url: str = "") -> None:
    """Prints a row for each page."""
    with furnished(url) as (bench, organization):
        warm, _ = seconds(bench, "/security?view=table")
        print(f"first page, nothing kept yet: {warm:.1f} s")
        print("| page | median | longest | KB |\n| --- | --- | --- | --- |")
        for name, target in PAGES.items():
            address = target.format(organization=organization, project=project(3).id)
            seconds(bench, address)
            took = [seconds(bench, address) for _ in range(5)]
            times = [one for one, _ in took]
            print(
                f"| {name} | {statistics.median(times):.2f} s | {max(times):.2f} s | {took[0][1] // 1024} |"
            )
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"memory of the process at most: {memory} MB")


if __name__ == "__main__":
    main(*sys.argv[1:2])
