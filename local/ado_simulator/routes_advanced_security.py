"""Advanced Security: what it is switched on for, and summaries of its alerts over the whole organization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.ado_simulator.answers import access_denied, ok
from local.ado_simulator.project import Project
from local.ado_simulator.repository import Repository
from local.ado_simulator.router import SECURITY, Call, route
from local.ado_simulator.wire import Answer

_SECRETS = {"secretProtectionEnabled", "blockPushes"}


def _repositories(call: Call) -> Iterator[tuple[Project, list[Repository]]]:
    for project in call.organization.projects.values():
        if call.can_see(project):
            yield project, [one for one in project.repositories.values() if call.can_read(one)]


def _features(repository: Repository) -> dict[str, dict[str, bool | None]]:
    """What was never set is null."""
    features: dict[str, dict[str, bool | None]] = {
        "codeSecurityFeatures": {"codeSecurityEnabled": None},
        "secretProtectionFeatures": {"secretProtectionEnabled": None, "blockPushes": None},
    }
    for name, value in repository.security.items():
        features["secretProtectionFeatures" if name in _SECRETS else "codeSecurityFeatures"][name] = value
    return features


@route(
    "GET",
    SECURITY,
    "/{organization}/_apis/management/enablement",
    scope="vso.advsec",
    capability="advancedsecurity",
    preview=True,
)
def enablement(call: Call) -> Answer:
    """Switches of the organization, and of each repository."""
    if not call.is_administrator:
        return access_denied(call.identity.account_name, "Advanced Security: view alerts")
    repositories = [
        {"projectId": project.id, "repositoryId": one.id, **_features(one)}
        for project, found in _repositories(call)
        for one in found
    ]
    return ok(
        {
            "enablementOnCreateSettings": call.organization.on_create,
            "reposEnablementStatus": repositories,
        }
    )


@route(
    "GET",
    SECURITY,
    "/{organization}/_apis/reporting/summary/alerts",
    scope="vso.advsec",
    capability="advancedsecurityalerts",
    preview=True,
)
def alerts(call: Call) -> Answer:
    """Alerts of every repository that was scanned, of the types asked for."""
    text = call.query.get("criteria.alerttypes", "")
    wanted = [one for one in text.split(",") if one] or ["secret", "code", "dependency"]
    projects: list[dict[str, Any]] = []
    for project, found in _repositories(call):
        repositories = []
        for one in found:
            if not any(kind in one.scans for kind in wanted):
                continue
            counts = dict.fromkeys(("critical", "high", "medium", "low", "note"), 0)
            for kind in wanted:
                for severity, number in one.alerts.get(kind, {}).items():
                    counts[severity] += number
            total = sum(counts.values())
            repositories.append(
                {
                    "repoId": one.id,
                    "repoName": one.name,
                    "openAlerts": total,
                    "totalAlerts": total,
                    "alertsBySeverity": counts,
                    "alertsByState": {"new": total, "fixed": 0, "dismissed": 0},
                }
            )
        projects.append({"projectId": project.id, "projectName": project.name, "repos": repositories})
    return ok({"orgId": call.organization.instance_id, "projects": projects})


@route(
    "GET",
    SECURITY,
    "/{organization}/_apis/reporting/summary/enablement",
    scope="vso.advsec",
    capability="advancedsecurityalerts",
    preview=True,
)
def scans(call: Call) -> Answer:
    """What each repository is scanned for, and when that was last done."""
    projects = [
        {
            "projectId": project.id,
            "projectName": project.name,
            "repos": [
                {
                    "repoId": one.id,
                    "repoName": one.name,
                    "advSecIsEnabled": any(one.security.values()),
                    "codeSecurityEnabled": one.security.get("codeSecurityEnabled", False),
                    "secretProtectionEnabled": one.security.get("secretProtectionEnabled", False),
                    "scanTypeSummary": {},
                    "scanTypeMetadata": {kind: {"lastScanDate": at} for kind, at in one.scans.items()},
                }
                for one in found
            ],
        }
        for project, found in _repositories(call)
    ]
    return ok({"orgId": call.organization.instance_id, "projects": projects})
