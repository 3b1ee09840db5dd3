"""A connector as it is shown."""

from __future__ import annotations

from cli.output import instant
from shared.model.connector import Connector


def connector_row(connector: Connector) -> dict[str, object]:
    """The JSON of a connector."""
    discover_as = connector.discover_as
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
