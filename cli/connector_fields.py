"""The fields of a connector document: their names, what they may hold, and what to say of what they may not.

The models check each field for itself and give the JSON Schema; what one field demands of another is in
`cli.connector_rules`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    Strict,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cli.connector_rows import interval_text
from shared.model.connector import (
    CONTAINER_MAPPING_EXTENSION,
    CONTAINER_MAPPING_PUBLISHER,
    DiscoveryMode,
    Plan,
)
from shared.model.prerequisite import DEFENDER_PREREQUISITES, PrerequisiteName

API_VERSION = "ado-connector/v1"
KIND = "Connector"
CLOUD = "AzureCloud"
ONE_CLOUD = "Azure DevOps Services exists in the commercial cloud alone."
NO_SECRETS = (
    "Take it out, and renew the secret if it is one: a connector never holds it. "
    "Put it into a setting; `secretSetting` names that."
)
UNTOLD_TENANT = "default"
PAT_SETTING = "ADO_PAT"
CLIENT_SECRET_SETTING = "AZURE_CLIENT_SECRET"  # noqa: S105 - the name of a setting
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
MAX_ORGANIZATIONS = 500
MAX_EXCLUSIONS = 200
MAX_TRACED = 100
LONGEST_SHOWN = 80

# Both Python's `re` and ECMA-262, which JSON Schema speaks, read these alike; (?!\n) is for Python, whose $
# also matches before a last line end.
_END = r"$(?!\n)"
_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LETTERS = (
    r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f"
    r"\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
)
# Azure's other clouds: Government, China, the former German one, and those that are not public.
_OTHER_CLOUDS = r"[Uu][Ss]\s*(?:[Gg][Oo][Vv]|[Dd][Oo][Dd]|[Ss][Ee][Cc]|[Nn][Aa][Tt])|[Cc][Hh][Ii][Nn][Aa]"
_OTHER_REGION = rf"^\s*(?:{_OTHER_CLOUDS}|[Gg]ermany\s*(?:[Cc]entral|[Nn]ortheast))"
# A personal access token of either length could be a name, and is none that anybody gave.
_TOKEN = rf"^(?=[A-Za-z]*[0-9])[A-Za-z0-9]{{52,}}{_END}"
_OTHER_DOMAIN = r"\.(?:onmicrosoft\.us|onmicrosoft\.de|onmschina\.cn)" + _END

_ONLY_GUID = re.compile(_GUID)
# Personal access tokens (52 or 84 letters and digits), keys in Base64, and parts of web tokens.
_UNBROKEN = re.compile(r"(?=[A-Za-z0-9+/=]*[0-9])(?=[A-Za-z0-9+/=]*[A-Za-z])[A-Za-z0-9+/=]{20,}")
# Client secrets of Microsoft Entra: about 40 characters with a tilde, and others of that kind.
_MIXED = re.compile(r"(?=\S*[0-9])(?=\S*[a-z])(?=\S*[A-Z])\S{32,}|(?=\S*~)\S{30,}")


def quoted(value: str) -> str:
    """A value as a message may repeat it: not when it is long, cannot be printed, or looks like a secret."""
    if len(value) > LONGEST_SHOWN:
        return f"a text of {len(value)} characters"
    if not value.isprintable():
        return "a text with characters that cannot be shown"
    if like_a_secret(value):
        return "a text that looks like a secret"
    return f'"{value}"'


def like_a_secret(value: str) -> bool:
    """Whether it could be a token or a password that a machine made."""
    rest = _ONLY_GUID.sub(" ", value[: 4 * LONGEST_SHOWN])
    return bool(_UNBROKEN.search(rest) or _MIXED.search(rest))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a text must look like, and what is said of one that does not.

    `problem` may hold `{value}`; without it the value is never repeated. `elsewhere` is a pattern of values
    that belong to another cloud.
    """

    pattern: str
    longest: int
    problem: str
    fix: str
    lower: bool = False
    elsewhere: str = ""

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        described.update(minLength=1, maxLength=self.longest, pattern=self.pattern)
        refused = [{"pattern": one} for one in (_TOKEN, self.elsewhere) if one]
        described["not"] = {"anyOf": refused}
        return described

    def _checked(self, value: str) -> str:
        if self.elsewhere and re.search(self.elsewhere, value):
            raise wrong(ONE_CLOUD, "Give one of the commercial cloud.")
        if re.search(_TOKEN, value):
            raise wrong("this looks like a personal access token.", NO_SECRETS)
        if len(value) > self.longest or not re.search(self.pattern, value):
            raise wrong(self.problem.replace("{value}", quoted(value)), self.fix)
        return value.lower() if self.lower else value


