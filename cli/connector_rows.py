"""A connector as it is shown."""

from __future__ import annotations

from datetime import timedelta

from cli.output import instant
from shared.model.connector import Connector, ConnectorOptions


def connector_row(connector: Connector) -> dict[str, object]:
    """The JSON of a connector."""
    discover_as = connector.discover_as
    intervals = intervals_written(connector.options)
    return {
        "id": connector.id,
        "name": connector.name,
        "tenant": connector.tenant,
        "mode": connector.mode.value,
        "organizations": list(connector.organizations),
        "excluded": list(connector.excluded),
        "auth": connector.identity.kind.value,
        "account": connector.identity.account or None,
        "clientId": connector.identity.client_id or None,
        "discoverAs": discover_as.kind.value if discover_as else None,
        "subscription": connector.subscription or None,
        "resourceGroup": connector.resource_group or None,
        "region": connector.region or None,
        "plan": connector.plan.value,
        "installExtension": connector.options.install_extension,
        "requiredPrerequisites": [one.value for one in connector.options.required_prerequisites],
        "postureRefreshInterval": intervals.get("postureRefreshInterval"),
        "postureFullRefreshInterval": intervals.get("postureFullRefreshInterval"),
        "readBuildLogs": connector.options.read_build_logs,
        "pushSteps": list(connector.options.push_steps),
        "registries": list(connector.options.registries),
        "tracedSubscriptions": list(connector.options.subscriptions),
        "createdAt": instant(connector.created_at),
        "baselineAt": instant(connector.baseline_at),
        "authorization": connector.authorization.status.value,
        "authorizationCode": connector.authorization.code or None,
        "authorizationMessage": f"{connector.authorization.reason} {connector.authorization.fix}".strip()
        or None,
        "authorizationSince": instant(connector.authorization.since),
        "authorizationExpiresAt": instant(connector.authorization.expires_at),
        "authorizedBy": connector.authorization.authorized_by or None,
        "authorizedAt": instant(connector.authorization.authorized_at),
        "provisioningState": connector.provisioning.value,
        "provisioningMessage": connector.provisioning_message,
        "provisioningAt": instant(connector.provisioning_at),
    }


def intervals_written(options: ConnectorOptions) -> dict[str, str]:
    """The connector's own intervals, as its document writes them; those of the app are left out."""
    own = {
        "postureRefreshInterval": options.posture_interval,
        "postureFullRefreshInterval": options.posture_full_interval,
    }
    return {key: interval_text(value) for key, value in own.items() if value is not None}


def interval_text(value: timedelta) -> str:
    """The shortest form of whole minutes, such as `30m`, `8h` and `1d`."""
    minutes = int(value.total_seconds()) // 60
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
