"""Identities, licences, members and groups, with the descriptors that the service gives them."""

from __future__ import annotations

import base64
import struct
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

SID_PREFIX = "S-1-9-1551374245"


class IdentityKind(StrEnum):
    """What an identity is: a person, or an application (service principal or managed identity)."""

    USER = "user"
    SERVICE_PRINCIPAL = "servicePrincipal"


class PcaKind(StrEnum):
    """How an identity relates to the administrators of a collection."""

    NONE = "none"
    """Neither a member nor permitted."""
    DIRECT = "direct"
    """Member of the group itself."""
    NESTED = "nested"
    """Member of a group of the organization that is a member of the administrators."""
    ENTRA_GROUP = "entra-group"
    """Member of an Entra group that is a member of the administrators."""
    CUSTOM = "custom"
    """Permitted by a grant of its own, without membership."""
    DENIED = "denied"
    """Member, but the permission is denied explicitly."""

    @property
    def is_member(self) -> bool:
        """Whether the identity is, directly or not, in the administrators group."""
        return self in {PcaKind.DIRECT, PcaKind.NESTED, PcaKind.ENTRA_GROUP, PcaKind.DENIED}

    @property
    def is_effective(self) -> bool:
        """Whether "Edit instance-level information" is answered with true."""
        return self in {PcaKind.DIRECT, PcaKind.NESTED, PcaKind.ENTRA_GROUP, PcaKind.CUSTOM}


@dataclass(frozen=True, slots=True)
class Licence:
    """The access level of a member, in the words of the wire."""

    licensing_source: str = "account"
    account_license_type: str = "express"
    msdn_license_type: str = "none"
    display_name: str = "Basic"
    status: str = "active"

    def reads_code(self) -> bool:
        """Whether repositories are shown to the holder."""
        if self.status in {"disabled", "deleted", "expired"}:
            return False
        if self.licensing_source == "msdn":
            return self.msdn_license_type != "none"
        return self.account_license_type not in {"stakeholder", "none"}


LICENCES: dict[str, Licence] = {
    "basic": Licence(),
    "basic-test-plans": Licence(account_license_type="advanced", display_name="Basic + Test Plans"),
    "professional": Licence(account_license_type="professional", display_name="Visual Studio Professional"),
    "early-adopter": Licence(account_license_type="earlyAdopter", display_name="Early Adopter"),
    "stakeholder": Licence(account_license_type="stakeholder", display_name="Stakeholder"),
    "visual-studio": Licence("msdn", "none", "enterprise", "Visual Studio Enterprise subscription"),
    "visual-studio-eligible": Licence("msdn", "none", "eligible", "Visual Studio Subscriber"),
    "visual-studio-unconfirmed": Licence("msdn", "none", "none", "Visual Studio Subscriber"),
    "pending": Licence(status="pending"),
    "disabled": Licence(status="disabled"),
    "expired": Licence(status="expired"),
    "none": Licence("none", "none", "none", "None", "none"),
}


def licence(name: str | Licence) -> Licence:
    """A licence by its short name (see `LICENCES`), or the licence itself."""
    if isinstance(name, Licence):
        return name
    try:
        return LICENCES[name]
    except KeyError:
        raise ValueError(f"unknown licence {name!r}; one of {', '.join(LICENCES)}") from None


def encode_descriptor(prefix: str, text: str) -> str:
    """A subject descriptor: prefix, dot, base64url without padding."""
    return f"{prefix}.{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def domain_words(domain: str) -> str:
    """The four numbers by which a security domain appears in a SID."""
    words = struct.unpack(">4I", uuid.UUID(domain).bytes_le)
    return "-".join(str(word) for word in words)


def well_known_sid(domain: str, suffix: str = "0-0-0-0-1") -> str:
    """The SID of a well-known group of a domain; the default suffix is its administrators."""
    return f"{SID_PREFIX}-{domain_words(domain)}-{suffix}"


@dataclass(eq=False)
class Identity:
    """Someone or something that holds a token."""

    token: str
    id: str
    subject_id: str
    origin_id: str
    application_id: str
    display_name: str
    email: str
    tenant: str
    kind: IdentityKind = IdentityKind.USER
    expired: bool = False
    is_microsoft_account: bool = False
    missing_scopes: set[str] = field(default_factory=set)

    @property
    def is_service_principal(self) -> bool:
        """Whether this is an application."""
        return self.kind is IdentityKind.SERVICE_PRINCIPAL

    @cached_property
    def descriptor(self) -> str:
        """The subject descriptor (`aad.…`, `aadsp.…` or `msa.…`)."""
        if self.is_microsoft_account:
            return encode_descriptor("msa", self.subject_id)
        return encode_descriptor("aadsp" if self.is_service_principal else "aad", self.subject_id)

    @property
    def legacy_descriptor(self) -> str:
        """The older descriptor: type, semicolon, identifier."""
        if self.is_service_principal:
            return (
                f"Microsoft.VisualStudio.Services.Claims.AadServicePrincipal;{self.tenant}\\{self.origin_id}"
            )
        if self.is_microsoft_account:
            return f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{self.origin_id.upper()}@Live.com"
        return f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{self.tenant}\\{self.email}"

    @property
    def account_name(self) -> str:
        """What the service shows as the account: the e-mail address, or the object id of an application."""
        return self.origin_id if self.is_service_principal else self.email


@dataclass(eq=False)
class Member:
    """An identity inside one organization, with its rights there."""

    identity: Identity
    licence: Licence = field(default_factory=Licence)
    pca: PcaKind = PcaKind.NONE
    denied_projects: set[str] = field(default_factory=set)
    denied_repositories: set[str] = field(default_factory=set)
    denied_capabilities: set[str] = field(default_factory=set)
    meta_type: str = "member"
    """`member` or `guest`; of an application nothing."""
    origin: str = "aad"
    date_created: str = "2023-01-10T10:00:00.1234567Z"
    last_accessed: str = "2025-05-02T07:11:00.7654321Z"


@dataclass(eq=False)
class Group:
    """A security group. Members are subject descriptors, of identities and of other groups."""

    sid: str
    display_name: str
    description: str
    domain: str
    principal_name: str
    origin_id: str
    prefix: str = "vssgp"
    special_type: str = "Generic"
    members: list[str] = field(default_factory=list)

    @cached_property
    def descriptor(self) -> str:
        """The subject descriptor (`vssgp.…`, or `aadgp.…` for an Entra group)."""
        return encode_descriptor(self.prefix, self.sid)

    @property
    def legacy_descriptor(self) -> str:
        """The older descriptor, as found in `memberOf`."""
        return f"Microsoft.TeamFoundation.Identity;{self.sid}"