def wrong(problem: str, fix: str) -> PydanticCustomError:
    """An error that carries its own words. They go in as values, so that no brace in them is read."""
    return PydanticCustomError("told", "{problem} {fix}", {"problem": problem, "fix": fix})


Name = Annotated[
    str,
    Shape(
        rf"^[A-Za-z0-9._-]+{_END}",
        64,
        "{value} is not a name for a connector.",
        "Use 1 to 64 letters, digits, hyphens, underscores and dots, such as contoso-prod.",
    ),
]


def _shortest(value: str) -> str:
    """60m and 1h are one interval, and written as one."""
    return interval_text(duration(value)) if value else value


def duration(text: str) -> timedelta:
    """The duration of a text that has the shape of an interval."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


Interval = Annotated[
    str,
    Shape(
        rf"^(?:[1-9][0-9]{{0,3}}m|(?:[1-9][0-9]?|[1-6][0-9]{{2}}|7[01][0-9]|720)h|(?:[12]?[1-9]|[123]0)d){_END}",
        5,
        "{value} is not an interval.",
        "Give a whole number of minutes, hours or days, 30 days at most, such as 30m, 8h or 1d.",
    ),
    AfterValidator(_shortest),
]
Tenant = Annotated[
    str,
    Shape(
        rf"^(?:{UNTOLD_TENANT}|{_GUID}|(?:{_LABEL}\.)+{_LABEL}){_END}",
        253,
        "{value} is no tenant.",
        "Give the tenant's id (a GUID) or a domain name of it, such as contoso.onmicrosoft.com.",
        lower=True,
        elsewhere=_OTHER_DOMAIN,
    ),
]
Subscription = Annotated[
    str,
    Shape(
        rf"^{_GUID}{_END}",
        36,
        "{value} is no subscription id.",
        "Give the GUID that the portal shows as Subscription ID.",
        lower=True,
    ),
]
ResourceGroup = Annotated[
    str,
    Shape(
        rf"^(?:[{_LETTERS}0-9_().-]*[{_LETTERS}0-9_()-]){_END}",
        90,
        "{value} is no name of a resource group.",
        "Use 1 to 90 letters, digits and _ - . ( ) characters, with no dot at the end.",
    ),
]
Region = Annotated[
    str,
    Shape(
        rf"^[a-z][a-z0-9]*{_END}",
        40,
        "{value} is no name of a region.",
        "Write it in lower case without spaces, such as westeurope.",
        elsewhere=_OTHER_REGION,
    ),
]
OrganizationName = Annotated[
    str,
    Shape(
        rf"^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?{_END}",
        64,
        "{value} is no organization name.",
        "Give the name alone: contoso, for https://dev.azure.com/contoso.",
    ),
]
Exclusion = Annotated[
    str,
    Shape(
        rf"^(?:[A-Za-z0-9._*?-]|\[!?[A-Za-z0-9._-]+\])+{_END}",
        128,
        "{value} is no organization name and no pattern.",
        "Give a name or a pattern: 'sandbox-*'.",
    ),
]
ClientId = Annotated[
    str,
    Shape(
        rf"^{_GUID}{_END}",
        36,
        "this is not a client id.",
        "Give the GUID that the portal shows as Application (client) ID or Client ID.",
        lower=True,
    ),
]
SecretSetting = Annotated[
    str,
    Shape(
        rf"^[A-Z][A-Z0-9_]*{_END}",
        64,
        "this is not the name of a setting.",
        f"Give the setting's name, such as {PAT_SETTING}, in capitals; never the secret itself.",
    ),
]
Account = Annotated[
    str,
    Shape(
        rf"^[A-Za-z0-9!#%&'*+=?^_{{|}}~.-]+@(?:{_LABEL}\.)+{_LABEL}{_END}",
        254,
        "{value} is no sign-in name.",
        "Give the name that the person signs in with, such as ann@contoso.com.",
    ),
]
RegistryHost = Annotated[
    str,
    Shape(
        rf"^(?:{_LABEL}\.)+{_LABEL}(?::[0-9]{{1,5}})?{_END}",
        253,
        "{value} is no host of a registry.",
        "Give the host alone, as names of images begin with it: contoso.azurecr.io.",
        lower=True,
    ),
]
StepPattern = Annotated[
    str,
    Shape(
        rf"^[A-Za-z0-9 _.:/()*?-]+{_END}",
        128,
        "{value} is no name of a step and no pattern.",
        "Give the name that the step has in the run, or a pattern of it: 'Deliver *'.",
    ),
]
MarketplaceName = Annotated[
    str,
    Shape(
        rf"^[A-Za-z0-9][A-Za-z0-9._-]*{_END}",
        100,
        "{value} is no name in the Marketplace.",
        "Give it as the address of the extension has it: itemName=PUBLISHER.NAME.",
    ),
]


class _Part(BaseModel):
    """What a document is made of: nothing is converted, and nothing unknown is passed over."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)


