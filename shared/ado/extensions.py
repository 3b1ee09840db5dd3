"""The Container Mapping extension: is it there, may it be installed, who asked for it; and install it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.ado.area import Area
from shared.ado.calls import (
    INSTALL_EXTENSION,
    LIST_EXTENSION_REQUESTS,
    READ_EXTENSION,
    READ_EXTENSION_OFFER,
)
from shared.ado.errors import (
    AzureDevOpsError,
    BrokenAnswer,
    NoConnection,
    NotFound,
    RequestRefused,
    ServerTrouble,
    TimedOut,
    WrongField,
    told,
)
from shared.ado.moments import moment
from shared.ado.parse import Fields, ShapeError, listed
from shared.model.failure import Denied, Gone, Unreadable
from shared.model.identity import ExtensionOffer, ExtensionRequests, InstalledExtension

_NOT_INSTALLED: Final = "InstalledExtensionNotFoundException"
_ALREADY_INSTALLED: Final = "ExtensionAlreadyInstalledException"

_NOT_OFFERED: Final = frozenset({"ExtensionDoesNotExistException", "ItemNotFoundException"})

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

    def extension_offer(self, organization: str, publisher: str, name: str) -> ExtensionOffer:
        """Whether the extension is there for the organization, and whether we may install it. Requests: 1.

        The operations are those of `AcquisitionOptions` in Microsoft's azure-devops-node-api. That an item
        which is not shared is said not to exist is inferred; any other 404 raises, and proves nothing.
        """
        segments = {"organization": organization}
        query = (("itemId", f"{publisher}.{name}"),)
        try:
            return self._client.document(READ_EXTENSION_OFFER, segments, _offer, query=query)
        except NotFound as error:
            if error.type_key in _NOT_OFFERED:
                return ExtensionOffer(is_shared=False)
            raise

    def extension_requests(self, organization: str, publisher: str, name: str) -> ExtensionRequests:
        """Who asked the administrators for the extension. Requests: 1."""
        sought = (publisher.casefold(), name.casefold())
        return self._client.document(
            LIST_EXTENSION_REQUESTS,
            {"organization": organization},
            lambda document: _requests(document, sought),
        )

    def install_extension(self, organization: str, publisher: str, name: str) -> InstalledExtension:
        """Install the extension. This writes to the organization. Requests: 1, and 1 to 4 to see it there.

        The write is made once. Where its answer is lost, what the organization has is looked at; the error is
        raised if the extension is not there.

        Raises `NotFound` when the extension is not shared with the organization, `PermissionMissing` when we
        may not install it.
        """
        segments = {"organization": organization, "publisher": publisher, "name": name}
        answered: InstalledExtension | None = None
        lost: AzureDevOpsError | None = None
        try:
            answered = self._client.document(INSTALL_EXTENSION, segments, _extension)
        except RequestRefused as error:
            if error.type_key != _ALREADY_INSTALLED:
                raise
        except (ServerTrouble, TimedOut, NoConnection, BrokenAnswer, WrongField) as error:
            lost = error
        where = INSTALL_EXTENSION.where(organization)
        for pause in (*_SETTLING, None):
            try:
                installed = self.installed_extension(organization, publisher, name)
            except (Denied, Gone, Unreadable) as error:
                # Not the write was refused, but the look at what it did.
                if answered is not None:
                    return answered
                cause = f"whether it was done could not be read: {error.failure.reason}"
                raise told(ServerTrouble, where, cause) from None
            if installed is not None and installed.is_there:
                return installed
            if pause is not None:
                self._client.pause(pause)
        raise lost or told(ServerTrouble, where, "it is said to be installed, and does not show yet")


def _offer(document: object) -> ExtensionOffer:
    fields = Fields(document)
    refusal = ""
    operations = {one.text("operationType").casefold(): one for one in fields.objects("operations")}
    if not operations.keys() & {"install", "request"}:
        raise ShapeError(fields.path("operations"), "names neither install nor request")
    install = operations.get("install")
    if install is None:
        refusal = "it may be asked for only."
    elif install.text("operationState").casefold() != "allow":
        refusal = install.text("reason", "", most=200) or "no reason is told."
    return ExtensionOffer(is_shared=True, refusal=refusal)


def _requests(document: object, sought: tuple[str, str]) -> ExtensionRequests:
    for one in listed(document):
        if (one.name("publisherName").casefold(), one.name("extensionName").casefold()) != sought:
            continue
        states: list[str] = []
        since: list[datetime] = []
        for request in one.objects("extensionRequests"):
            state = request.text("requestState").casefold()
            states.append(state)
            asked = _moment(request, "requestDate")
            if state == "open" and asked is not None:
                since.append(asked)
        return ExtensionRequests(states.count("open"), min(since, default=None), states.count("rejected"))
    return ExtensionRequests()


def _moment(fields: Fields, key: str) -> datetime | None:
    return moment(fields.text(key), fields.path(key)) if fields.has(key) else None


def _extension(document: object) -> InstalledExtension:
    fields = Fields(document)
    state = fields.nested("installState")
    return InstalledExtension(
        publisher=fields.name("publisherId"),
        name=fields.name("extensionId"),
        version=fields.text("version", ""),
        flags=tuple(flag.strip() for flag in state.text("flags").split(",") if flag.strip()),
        issues=tuple(_issues(state)),
        updated_at=_moment(state, "lastUpdated"),
        published_at=_moment(fields, "lastPublished"),
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
