"""Identities. Each is a string with a name, so that mypy tells one from another."""

from __future__ import annotations

from typing import NewType

ConnectorId = NewType("ConnectorId", str)
"""GUID of a connector, minted when it is created."""

OrganizationId = NewType("OrganizationId", str)
"""Our own GUID of an organization; stable across renames (see `shared.reconcile.organizations`)."""

ProjectId = NewType("ProjectId", str)
"""GUID of a project, as Azure DevOps gives it, in lower case."""

RepositoryId = NewType("RepositoryId", str)
"""GUID of a Git repository, as Azure DevOps gives it, in lower case."""

TenantId = NewType("TenantId", str)
"""Microsoft Entra tenant: a GUID or a verified domain name, in lower case."""

NO_TENANT = TenantId("00000000-0000-0000-0000-000000000000")
"""What Azure DevOps says of an organization that is connected to no tenant."""

RuleId = NewType("RuleId", str)
"""Id of a posture rule, such as `ADO-REPO-001`."""
