"""Images as registries hold them, and the Azure resources that run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class RegistryImage:
    """What a registry holds under one digest.

    Of an image for several platforms `parts` are the manifests of each, and `labels` its annotations.
    `attestations` are the documents attached to it, unread. `platform` is such as `linux/amd64`, empty for an
    index. `unread` says what of it could not be read, and why.
    """

    digest: str
    platform: str = ""
    labels: Mapping[str, str] | None = None
    parts: tuple[RegistryImage, ...] = ()
    attestations: tuple[bytes, ...] = ()
    unread: tuple[str, ...] = ()


class ResourceKind(StrEnum):
    """Kinds of Azure resources that run containers."""

    CONTAINER_APP = "containerApp"
    CONTAINER_APP_JOB = "containerAppJob"
    WEB_APP = "webApp"
    FUNCTION_APP = "functionApp"
    CONTAINER_INSTANCE = "containerInstance"
    KUBERNETES = "kubernetesCluster"


@dataclass(frozen=True, slots=True)
class CloudResource:
    """An Azure resource that runs containers, as Resource Graph tells.

    `images` are the references as they stand in its definition; `unknown` says why they are not all told.
    """

    id: str
    name: str
    kind: ResourceKind
    subscription: str
    resource_group: str = ""
    location: str = ""
    images: tuple[str, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class RunningImage:
    """An image that a resource ran when it was last looked at.

    `digest` is what `reference` led to at `seen_at`: by its own digest or, `by_tag`, by what the registry
    said of its tag at that moment; tags move. It is empty where that could not be told: `unknown` says why.
    """

    resource: CloudResource
    reference: str
    registry: str
    repository: str
    tag: str
    digest: str
    by_tag: bool
    seen_at: datetime
    unknown: str = ""
