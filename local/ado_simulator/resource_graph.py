"""Azure Resource Graph, and the endpoint at which an app of Azure gets tokens of its managed identity."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from local.ado_simulator.wire import Answer, Request

MANAGEMENT_HOST = "management.azure.com"
IDENTITY_HOST = "managed-identity"
"""No host of Azure: `IDENTITY_ENDPOINT` points here behind the simulator's own address."""

_PATH = "/providers/Microsoft.ResourceGraph/resources"
_JSON = "application/json; charset=utf-8"


@dataclass(slots=True)
class SimulatedAzure:
    """Resources of subscriptions. `entra_token` is what the managed identity gets, and what is accepted."""

    resources: list[dict[str, Any]] = field(default_factory=list)
    readable: set[str] = field(default_factory=set)
    """Subscriptions that the identity may read; all others answer as if they were empty, as Azure does."""
    page_size: int = 1_000
    entra_token: str = "simulated-entra-token"  # noqa: S105 - nothing is protected by it

    def add(self, subscription: str, type: str, name: str, properties: dict[str, Any], kind: str = "") -> str:  # noqa: A002 - the word of the wire
        """Add a resource; says its id."""
        self.readable.add(subscription)
        group = f"/subscriptions/{subscription}/resourceGroups/production"
        resource_id = f"{group}/providers/{type}/{name}"
        self.resources.append(
            {
                "id": resource_id, "name": name, "type": type.lower(), "kind": kind, "location": "westeurope",
                "resourceGroup": "production", "subscriptionId": subscription, "properties": properties,
            }
        )  # fmt: skip
        return resource_id

    def add_container_app(self, subscription: str, name: str, *images: str) -> str:
        """Add a container app."""
        containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
        return self.add(
            subscription, "Microsoft.App/containerApps", name, {"template": {"containers": containers}}
        )

    def answer(self, request: Request, host: str, path: str, query: dict[str, str]) -> Answer:
        """Answer one request."""
        if host == IDENTITY_HOST:
            if not query.get("resource") or not request.headers.get("x-identity-header"):
                return _answer({"error": "invalid_request"}, 400)
            return _answer(
                {
                    "access_token": self.entra_token, "expires_on": "4102444800", "token_type": "Bearer",
                    "resource": query["resource"],
                }
            )  # fmt: skip
        if request.headers.get("authorization") != f"Bearer {self.entra_token}":
            return _answer({"error": {"code": "AuthenticationFailed"}}, 401)
        if path.lower() != _PATH.lower() or request.method != "POST" or "api-version" not in query:
            return _answer({"error": {"code": "NotFound"}}, 404)
        body = json.loads(request.body)
        options = body.get("options", {})
        wanted = [
            one
            for one in self.resources
            if one["subscriptionId"] in body["subscriptions"] and one["subscriptionId"] in self.readable
        ]
        start = int(options.get("$skipToken", "0"))
        size = min(int(options.get("$top", 1_000)), self.page_size)
        page = wanted[start : start + size]
        document: dict[str, Any] = {
            "totalRecords": len(wanted), "count": len(page), "data": page, "facets": [],
            "resultTruncated": "false",
        }  # fmt: skip
        if start + size < len(wanted):
            document["$skipToken"] = str(start + size)
        return _answer(document)


def _answer(document: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode(), _JSON)
