"""The least that any client can do: the fewest requests, read and decoded, nothing kept but ids. See `peers`.

`python peer_floor.py AT_ONCE URL ORGANIZATION TOKEN`; the standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit


def listed(at_once: int, url: str, organization: str, token: str) -> tuple[list[str], list[str]]:
    """Ids of all projects and of all repositories."""
    place = urlsplit(url).netloc
    headers = {"Authorization": "Basic " + base64.b64encode(f":{token}".encode()).decode()}
    path = f"/dev.azure.com/{quote(organization)}/_apis"

    def projects() -> list[Any]:
        connection = http.client.HTTPConnection(place)
        found: list[Any] = []
        continuation: str | None = ""
        while continuation is not None:
            after = f"&continuationToken={continuation}" if continuation else ""
            connection.request("GET", f"{path}/projects?$top=10000{after}", headers=headers)
            answer = connection.getresponse()
            found += json.load(answer)["value"]
            continuation = answer.headers.get("x-ms-continuationtoken")
        return found

    def repositories() -> list[Any]:
        connection = http.client.HTTPConnection(place)
        connection.request("GET", f"{path}/git/repositories", headers=headers)
        found: list[Any] = json.load(connection.getresponse())["value"]
        return found

    with ThreadPoolExecutor(at_once) as pool:
        both = pool.submit(projects), pool.submit(repositories)
        first, second = (one.result() for one in both)
    return [one["id"] for one in first], [one["id"] for one in second]


if __name__ == "__main__":
    wall, cpu = time.perf_counter(), time.process_time()
    ids = listed(int(sys.argv[1]), *sys.argv[2:5])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    digest = hashlib.sha256(json.dumps([sorted(set(one)) for one in ids]).encode()).hexdigest()[:16]
    print(json.dumps({"wall": wall, "cpu": cpu, "digest": digest}))