class UserIdentity(_Part):
    """A person, signed in through Microsoft Entra once."""

    kind: Literal["user"] = Field(description="A person, signed in through Microsoft Entra once.")
    account: Account = Field(
        default="",
        description="Sign-in name of the person. Left out: whoever signs in.",
        examples=["ann@contoso.com"],
    )
    client_id: ClientId = Field(
        alias="clientId",
        default="",
        description="Application to sign in through, where it is not the usual one.",
        examples=["11111111-2222-3333-4444-555555555555"],
    )


class PatIdentity(_Part):
    """A personal access token, for trials."""

    kind: Literal["pat"] = Field(description="A personal access token, for trials.")
    secret_setting: SecretSetting = Field(
        alias="secretSetting",
        default=PAT_SETTING,
        description="Name of the setting that holds the token.",
        examples=[PAT_SETTING],
    )


class ManagedIdentity(_Part):
    """A managed identity of the app."""

    kind: Literal["managed-identity"] = Field(description="A managed identity of the app.")
    client_id: ClientId = Field(
        alias="clientId",
        default="",
        description="Client id of a user-assigned identity. Left out: the one that is system-assigned.",
        examples=["11111111-2222-3333-4444-555555555555"],
    )


class ServicePrincipalIdentity(_Part):
    """An application with a secret, a certificate or a federated credential."""

    kind: Literal["service-principal"] = Field(
        description="An application with a secret, a certificate or a federated credential."
    )
    client_id: ClientId = Field(
        alias="clientId",
        description="Application (client) id.",
        examples=["11111111-2222-3333-4444-555555555555"],
    )
    secret_setting: SecretSetting = Field(
        alias="secretSetting",
        default=CLIENT_SECRET_SETTING,
        description="Name of the setting that holds the client secret, where it has one.",
        examples=[CLIENT_SECRET_SETTING],
    )


class AzureCliIdentity(_Part):
    """Whoever ran `az login`, for trials."""

    kind: Literal["azure-cli"] = Field(description="Whoever ran az login, for trials.")


Identity = Annotated[
    UserIdentity | PatIdentity | ManagedIdentity | ServicePrincipalIdentity | AzureCliIdentity,
    Field(discriminator="kind"),
]
DiscoveringIdentity = Annotated[UserIdentity | PatIdentity | AzureCliIdentity, Field(discriminator="kind")]
IDENTITY_FIELDS = frozenset({"kind", "account", "clientId", "secretSetting"})
KINDS = ("user", "pat", "managed-identity", "service-principal", "azure-cli")
LISTING_KINDS = ("user", "pat", "azure-cli")
"""Those for which Azure DevOps lists organizations."""
TENANT_KINDS = ("user", "service-principal")
"""Those that sign in to a tenant, so that it must be told."""


class Extension(_Part):
    """The extension that maps container images, as the Marketplace names it."""

    publisher: MarketplaceName = Field(description="Its publisher.", examples=[CONTAINER_MAPPING_PUBLISHER])
    name: MarketplaceName = Field(description="Its name.", examples=[CONTAINER_MAPPING_EXTENSION])


# Enumerations are taken by their value: a document holds texts only.
_Mode = Annotated[DiscoveryMode, Strict(strict=False)]
_Plan = Annotated[Plan, Strict(strict=False)]
_Prerequisite = Annotated[PrerequisiteName, Strict(strict=False)]
_UNIQUE: dict[str, JsonValue] = {"uniqueItems": True}


def _in_order(names: tuple[PrerequisiteName, ...]) -> tuple[PrerequisiteName, ...]:
    """Their order says nothing, so it is always the same."""
    return tuple(sorted(names, key=tuple(PrerequisiteName).index))


