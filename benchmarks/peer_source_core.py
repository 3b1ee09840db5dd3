"""Lists an organization with `ado-source-core`. Runs in the peers' own environment, see `peers`.

`python peer_source_core.py AT_ONCE URL ORGANIZATION TOKEN`: its adapter lists repositories project by
project, here so many projects at a time. They are named by their ids: it does not quote names in addresses,
so "C# Services" would not be found.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time

from ado_source_core import (  # type: ignore[import-not-found, unused-ignore]
    ADOClient,
    AzureDevOpsCloudAdapter,
    PATAuth,
)


async def listed(at_once: int, url: str, organization: str, token: str) -> tuple[list[str], list[str]]:
    """Ids of all projects and of all repositories."""
    places = asyncio.Semaphore(at_once)
    async with ADOClient(
        organization=organization, auth=PATAuth(token=token), base_url=f"{url}/dev.azure.com"
    ) as client:
        adapter = AzureDevOpsCloudAdapter(client=client)
        projects = await adapter.list_projects()

        async def repositories_of(project: str) -> list[str]:
            async with places:
                return [one.id for one in await adapter.list_repositories(project=project)]

        found = await asyncio.gather(*(repositories_of(one["id"]) for one in projects))
    return [one["id"] for one in projects], [one for some in found for one in some]


if __name__ == "__main__":
    wall, cpu = time.perf_counter(), time.process_time()
    ids = asyncio.run(listed(int(sys.argv[1]), *sys.argv[2:5]))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    digest = hashlib.sha256(json.dumps([sorted(set(one)) for one in ids]).encode()).hexdigest()[:16]
    print(json.dumps({"wall": wall, "cpu": cpu, "digest": digest}))
