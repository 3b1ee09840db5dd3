"""How long pages take with 50 organizations and 100,000 repositories.

    python -m benchmarks.pages [STATE_URL] [--organizations N]

The state is made through its own port: SQLite in a temporary folder, or what STATE_URL names (an empty
Azurite, say). Then the app's pages are asked for over HTTP, once to warm up and then
five times each, and opened in a browser three times.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path

from shared.model.assessment import AssessmentStatus, Resource, ResourceKind
from shared.model.ids import ConnectorId, OrganizationId
from shared.posture.catalogue import RULES
from shared.posture.rule import OfOrganization
from shared.wiring.principals import LocalViewers
from tests.browser.chromium import Tab, opened_tab
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


def fill(bench: Bench, organizations: int) -> OrganizationId:
    """Every repository has its own mixture of verdicts, by which of a hundred kinds it is."""
    connector = ConnectorId("c0000000-0000-4000-8000-000000000001")
    bench.connect(connector, "main")
    numbers = count(1)
    first = OrganizationId("")
    for one in range(organizations):
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
        sys.stderr.write(f"\r{one + 1} of {organizations} organizations")
    sys.stderr.write("\n")
    return first


@contextmanager
def furnished(url: str, organizations: int) -> Iterator[tuple[Bench, OrganizationId]]:
    """The app over such a state, and the id of an organization in it."""
    with (
        tempfile.TemporaryDirectory(prefix="ado-connector-pages-") as folder,
        opened(Path(folder), state_url=url) as bench,
    ):
        yield bench, fill(bench, organizations)


def seconds(bench: Bench, target: str) -> tuple[float, int]:
    """How long a page took, and how large it is."""
    began = time.perf_counter()
    page = visit(bench, target)
    took = time.perf_counter() - began
    if page.status != HTTPStatus.OK:
        raise RuntimeError(f"{target} was answered with {page.status}")
    return took, len(page.body)


def loads(bench: Bench, tab: Tab, target: str) -> float:
    """Seconds from asking for a page to the end of its loading, in the browser."""
    tab.go(f"{bench.host.http_url}{target}")
    took = tab.tell("performance.getEntriesByType('navigation')[0].loadEventEnd")
    return float(took) / 1000


def main(arguments: argparse.Namespace) -> None:
    """Prints a row for each page."""
    with ExitStack() as stack:
        bench, organization = stack.enter_context(furnished(arguments.state_url, arguments.organizations))
        warm, _ = seconds(bench, "/security?view=table")
        print(f"first page, nothing kept yet: {warm:.1f} s")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        tab = stack.enter_context(opened_tab(Path(folder)))
        viewers = bench.runtime.viewers
        if isinstance(viewers, LocalViewers):
            tab.go(f"{bench.host.http_url}/security?token={viewers.entry}")
        print("| page | median | longest | KB | in Chromium, longest |\n| --- | --- | --- | --- | --- |")
        for name, target in PAGES.items():
            address = target.format(organization=organization, project=project(3).id)
            seconds(bench, address)
            took = [seconds(bench, address) for _ in range(5)]
            times = [one for one, _ in took]
            seen = max(loads(bench, tab, address) for _ in range(3))
            told = (f"{statistics.median(times):.2f} s", f"{max(times):.2f} s", str(took[0][1] // 1024))
            print(f"| {name} | {' | '.join(told)} | {seen:.2f} s |")
        print(f"messages in the console: {len(tab.console)}")
        elsewhere = [one for one in tab.requests if not one.startswith(bench.host.http_url)]
        print(f"requests elsewhere: {len(elsewhere)}")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"memory of the process at most: {memory} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state_url", nargs="?", default="")
    parser.add_argument("--organizations", type=int, default=ORGANIZATIONS)
    main(parser.parse_args())
