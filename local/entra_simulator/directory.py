"""Who there is, and what they may: tenants, users, applications, and what was issued to them."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field

AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
PUBLIC_CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


@dataclass(eq=False)
class Tenant:
    """A directory: its id and the domains that stand for it."""

    id: str
    domains: tuple[str, ...] = ()


@dataclass(eq=False)
class User:
    """A person. `refusal` is the AADSTS code with which every sign-in and renewal of theirs is refused."""

    name: str
    tenant: Tenant
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    guest_in: tuple[str, ...] = ()
    refusal: int = 0

    def may_enter(self, tenant: Tenant) -> bool:
        """Whether the tenant is theirs, or they are a guest there."""
        return tenant is self.tenant or tenant.id in self.guest_in


@dataclass(eq=False)
class Application:
    """A registered application; without secrets it is a public client. `secrets` tells which have expired."""

    client_id: str
    tenant: Tenant | None = None
    secrets: dict[str, bool] = field(default_factory=dict)
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    refusal: int = 0
    certificates: list[bytes] = field(default_factory=list)
    """PEM of the certificates that its assertions may be signed with."""


@dataclass(eq=False)
class Device:
    """A sign-in by device code that waits for a person."""

    user_code: str
    device_code: str
    client_id: str
    scope: str
    tenant: Tenant
    user: User | None = None
    declined: bool = False
    expired: bool = False
    polls: int = 0
    slow_downs: int = 0
    """How many more polls are answered with `slow_down`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or a refresh token stands for."""

    client_id: str
    user: User
    tenant: Tenant
    scope: str
    redirect_uri: str = ""
    challenge: str = ""
    nonce: str = ""


class Directory:
    """Everything that the token service knows. Tests change it while it serves."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tenants: list[Tenant] = []
        self.users: list[User] = []
        self.applications: dict[str, Application] = {PUBLIC_CLIENT: Application(PUBLIC_CLIENT)}
        self.devices: dict[str, Device] = {}
        self.codes: dict[str, Grant] = {}
        self.refresh_tokens: dict[str, Grant] = {}
        self.token_seconds = 3600
        """How long access tokens last."""
        self.rotates = True
        """Whether a refresh token that was used is of no use any more."""
        self.trouble: list[int] = []
        """Statuses with which the next requests for tokens are answered, such as 503."""
        self.signs_in: User | None = None
        """Who signs in where the sign-in page is opened; the hinted user unless told."""
        self.asked: Counter[str] = Counter()
        """Requests for tokens by grant, such as `refresh_token`."""
        self.issued: list[str] = []
        """Every secret that ever left: tokens, codes."""

    def add_tenant(self, *domains: str, id: str | None = None) -> Tenant:  # noqa: A002 - what it is
        """A new tenant."""
        tenant = Tenant(id or str(uuid.uuid4()), domains)
        self.tenants.append(tenant)
        return tenant

    def add_user(
        self, name: str, tenant: Tenant, *, object_id: str | None = None, guest_in: tuple[str, ...] = ()
    ) -> User:
        """A new person."""
        user = User(name, tenant, object_id or str(uuid.uuid4()), guest_in)
        self.users.append(user)
        return user

    def add_application(
        self, client_id: str, tenant: Tenant | None = None, *, secret: str = "", object_id: str | None = None
    ) -> Application:
        """A new application: public without a secret, and known everywhere without a tenant."""
        made = Application(
            client_id, tenant, {secret: False} if secret else {}, object_id or str(uuid.uuid4())
        )
        self.applications[client_id] = made
        return made

    def tenant(self, name: str) -> Tenant | None:
        """By id or domain; `organizations` and `common` are the first one's."""
        wanted = name.lower()
        if wanted in {"organizations", "common"} and self.tenants:
            return self.tenants[0]
        return next((one for one in self.tenants if wanted == one.id or wanted in one.domains), None)

    def user(self, name: str) -> User | None:
        """By sign-in name."""
        return next((one for one in self.users if one.name.casefold() == name.casefold()), None)

    def approve(self, user_code: str, user: User) -> None:
        """The person enters the code of a device."""
        self.devices[user_code].user = user

    def revoke(self, user: User) -> None:
        """End all sign-ins of a person, as after a change of password."""
        with self.lock:
            self.refresh_tokens = {
                token: grant for token, grant in self.refresh_tokens.items() if grant.user is not user
            }

    def secret(self) -> str:
        """A new secret, which is remembered."""
        made = secrets.token_urlsafe(24)
        self.issued.append(made)
        return made
