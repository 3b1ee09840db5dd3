"""The right that reading each kind of fact takes, as a person would look for it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.facts import FactKind

PERMISSIONS: Mapping[FactKind, str] = {
    FactKind.ORGANIZATION_PIPELINE_SETTINGS: "View instance-level information (token scope: full access)",
    FactKind.PIPELINE_SETTINGS: (
        "View project-level information (token scope: Project and team, read: vso.project)"
    ),
    FactKind.BRANCH_POLICIES: "Read on the project's repositories (token scope: Code, read: vso.code)",
    FactKind.SERVICE_CONNECTIONS: (
        "Reader on the project's service connections"
        " (token scope: Service connections, read: vso.serviceendpoint)"
    ),
    FactKind.SERVICE_CONNECTION_PERMISSIONS: (
        "Reader on the service connection (token scope: Build, read: vso.build)"
    ),
}
"""Shown with *unknown* verdicts whose failure does not name the right itself, and in the rule's page."""
