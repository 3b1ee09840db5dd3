"""Advanced Security: what it is turned on for."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import access_denied, ok
from local.ado_simulator.repository import Repository
from local.ado_simulator.router import SECURITY, Call, route
from local.ado_simulator.wire import Answer


@route(
    "GET",
    SECURITY,
    "/{organization}/_apis/management/enablement",
    scope="vso.advsec",
    capability="advancedsecurity",
    preview=True,
)
def enablement(call: Call) -> Answer:
    """The repositories of the organization; none of them has ever been turned on or off."""
    if not call.is_administrator:
        return access_denied(call.identity.account_name, "Advanced Security: view alerts")
    repositories = [
        repository
        for project in call.organization.projects.values()
        if call.can_see(project)
        for repository in project.repositories.values()
        if call.can_read(repository)
    ]
    return ok(
        {
            "enablementOnCreateSettings": {
                "enableSecretProtectionOnCreate": False,
                "enableCodeSecurityOnCreate": False,
            },
            "reposEnablementStatus": [_status(repository) for repository in repositories],
        }
    )


def _status(repository: Repository) -> dict[str, Any]:
    return {
        "projectId": repository.project.id,
        "repositoryId": repository.id,
        "codeSecurityFeatures": {"codeSecurityEnabled": None},
        "secretProtectionFeatures": {"secretProtectionEnabled": None, "blockPushes": None},
    }
