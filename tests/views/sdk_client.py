"""Lists everything with Azure's own SDK for Defender and prints it, as the SDK read it, as JSON.

Run with one version's folder on PYTHONPATH. Arguments: base URL, token, subscription, group and connector; a
further one leaves the assessments out.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError

try:
    from azure.mgmt.security import SecurityCenter
except ImportError:  # 8.0.0b2 calls it so
    from azure.mgmt.security import SecurityManagementClient as SecurityCenter

BASE, TOKEN, SUBSCRIPTION, GROUP, CONNECTOR = sys.argv[1:6]
PLAIN = {"enforce_https": False}
"""The SDK's own switch for http: the token goes to the loopback interface."""


class Credential:
    """Hands out the token of this machine."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(TOKEN, 4_000_000_000)


def plain(one: Any) -> dict[str, Any]:
    """What the SDK made of an answer. Of 7.0.0 every attribute, of 8.0.0b2 the document itself."""
    return one.as_dict() if hasattr(one, "as_dict") else dict(one)


def main() -> None:
    client = SecurityCenter(Credential(), SUBSCRIPTION, base_url=BASE)
    here = (GROUP, CONNECTOR)
    found: dict[str, Any] = {
        "connectors": [plain(one) for one in client.security_connectors.list(**PLAIN)],
        "inGroup": [plain(one) for one in client.security_connectors.list_by_resource_group(GROUP, **PLAIN)],
        "connector": plain(client.security_connectors.get(*here, **PLAIN)),
        "configurations": [plain(one) for one in client.dev_ops_configurations.list(*here, **PLAIN)],
        "configuration": plain(client.dev_ops_configurations.get(*here, **PLAIN)),
        "available": [plain(one) for one in client.azure_dev_ops_orgs.list_available(*here, **PLAIN).value],
        "organizations": [plain(one) for one in client.azure_dev_ops_orgs.list(*here, **PLAIN)],
        "projects": [],
        "repositories": [],
        "single": [],
        "assessments": [],
    }
    for organization in found["organizations"]:
        name = organization["name"]
        found["single"].append(plain(client.azure_dev_ops_orgs.get(*here, name, **PLAIN)))
        for project in client.azure_dev_ops_projects.list(*here, name, **PLAIN):
            found["projects"].append(plain(project))
            found["single"].append(
                plain(client.azure_dev_ops_projects.get(*here, name, project.name, **PLAIN))
            )
            repositories = list(client.azure_dev_ops_repos.list(*here, name, project.name, **PLAIN))
            found["repositories"] += [plain(one) for one in repositories]
            found["single"] += [
                plain(client.azure_dev_ops_repos.get(*here, name, project.name, one.name, **PLAIN))
                for one in repositories[:3]
            ]
    inventory_alone = len(sys.argv) > 6
    projects = [one["id"].strip("/") for one in found["projects"]]
    for scope in () if inventory_alone else (f"subscriptions/{SUBSCRIPTION}", *projects):
        found["assessments"].append([plain(one) for one in client.assessments.list(scope, **PLAIN)])
    for one in () if inventory_alone else found["assessments"][0][:5]:
        resource = one["id"].partition("/providers/Microsoft.Security/assessments/")[0].strip("/")
        found["single"].append(plain(client.assessments.get(resource, one["name"], **PLAIN)))
    try:
        client.azure_dev_ops_orgs.get(*here, "nowhere", **PLAIN)
    except HttpResponseError as error:
        found["absent"] = [type(error).__name__, error.status_code, error.error and error.error.code]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