class ConnectorDocument(_Part):
    """A connector as a document. Made by `load`, `checked` and `document_of` alone, which know all rules."""

    api_version: Literal["ado-connector/v1"] = Field(
        alias="apiVersion", description="Version of this format."
    )
    kind: Literal["Connector"] = Field(description="What the document describes.")
    name: Name = Field(
        description="Name of the connector, unique in its resource group.", examples=["contoso-prod"]
    )
    cloud: Literal["AzureCloud"] = Field(default="AzureCloud", description=f"Azure cloud. {ONE_CLOUD}")
    tenant: Tenant = Field(
        default=UNTOLD_TENANT,
        description="Microsoft Entra tenant of the organizations: its id or a domain name of it. 'default' "
        "leaves it to the identity.",
        examples=["contoso.onmicrosoft.com", "11111111-2222-3333-4444-555555555555"],
    )
    subscription: Subscription = Field(
        default="",
        description="Id of the Azure subscription that the connector belongs to.",
        examples=["11111111-2222-3333-4444-555555555555"],
    )
    resource_group: ResourceGroup = Field(
        alias="resourceGroup",
        default="",
        description="Resource group that it belongs to.",
        examples=["rg-security"],
    )
    region: Region = Field(default="", description="Azure region.", examples=["westeurope"])
    plan: _Plan = Field(default=Plan.FOUNDATIONAL, description="Defender plan.")
    mode: _Mode = Field(
        description="Organizations to onboard: those that exist when it is created (existing), those and all "
        "that appear later (existing-and-future), or those under organizations (selected).",
        examples=[DiscoveryMode.EXISTING_AND_FUTURE.value],
    )
    organizations: Annotated[tuple[OrganizationName, ...], Strict(strict=False)] = Field(
        default=(),
        max_length=MAX_ORGANIZATIONS,
        description="Names of organizations: the selected ones, or those that the identity cannot list.",
        examples=[["contoso", "fabrikam"]],
        json_schema_extra=_UNIQUE,
    )
    exclude: Annotated[tuple[Exclusion, ...], Strict(strict=False)] = Field(
        default=(),
        max_length=MAX_EXCLUSIONS,
        description="Organizations never to take: names, or patterns with *, ? and [..]. They win over "
        "everything.",
        examples=[["sandbox-*"]],
        json_schema_extra=_UNIQUE,
    )
    identity: Identity = Field(description="As whom the connector reads Azure DevOps.")
    discover_as: DiscoveringIdentity | None = Field(
        alias="discoverAs",
        default=None,
        description="Another identity that lists the organizations, where that one cannot.",
    )
    install_extension: bool = Field(
        alias="installExtension",
        default=False,
        description="Whether to install the Container Mapping extension where it is missing (the only write "
        "to Azure DevOps).",
    )
    required_prerequisites: Annotated[
        tuple[_Prerequisite, ...], Strict(strict=False), AfterValidator(_in_order)
    ] = Field(
        alias="requiredPrerequisites",
        default=DEFENDER_PREREQUISITES,
        max_length=len(PrerequisiteName),
        description="Prerequisites that must be met before an organization is onboarded. [] for none.",
        examples=[[one.value for one in DEFENDER_PREREQUISITES]],
        json_schema_extra=_UNIQUE,
    )
    posture_refresh_interval: Interval = Field(
        alias="postureRefreshInterval",
        default="",
        description="How often the posture of its organizations is refreshed, instead of as POSTURE_INTERVAL "
        "says.",
        examples=["30m", "8h"],
    )
    posture_full_refresh_interval: Interval = Field(
        alias="postureFullRefreshInterval",
        default="",
        description="How often it is refreshed in full, whatever the audit log says, instead of as "
        "POSTURE_FULL_INTERVAL says.",
        examples=["1d"],
    )
    extension: Extension = Field(
        default=Extension(publisher=CONTAINER_MAPPING_PUBLISHER, name=CONTAINER_MAPPING_EXTENSION),
        description="The Container Mapping extension, where it is not the usual one.",
    )
    read_build_logs: bool = Field(
        alias="readBuildLogs",
        default=False,
        description="Whether to read the logs of finished runs for the images that they pushed.",
    )
    push_steps: Annotated[tuple[StepPattern, ...], Strict(strict=False)] = Field(
        alias="pushSteps",
        default=(),
        max_length=MAX_TRACED,
        description="Names, or patterns with * and ?, of further steps that push images.",
        examples=[["Deliver *"]],
        json_schema_extra=_UNIQUE,
    )
    registries: Annotated[tuple[RegistryHost, ...], Strict(strict=False)] = Field(
        default=(),
        max_length=MAX_TRACED,
        description="Container registries that may be read to trace images.",
        examples=[["contoso.azurecr.io"]],
        json_schema_extra=_UNIQUE,
    )
    traced_subscriptions: Annotated[tuple[Subscription, ...], Strict(strict=False)] = Field(
        alias="tracedSubscriptions",
        default=(),
        max_length=MAX_TRACED,
        description="Azure subscriptions whose resources are looked at for running images.",
        examples=[["11111111-2222-3333-4444-555555555555"]],
        json_schema_extra=_UNIQUE,
    )
