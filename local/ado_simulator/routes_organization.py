"""What guards a whole organization: agent pools, audit streams, service hooks, access lists."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import access_denied, listing
from local.ado_simulator.router import AUDIT, DEV, Call, route
from local.ado_simulator.wire import Answer


@route(
    "GET",
    DEV,
    "/{organization}/_apis/distributedtask/pools",
    scope="vso.agentpools",
    capability="agentpools",
)
def agent_pools(call: Call) -> Answer:
    """Agent pools of the organization, Microsoft's own included."""
    return listing(
        [
            {
                "createdOn": "2018-08-21T18:09:14.907Z",
                "autoProvision": pool.auto_provision,
                "autoUpdate": pool.auto_update,
                "autoSize": True,
                "targetSize": None,
                "agentCloudId": 1 if pool.is_hosted else None,
                "id": pool.id,
                "scope": call.organization.instance_id,
                "name": pool.name,
                "isHosted": pool.is_hosted,
                "poolType": "automation",
                "size": pool.size,
                "isLegacy": pool.is_legacy,
                "options": "none",
            }
            for pool in call.organization.agent_pools
        ]
    )


@route(
    "GET",
    AUDIT,
    "/{organization}/_apis/audit/streams",
    scope="vso.auditlog",
    capability="auditstreams",
    preview=True,
)
def audit_streams(call: Call) -> Answer:
    """Where audit entries are sent."""
    if not call.is_administrator:
        return access_denied(call.identity.account_name, "View audit log")
    return listing(
        [
            {
                "id": stream.id,
                "consumerType": stream.consumer,
                "displayName": stream.name,
                "consumerInputs": {},
                "status": stream.status,
                "statusReason": None,
                "createdTime": "2024-02-02T10:11:12.13Z",
                "updatedTime": "2024-02-02T10:11:12.13Z",
            }
            for stream in call.organization.audit_streams
        ]
    )


@route("GET", DEV, "/{organization}/_apis/hooks/subscriptions", scope="vso.build", capability="servicehooks")
def service_hooks(call: Call) -> Answer:
    """Service hook subscriptions of all projects."""
    base = f"https://dev.azure.com/{call.organization.name}/_apis/hooks/subscriptions"
    return listing(
        [
            {
                "id": hook.id,
                "url": f"{base}/{hook.id}",
                "status": hook.status,
                "publisherId": "tfs",
                "eventType": hook.event,
                "resourceVersion": "1.0",
                "consumerId": hook.consumer,
                "consumerActionId": "httpRequest",
                "createdDate": "2024-05-20T19:47:15.247Z",
                "modifiedDate": "2024-05-20T19:47:15.247Z",
                "publisherInputs": {},
                "consumerInputs": hook.inputs,
            }
            for hook in call.organization.service_hooks
        ]
    )


@route("GET", DEV, "/{organization}/_apis/accesscontrollists/{namespace}", capability="accesscontrollists")
def access_lists(call: Call) -> Answer:
    """Access lists of a namespace, for administrators: of one token, of those below it, or of all."""
    if not call.is_administrator:
        return access_denied(call.identity.account_name, "View permissions")
    wanted = call.query.get("token", "")
    deep = call.flag("recurse")
    documents: list[dict[str, Any]] = []
    for token, one in call.organization.access.get(call.parameters["namespace"].lower(), {}).items():
        if wanted and token != wanted and not (deep and token.startswith(f"{wanted}/")):
            continue
        documents.append(
            {
                "inheritPermissions": one.inherits,
                "token": token,
                "acesDictionary": {
                    descriptor: {"descriptor": descriptor, "allow": allow, "deny": deny}
                    for descriptor, (allow, deny) in one.entries.items()
                },
            }
        )
    return listing(documents)
