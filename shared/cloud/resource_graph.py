"""Azure resources that run containers, as Azure Resource Graph tells.

`POST https://management.azure.com/providers/Microsoft.ResourceGraph/resources`, documented at
learn.microsoft.com/rest/api/azureresourcegraph. The shapes of `properties` are those of each resource
provider's own API. Reader on the subscription is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.ado.parse import Fields, ShapeError
from shared.cloud.tokens import MANAGEMENT, AzureTokens
from shared.cloud.web import Asked, Web, unreadable
from shared.model.container import CloudResource, ResourceKind
from shared.model.failure import ServiceError
from shared.model.observation import Observation

ADDRESS: Final = (
    "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
)
PAGE: Final = 1_000
PAGES_MOST: Final = 1_000
_ANSWER_MOST = 32 * 1024 * 1024
_IMAGES_MOST = 200

_QUERY = (
    "resources | where type in~ ('microsoft.app/containerapps', 'microsoft.app/jobs', 'microsoft.web/sites', "
    "'microsoft.containerinstance/containergroups', 'microsoft.containerservice/managedclusters', "
    "'microsoft.kubernetes/connectedclusters') "
    "| project id, name, type, kind, location, resourceGroup, subscriptionId, properties | order by id asc"
)
_KUBERNETES = (
    "Resource Graph does not tell which images run in a Kubernetes cluster: only the cluster itself knows."
)


class ResourceGraph:
    """What one identity sees of Azure."""

    def __init__(self, web: Web, tokens: AzureTokens) -> None:
        self._web = web
        self._tokens = tokens

    def container_resources(self, subscription: str) -> Observation[CloudResource]:
        """Every resource of the subscription that runs containers. Requests: 1 per 1,000 resources.

        Web apps that run no container are left out.
        """
        what = f"Azure subscription {subscription}: reading what runs in it"
        found: list[CloudResource] = []
        seen: set[str] = set()
        token = ""
        try:
            for _ in range(PAGES_MOST):
                page, token = self._page(subscription, token, what)
                found += page
                if not token:
                    return Observation.whole(tuple(found))
                if token in seen:
                    raise unreadable(what, "its pages go in circles")
                seen.add(token)
            raise unreadable(what, "its pages do not end")
        except ServiceError as error:
            return Observation.partial(tuple(found), error.failure)

    def _page(self, subscription: str, token: str, what: str) -> tuple[list[CloudResource], str]:
        options: dict[str, object] = {"$top": PAGE, "resultFormat": "objectArray"}
        if token:
            options["$skipToken"] = token
        asked = Asked(
            "POST",
            ADDRESS,
            what,
            authorization=self._tokens.bearer(MANAGEMENT, what),
            json={"subscriptions": [subscription], "query": _QUERY, "options": options},
            most=_ANSWER_MOST,
            grant="Give the identity the role Reader on the subscription.",
        )
        document = self._web.expect(asked).document(what)
        try:
            fields = Fields(document)
            found = [resource for row in fields.objects("data") if (resource := _resource(row)) is not None]
            following = fields.text("$skipToken", "")
            if not following and fields.text("resultTruncated", "false").lower() == "true":
                raise unreadable(what, "the answer was cut and does not tell how to go on")
        except ShapeError as error:
            raise unreadable(what, f"field {error.path} {error.problem}") from None
        return found, following


def _resource(row: Fields) -> CloudResource | None:
    kind = _kind(row)
    if kind is None:
        return None
    images: list[str] = []
    unknown = ""
    properties = row.nested("properties") if row.has("properties") else Fields({})
    if kind is ResourceKind.KUBERNETES:
        unknown = _KUBERNETES
    elif kind in {ResourceKind.WEB_APP, ResourceKind.FUNCTION_APP}:
        told = _site(properties)
        if told is None:
            return None
        images, unknown = told
    elif kind is ResourceKind.CONTAINER_INSTANCE:
        images = [image for key in ("initContainers", "containers") for image in _groups(properties, key)]
    else:
        template = properties.nested("template") if properties.has("template") else Fields({})
        images = [image for key in ("initContainers", "containers") for image in _containers(template, key)]
    if not images and not unknown:
        unknown = "Resource Graph does not tell its images."
    return CloudResource(
        id=row.name("id"),
        name=row.name("name"),
        kind=kind,
        subscription=row.text("subscriptionId", ""),
        resource_group=row.text("resourceGroup", ""),
        location=row.text("location", ""),
        images=tuple(dict.fromkeys(images))[:_IMAGES_MOST],
        unknown=unknown,
    )


def _kind(row: Fields) -> ResourceKind | None:
    of_type = row.text("type").lower()
    if of_type == "microsoft.web/sites":
        is_function = "functionapp" in row.text("kind", "").lower()
        return ResourceKind.FUNCTION_APP if is_function else ResourceKind.WEB_APP
    return {
        "microsoft.app/containerapps": ResourceKind.CONTAINER_APP,
        "microsoft.app/jobs": ResourceKind.CONTAINER_APP_JOB,
        "microsoft.containerinstance/containergroups": ResourceKind.CONTAINER_INSTANCE,
        "microsoft.containerservice/managedclusters": ResourceKind.KUBERNETES,
        "microsoft.kubernetes/connectedclusters": ResourceKind.KUBERNETES,
    }.get(of_type)


def _site(properties: Fields) -> tuple[list[str], str] | None:
    """Images of a web app and why they are not all told; None where it runs no container."""
    for version in _site_versions(properties):
        kind, _, value = version.partition("|")
        if kind.upper() == "DOCKER" and value:
            return [value], ""
        if kind.upper() in {"COMPOSE", "KUBE"}:
            return [], "Resource Graph does not tell the images of an app of several containers."
        if version.lower() == "sitecontainers":
            return [], "Resource Graph does not tell the images of an app with sidecar containers."
    return None


def _site_versions(properties: Fields) -> Iterator[str]:
    if properties.has("siteConfig"):
        config = properties.nested("siteConfig")
        for key in ("linuxFxVersion", "windowsFxVersion"):
            if config.has(key):
                yield config.text(key)
    if properties.has("siteProperties"):
        inner = properties.nested("siteProperties")
        for one in inner.objects("properties") if inner.has("properties") else ():
            if one.text("name", "") in {"LinuxFxVersion", "WindowsFxVersion"} and one.has("value"):
                yield one.text("value")


def _containers(template: Fields, key: str) -> Iterator[str]:
    for container in template.objects(key) if template.has(key) else ():
        if container.has("image"):
            yield container.text("image")


def _groups(properties: Fields, key: str) -> Iterator[str]:
    for container in properties.objects(key) if properties.has(key) else ():
        if container.has("properties"):
            inner = container.nested("properties")
            if inner.has("image"):
                yield inner.text("image")
