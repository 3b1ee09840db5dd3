"""What only the portal's own data providers tell: organization policies and pipeline settings.

A provider that fails, or that we may not read, is left out of an answer that is a success all the same.
"""

from __future__ import annotations

from typing import Final

from shared.ado.area import Area
from shared.ado.calls import QUERY_PIPELINE_SETTINGS, QUERY_POLICIES, READ_POLICY_PAGE
from shared.ado.errors import ProviderUnavailable, told
from shared.ado.parse import Fields, ShapeError
from shared.model.facts import PipelineSettings
from shared.model.failure import Denied, Gone, Unreadable
from shared.model.identity import OrganizationPolicies, PolicyValue

POLICIES_PROVIDER: Final = "ms.vss-admin-web.organization-policies-data-provider"
PIPELINES_PROVIDER: Final = "ms.vss-build-web.pipelines-org-settings-data-provider"


class PortalArea(Area):
    """Organization policies, and pipeline settings of the organization."""

    def policies(self, organization: str) -> OrganizationPolicies:
        """Every organization policy. Requests: 1, and 1 more where the settings page does not tell.

        Raises `ProviderUnavailable` where neither tells: that is unknown, not off.
        """
        try:
            told_by_page = self._client.document(
                READ_POLICY_PAGE,
                {"organization": organization},
                _policies_of_page,
                query=[("__rt", "fps"), ("__ver", "2")],
            )
        except (Denied, Gone, Unreadable):
            told_by_page = None
        if told_by_page is not None:
            return told_by_page
        queried = self._client.document(
            QUERY_POLICIES,
            {"organization": organization},
            lambda document: _policies(_provider(document, POLICIES_PROVIDER)),
            json=_query(
                organization,
                POLICIES_PROVIDER,
                "organizationPolicy",
                {
                    "routeId": "ms.vss-admin-web.collection-admin-hub-route",
                    "routeValues": {
                        "adminPivot": "organizationPolicy",
                        "controller": "ContributedPage",
                        "action": "Execute",
                    },
                },
            ),
        )
        if queried is None:
            where = QUERY_POLICIES.where(organization)
            raise told(ProviderUnavailable, where, "the policies were left out of the answer")
        return queried

    def organization_pipeline_settings(self, organization: str) -> PipelineSettings:
        """Pipeline settings that the organization enforces on every project. Requests: 1.

        Raises `ProviderUnavailable` where the answer leaves them out.
        """
        settings = self._client.document(
            QUERY_PIPELINE_SETTINGS,
            {"organization": organization},
            lambda document: _settings(_provider(document, PIPELINES_PROVIDER)),
            json=_query(organization, PIPELINES_PROVIDER, "pipelinessettings", {}),
        )
        if settings is None:
            where = QUERY_PIPELINE_SETTINGS.where(organization)
            raise told(ProviderUnavailable, where, "the settings were left out of the answer")
        return settings


def _query(organization: str, provider: str, page: str, source: dict[str, object]) -> dict[str, object]:
    url = f"https://dev.azure.com/{organization}/_settings/{page}"
    return {
        "contributionIds": [provider],
        "dataProviderContext": {"properties": {"sourcePage": {"url": url, **source}}},
    }


def _provider(document: object, name: str) -> Fields | None:
    """The provider's data; None where there is none, or nothing but a message."""
    providers = Fields(document).nested("dataProviders")
    return _data(providers, name)


def _data(providers: Fields, name: str) -> Fields | None:
    if not providers.has(name):
        return None
    data = providers.nested(name)
    return None if not data.values() or data.has("errorMessage") else data


def _policies_of_page(document: object) -> OrganizationPolicies | None:
    providers = Fields(document).nested("fps").nested("dataProviders").nested("data")
    return _policies(_data(providers, POLICIES_PROVIDER))


def _policies(data: Fields | None) -> OrganizationPolicies | None:
    if data is None:
        return None
    groups = data.nested("policies")
    found: dict[str, PolicyValue] = {}
    for group in groups.values():
        for entry in groups.objects(group):
            policy = entry.nested("policy")
            found[policy.name("name")] = PolicyValue(
                _toggle(policy, "value"), _toggle(policy, "effectiveValue")
            )
    return OrganizationPolicies(found)


def _toggle(policy: Fields, key: str) -> bool | None:
    """True, false, or None for what is not told; an older route tells it in words."""
    value = policy.values().get(key)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ShapeError(policy.path(key), "is neither true nor false")


def _settings(data: Fields | None) -> PipelineSettings | None:
    return None if data is None else read_settings(data)


def read_settings(fields: Fields) -> PipelineSettings:
    """The switches among the fields; what else there is, is none of them. A missing one stays missing."""
    return PipelineSettings({key: value for key, value in fields.values().items() if isinstance(value, bool)})
