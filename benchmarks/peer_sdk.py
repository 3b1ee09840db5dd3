"""Lists an organization with the official `azure-devops` SDK. See `peers`, in whose environment it runs.

`python peer_sdk.py organization|project URL ORGANIZATION TOKEN`: repositories with one call for the whole
organization, or with one call per project, one after the other.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

from azure.devops.connection import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    Connection,
)
from msrest.authentication import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    BasicAuthentication,
)

_PAGE = 100


def listed(scope: str, url: str, organization: str, token: str) -> tuple[list[str], list[str]]:
    """Ids of all projects and of all repositories."""
    connection = Connection(f"{url}/dev.azure.com/{organization}", BasicAuthentication("", token))
    core = connection.clients.get_core_client()
    projects: list[Any] = []
    while len(page := core.get_projects(top=_PAGE, skip=len(projects))) == _PAGE:
        projects += page
    projects += page
    git = connection.clients.get_git_client()
    if scope == "organization":
        repositories = git.get_repositories()
    else:
        repositories = [one for project in projects for one in git.get_repositories(project.id)]
    return [one.id for one in projects], [one.id for one in repositories]


if __name__ == "__main__":
    wall, cpu = time.perf_counter(), time.process_time()
    ids = listed(*sys.argv[1:5])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    digest = hashlib.sha256(json.dumps([sorted(set(one)) for one in ids]).encode()).hexdigest()[:16]
    print(json.dumps({"wall": wall, "cpu": cpu, "digest": digest}))
