"""The Container Mapping extension: is it installed, and install it."""

from __future__ import annotations

from typing import Final

from shared.ado.area import Area
from shared.ado.calls import INSTALL_EXTENSION, READ_EXTENSION
from shared.ado.errors import NotFound, RequestRefused, ServerTrouble, told
from shared.ado.parse import Fields, ShapeError
from shared.model.identity import InstalledExtension

_NOT_INSTALLED: Final = "InstalledExtensionNotFoundException"
_ALREADY_INSTALLED: Final = "ExtensionAlreadyInstalledException"

_SETTLING = (0.5, 1.0, 2.0)
"""Seconds between looks at an extension that is installed and may not show yet."""


class ExtensionsArea(Area):
    """Installed extensions."""

    def installed_extension(self, organization: str, publisher: str, name: str) -> InstalledExtension | None:
        """The installed extension, or None when the service says so in its own words. Requests: 1.

        Any other 404 raises `NotFound`, `RouteUnknown` or `OrganizationNotFound`: it proves nothing.
        """
        segments = {"organization": organization, "publisher": publisher, "name": name}
        try:
            return self._client.document(READ_EXTENSION, segments, _extension)
        except NotFound as error:
            if error.type_key == _NOT_INSTALLED:
                return None
            raise

    def install_extension(self, organization: str, publisher: str, name: str) -> InstalledExtension:
        """Install the extension. This writes to the organization. Requests: 1, and up to 4 if it was there.

        Raises `NotFound` when the extension is not shared with the organization, `PermissionMissing` when we
        may not install it.
        """
        segments = {"organization": organization, "publisher": publisher, "name": name}
        try:
            return self._client.document(INSTALL_EXTENSION, segments, _extension)
        except RequestRefused as error:
            if error.type_key != _ALREADY_INSTALLED:
                raise
        for pause in (*_SETTLING, None):
            installed = self.installed_extension(organization, publisher, name)
            if installed is not None:
                return installed
            if pause is not None:
                self._client.pause(pause)
        where = INSTALL_EXTENSION.where(organization)
        raise told(ServerTrouble, where, "it is said to be installed already, and does not show yet")


def _extension(document: object) -> InstalledExtension:
    fields = Fields(document)
    state = fields.nested("installState")
    return InstalledExtension(
        publisher=fields.name("publisherId"),
        name=fields.name("extensionId"),
        version=fields.text("version", ""),
        flags=tuple(flag.strip() for flag in state.text("flags").split(",") if flag.strip()),
        issues=tuple(_issues(state)),
    )


def _issues(state: Fields) -> list[str]:
    if not state.has("installationIssues"):
        return []
    issues: list[str] = []
    for number, issue in enumerate(state.sequence("installationIssues")):
        if isinstance(issue, str):
            issues.append(issue[:200])
        elif isinstance(issue, dict):
            issues.append(Fields(issue).text("message", "an issue without a message")[:200])
        else:
            raise ShapeError(f"{state.path('installationIssues')}[{number}]", "is no issue")
    return issues
