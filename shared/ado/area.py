"""What the areas of the client have in common."""

from __future__ import annotations

from shared.ado.client import Client


class Area:
    """A part of `AzureDevOpsClient`: the calls of one subject."""

    def __init__(self, client: Client) -> None:
        self._client = client
