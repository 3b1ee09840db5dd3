"""Extensions of an organization, requests for them, and the gallery they are shared in."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import access_denied, extension_not_installed, failure, listing, ok
from local.ado_simulator.organization import ExtensionKey
from local.ado_simulator.resources import ExtensionRequest, InstalledExtension
from local.ado_simulator.router import EXTENSIONS, MARKETPLACE, Call, bad_request, route
from local.ado_simulator.wire import Answer

_BY_NAME = "/{organization}/_apis/extensionmanagement/installedextensionsbyname/{publisher}/{name}"
_SPACE = "Microsoft.VisualStudio.Services.ExtensionManagement.WebApi"
_READ, _WRITE = "vso.extension", "vso.extension_manage"


def _document(extension: InstalledExtension) -> dict[str, Any]:
    base = f"https://{extension.publisher}.gallerycdn.vsassets.io/extensions/{extension.publisher}"
    return {
        "extensionId": extension.name,
        "extensionName": extension.display_name,
        "publisherId": extension.publisher,
        "publisherName": "Microsoft DevLabs"
        if extension.publisher == "ms-securitydevops"
        else extension.publisher,
        "version": extension.version,
        "registrationId": extension.registration_id,
        "manifestVersion": 1.0,
        "baseUri": f"{base}/{extension.name}/{extension.version}",
        "scopes": extension.scopes,
        "contributions": [
            {"id": f"{extension.publisher}.{extension.name}.{number}", "type": kind}
            for number, kind in enumerate(extension.contributions)
        ],
        "flags": "trusted",
        "installState": {
            "flags": extension.flags,
            "lastUpdated": extension.last_updated,
            "installationIssues": [
                {"message": message, "source": "Demands", "type": "warning"} for message in extension.issues
            ],
        },
        "lastPublished": extension.last_published,
    }


def _key(call: Call) -> ExtensionKey:
    return call.parameters["publisher"].lower(), call.parameters["name"].lower()


def _is_offered(call: Call, key: ExtensionKey) -> bool:
    return key in call.organization.shared_extensions or key in call.world.public_extensions


def _does_not_exist(publisher: str, name: str) -> Answer:
    return failure(
        404,
        "ExtensionDoesNotExistException",
        f"The extension {publisher}.{name} does not exist, or is not shared with this organization.",
        namespace="Microsoft.VisualStudio.Services.Gallery.WebApi",
    )


@route("GET", EXTENSIONS, _BY_NAME, scope=_READ, capability="extensions", preview=True)
def by_name(call: Call) -> Answer:
    """One extension; 404 when it is not installed, or not yet to be seen."""
    extension = call.organization.extensions.get(_key(call))
    if extension is None:
        return extension_not_installed(call.parameters["publisher"], call.parameters["name"])
    if extension.hidden_reads > 0:
        extension.hidden_reads -= 1
        return extension_not_installed(call.parameters["publisher"], call.parameters["name"])
    return ok(_document(extension))


@route("POST", EXTENSIONS, _BY_NAME, f"{_BY_NAME}/{{version}}", scope=_WRITE, capability="installextensions",
       preview=True)  # fmt: skip
def install(call: Call) -> Answer:
    """Install an extension that is public or shared with the organization."""
    call.need_administrator()
    organization, key = call.organization, _key(call)
    publisher, name = call.parameters["publisher"], call.parameters["name"]
    present = organization.extensions.get(key)
    if present is not None and "unInstalled" not in present.flag_set:
        return failure(
            409,
            "ExtensionAlreadyInstalledException",
            f"TF1590010: Extension {publisher}.{name} is already installed in this organization.",
            namespace=_SPACE,
        )
    if not _is_offered(call, key):
        return _does_not_exist(publisher, name)
    version = call.parameters.get("version", "1.0.12")
    extension = organization.install_extension(
        publisher, name, version=version, hidden_reads=organization.extension_lag
    )
    return ok(_document(extension))


@route("DELETE", EXTENSIONS, _BY_NAME, scope=_WRITE, capability="installextensions", preview=True)
def uninstall(call: Call) -> Answer:
    """Remove an extension."""
    call.need_administrator()
    if _key(call) not in call.organization.extensions:
        return extension_not_installed(call.parameters["publisher"], call.parameters["name"])
    call.organization.uninstall_extension(*_key(call))
    return Answer(204)


@route(
    "GET",
    EXTENSIONS,
    "/{organization}/_apis/extensionmanagement/installedextensions",
    scope=_READ,
    capability="extensions",
    preview=True,
)
def installed(call: Call) -> Answer:
    """Every installed extension; disabled and failed ones only when asked for."""
    found = [
        extension
        for extension in call.organization.extensions.values()
        if extension.hidden_reads == 0
        and "unInstalled" not in extension.flag_set
        and (call.flag("includeDisabledExtensions") or "disabled" not in extension.flag_set)
        and (call.flag("includeErrors") or "error" not in extension.flag_set)
    ]
    return listing([_document(extension) for extension in found])


@route(
    "PATCH",
    EXTENSIONS,
    "/{organization}/_apis/extensionmanagement/installedextensions",
    scope=_WRITE,
    capability="installextensions",
    preview=True,
)
def update(call: Call) -> Answer:
    """Enable or disable an extension through `installState.flags`."""
    call.need_administrator()
    document = call.document()
    if not isinstance(document, dict):
        return bad_request("An installed extension is expected.")
    publisher, name = str(document.get("publisherId", "")), str(document.get("extensionId", ""))
    extension = call.organization.extensions.get((publisher.lower(), name.lower()))
    if extension is None:
        return extension_not_installed(publisher, name)
    flags = str((document.get("installState") or {}).get("flags", extension.flags))
    call.organization.set_extension_flags(publisher, name, flags)
    return ok(_document(extension))


@route(
    "GET",
    EXTENSIONS,
    "/{organization}/_apis/extensionmanagement/requestedextensions",
    scope=_READ,
    capability="extensions",
    preview=True,
)
def requested(call: Call) -> Answer:
    """Extensions that members asked for, each with every request for it."""
    requests: dict[ExtensionKey, list[ExtensionRequest]] = {}
    for one in call.organization.extension_requests:
        requests.setdefault((one.publisher.lower(), one.name.lower()), []).append(one)
    return listing(
        [
            {
                "extensionName": found[0].name,
                "publisherName": found[0].publisher,
                "publisherDisplayName": found[0].publisher,
                "requestCount": len(found),
                "extensionRequests": [
                    {
                        "requestDate": one.asked,
                        "requestMessage": one.message,
                        "requestState": one.state,
                        "requestedBy": {"displayName": one.by},
                    }
                    for one in found
                ],
            }
            for found in requests.values()
        ]
    )


@route(
    "GET",
    EXTENSIONS,
    "/{organization}/_apis/extensionmanagement/acquisitionoptions",
    scope=_READ,
    capability="extensions",
    preview=True,
)
def options(call: Call) -> Answer:
    """What the caller may do about an extension: install it, or ask for it."""
    item = call.query.get("itemid", "")
    publisher, _, name = item.partition(".")
    if not publisher or not name:
        return bad_request("itemId is not the id of an item.")
    key = (publisher.lower(), name.lower())
    present = call.organization.extensions.get(key)
    there = present is not None and "unInstalled" not in present.flag_set
    if not there and not _is_offered(call, key):
        return _does_not_exist(publisher, name)
    if there:
        state, reason = "disallow", "The extension is already installed."
    elif call.is_administrator and "installextensions" not in call.member.denied_capabilities:
        state, reason = "allow", ""
    else:
        state, reason = "disallow", "You do not have permission to install extensions."
    install = {"operationType": "install", "operationState": state, "reason": reason, "reasons": []}
    ask = {"operationType": "request", "operationState": "allow", "reason": "", "reasons": []}
    return ok(
        {
            "itemId": item,
            "target": call.organization.name,
            "defaultOperation": install if state == "allow" else ask,
            "operations": [install, ask],
            "properties": {},
        }
    )


@route(
    "POST",
    EXTENSIONS,
    "/{organization}/_apis/extensionmanagement/requestedextensions/{publisher}/{name}",
    scope=_READ,
    preview=True,
)
def ask(call: Call) -> Answer:
    """Ask the administrators to install an extension."""
    call.organization.request_extension(call.parameters["publisher"], call.parameters["name"])
    return ok({"extensionName": call.parameters["name"], "publisherName": call.parameters["publisher"]})


@route(
    "POST",
    MARKETPLACE,
    "/_apis/gallery/publishers/{publisher}/extensions/{name}/accounts/{account}",
    scope="vso.gallery_publish",
    versioned=False,
)
def share(call: Call) -> Answer:
    """Share an extension with an organization; only its publisher may."""
    publisher = call.parameters["publisher"]
    if call.identity.token not in call.world.publishers.get(publisher.lower(), set()):
        return access_denied(call.identity.account_name, f"Publish extensions of {publisher}")
    organization = call.world.find_organization(call.parameters["account"])
    if organization is None:
        return failure(404, "AccountDoesNotExistException", "The organization does not exist.")
    organization.share_extension(publisher, call.parameters["name"])
    return Answer(204)
