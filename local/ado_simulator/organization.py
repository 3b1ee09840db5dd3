"""An organization of the simulated world, with its members, groups, policies and extensions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.ado_simulator.clock import wire_time
from local.ado_simulator.identity import (
    Group,
    Identity,
    Licence,
    Member,
    PcaKind,
    domain_words,
    licence,
    well_known_sid,
)
from local.ado_simulator.project import Project
from local.ado_simulator.repository import Repository
from local.ado_simulator.resources import (
    AgentPool,
    AuditEntry,
    AuditStream,
    ExtensionRequest,
    InstalledExtension,
    PolicyValue,
    ServiceHook,
)

if TYPE_CHECKING:
    from local.ado_simulator.world import World

ExtensionKey = tuple[str, str]
HOSTED_POOL = "Azure Pipelines"


@dataclass(slots=True)
class AccessList:
    """The entries on one token: (allow, deny) by descriptor."""

    inherits: bool = True
    entries: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(eq=False)
class Organization:
    """One organization. Methods that take an identity mean the world's demo user when it is left out."""

    world: World = field(repr=False)
    name: str
    account_id: str
    instance_id: str
    tenant: str
    owner: Identity | None = None
    identity_domain: str = ""
    administrators_name: str = "Project Collection Administrators"
    stopped: bool = False
    listed_in_accounts: bool = True
    direct_denial: int = 404
    provider_failure: str = "missing"
    empty_token: str | None = None
    project_order: str = "name"
    revision: int = 0
    projects: dict[str, Project] = field(default_factory=dict, repr=False)
    deleted_projects: dict[str, Project] = field(default_factory=dict, repr=False)
    members: dict[str, Member] = field(default_factory=dict, repr=False)
    groups: dict[str, Group] = field(default_factory=dict, repr=False)
    policies: dict[str, PolicyValue] = field(default_factory=dict, repr=False)
    pipeline_settings: dict[str, bool] = field(default_factory=dict, repr=False)
    extensions: dict[ExtensionKey, InstalledExtension] = field(default_factory=dict, repr=False)
    shared_extensions: set[ExtensionKey] = field(default_factory=set, repr=False)
    extension_requests: list[ExtensionRequest] = field(default_factory=list, repr=False)
    audit_log: list[AuditEntry] = field(default_factory=list, repr=False)
    extension_lag: int = 0
    retention_days: int | None = 30
    agent_pools: list[AgentPool] = field(default_factory=list, repr=False)
    audit_streams: list[AuditStream] = field(default_factory=list, repr=False)
    service_hooks: list[ServiceHook] = field(default_factory=list, repr=False)
    access: dict[str, dict[str, AccessList]] = field(default_factory=dict, repr=False)
    """Access lists that somebody set, by namespace and token; what every organization has by default is
    not told."""
    on_create: dict[str, bool] = field(
        default_factory=lambda: dict.fromkeys(
            (
                "enableSecretProtectionOnCreate",
                "enableBlockPushesOnCreate",
                "enableCodeSecurityOnCreate",
                "enableCodeQLOnCreate",
                "enableDependabotOnCreate",
                "enableDependencyScanningInjectionOnCreate",
            ),
            False,
        ),
        repr=False,
    )
    """What Advanced Security is switched on for in new repositories."""
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)
    _sorted: tuple[int, list[Project]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Create the groups that every collection has."""
        self.identity_domain = self.identity_domain or self.instance_id
        self.agent_pools += [
            AgentPool(1, "Default", auto_provision=True),
            AgentPool(9, HOSTED_POOL, is_hosted=True, size=10),
        ]
        for suffix, name, text, special in (
            ("0-0-0-0-1", self.administrators_name, "Can do everything in the collection.", "Administrators"),
            ("0-0-0-0-2", "Project Collection Service Accounts", "For service accounts.", "ServiceAccounts"),
            ("0-0-0-0-3", "Project Collection Valid Users", "Everyone in the collection.", "Everyone"),
            ("0-0-0-1-2", "Project Collection Build Administrators", "Administer builds.", "Generic"),
        ):
            self._register(
                well_known_sid(self.identity_domain, suffix), name, text, f"{special}ApplicationGroup"
            )

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the world's lock and note that something changed."""
        with self.world.lock:
            yield
            self.revision += 1
            self.world.revision += 1

    def next_number(self, kind: str) -> int:
        """Ids that are counted per organization."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    # --- projects ---------------------------------------------------------------------------------------

    def project(self, name_or_id: str) -> Project:
        """A project by name (in any case) or id, deleted ones included; KeyError when there is none."""
        key = name_or_id.lower()
        for projects in (self.projects, self.deleted_projects):
            if key in projects:
                return projects[key]
            for project in projects.values():
                if project.name.lower() == key:
                    return project
        raise KeyError(f"{self.name} has no project {name_or_id!r}")

    def add_project(
        self,
        name: str,
        *,
        visibility: str = "private",
        description: str | None = None,
        state: str = "wellFormed",
        tfvc: bool = False,
        abbreviation: str | None = None,
    ) -> Project:
        """Create a project, without repositories."""
        with self.change():
            project = Project(
                self, self.world.new_id(), name, description, visibility, self.world.now(), state,
                abbreviation, tfvc,
            )  # fmt: skip
            self.projects[project.id] = project
            self.audit("Project.CreateCompleted", "create", project, ProjectId=project.id, ProjectName=name)
        return project

    def ordered_projects(self) -> list[Project]:
        """Projects in the order of listings: by name, or as they were created."""
        if self._sorted is None or self._sorted[0] != self.revision:
            projects = list(self.projects.values())
            if self.project_order == "name":
                projects.sort(key=lambda project: (project.name.lower(), project.id))
            self._sorted = (self.revision, projects)
        return self._sorted[1]

    def repository(self, repository_id: str) -> Repository:
        """A repository of any project, by id."""
        for project in self.projects.values():
            if repository_id.lower() in project.repositories:
                return project.repositories[repository_id.lower()]
        raise KeyError(f"{self.name} has no repository {repository_id!r}")

    def rename(self, name: str) -> None:
        """Rename the organization; the old name answers like an unknown one."""
        with self.change():
            self.world.rekey(self, name)

    def stop(self, *, stopped: bool = True) -> None:
        """Deactivate it for inactivity (TF24668), or start it again."""
        with self.change():
            self.stopped = stopped

    # --- members, groups and rights ---------------------------------------------------------------------

    def member(self, identity: Identity | None = None) -> Member:
        """The membership of an identity; KeyError when it is no member."""
        return self.members[(identity or self.world.identity).id]

    def add_member(
        self,
        identity: Identity | None = None,
        *,
        licence_name: str | Licence = "basic",
        pca: PcaKind | str = PcaKind.NONE,
    ) -> Member:
        """Add an identity to the organization."""
        someone = identity or self.world.identity
        with self.change():
            member = Member(someone, licence(licence_name))
            self.members[someone.id] = member
            self._valid_users().members.append(someone.descriptor)
            self.audit("Licensing.Assigned", "create", None, UserIdentifier=someone.id)
            self.set_pca(pca, someone)
        return member

    def remove_member(self, identity: Identity | None = None) -> None:
        """Take an identity out of the organization: TF400813 from now on."""
        someone = identity or self.world.identity
        with self.change():
            self.members.pop(someone.id, None)
            for group in self.groups.values():
                if someone.descriptor in group.members:
                    group.members.remove(someone.descriptor)
            self.audit("Licensing.Removed", "remove", None, UserIdentifier=someone.id)

    def set_licence(self, name: str | Licence, identity: Identity | None = None) -> None:
        """Give a member another access level; short names are in `identity.LICENCES`."""
        with self.change():
            member = self.member(identity)
            member.licence = licence(name)
            self.audit("Licensing.Modified", "modify", None, UserIdentifier=member.identity.id)

    def set_pca(self, kind: PcaKind | str, identity: Identity | None = None) -> None:
        """Say how the identity relates to the administrators of the collection."""
        with self.change():
            member = self.member(identity)
            member.pca = PcaKind(kind)
            descriptor = member.identity.descriptor
            direct, nested, entra = self.administrators(), self._nested_group(), self._entra_group()
            for group in (direct, nested, entra):
                if descriptor in group.members:
                    group.members.remove(descriptor)
            if member.pca.is_member:
                home = {PcaKind.NESTED: nested, PcaKind.ENTRA_GROUP: entra}.get(member.pca, direct)
                home.members.append(descriptor)
            action = "Add" if member.pca.is_member else "Remove"
            self.audit(f"Group.UpdateGroupMembership.{action}", "modify", None, MemberId=member.identity.id)

    def administrators(self) -> Group:
        """The group Project Collection Administrators."""
        return self.groups[well_known_sid(self.identity_domain)]

    def _valid_users(self) -> Group:
        return self.groups[well_known_sid(self.identity_domain, "0-0-0-0-3")]

    def add_group(self, name: str, *, entra: bool = False, member_of: Group | None = None) -> Group:
        """Add a security group, of the organization or of Entra, perhaps inside another group."""
        with self.change():
            numbers = [int(self.world.new_id()[:8], 16) for _ in range(4)]
            sid = f"S-1-9-1551374245-{domain_words(self.identity_domain)}-1-{'-'.join(map(str, numbers))}"
            group = self._register(sid, name, "", "Generic", prefix="aadgp" if entra else "vssgp")
            if member_of is not None:
                member_of.members.append(group.descriptor)
        return group

    def add_group_member(self, group: Group, identity: Identity | None = None) -> None:
        """Put an identity into a group."""
        with self.change():
            group.members.append((identity or self.world.identity).descriptor)

    def _nested_group(self) -> Group:
        return self._find_group("Platform Owners") or self.add_group(
            "Platform Owners", member_of=self.administrators()
        )

    def _entra_group(self) -> Group:
        return self._find_group("sg-devops-admins") or self.add_group(
            "sg-devops-admins", entra=True, member_of=self.administrators()
        )

    def _find_group(self, name: str) -> Group | None:
        return next((group for group in self.groups.values() if group.display_name == name), None)

    def _register(self, sid: str, name: str, text: str, special: str, prefix: str = "vssgp") -> Group:
        domain = (
            f"vstfs:///Framework/IdentityDomain/{self.identity_domain}" if prefix == "vssgp" else self.tenant
        )
        principal = f"[{self.name}]\\{name}" if prefix == "vssgp" else f"[TEAM FOUNDATION]\\{name}"
        group = Group(sid, name, text, domain, principal, self.world.new_id(), prefix, special)
        self.groups[sid] = group
        return group

    def deny_read(self, target: Project | Repository, identity: Identity | None = None) -> None:
        """Hide a project or repository from a member: listings omit it, direct reads fail."""
        with self.change():
            member = self.member(identity)
            kind = member.denied_projects if isinstance(target, Project) else member.denied_repositories
            kind.add(target.id)

    def allow_read(self, target: Project | Repository, identity: Identity | None = None) -> None:
        """Undo `deny_read`."""
        with self.change():
            member = self.member(identity)
            kind = member.denied_projects if isinstance(target, Project) else member.denied_repositories
            kind.discard(target.id)

    def deny_capability(self, name: str, identity: Identity | None = None) -> None:
        """Refuse a whole capability (see the README) with 403, or leave out its data provider."""
        with self.change():
            self.member(identity).denied_capabilities.add(name.lower())

    def allow_capability(self, name: str, identity: Identity | None = None) -> None:
        """Undo `deny_capability`."""
        with self.change():
            self.member(identity).denied_capabilities.discard(name.lower())

    # --- policies and settings --------------------------------------------------------------------------

    def set_policy(
        self, name: str, *, value: bool, explicit: bool = True, effective: bool | None = None
    ) -> None:
        """Set the raw value of an organization policy; `effective` contradicts the polarity on purpose."""
        full = name if name.startswith("Policy.") else f"Policy.{name}"
        with self.change():
            self.policies[full] = PolicyValue(value, explicit, effective)
            self.audit("OrganizationPolicy.PolicyValueUpdated", "modify", None, PolicyName=full)

    def remove_policy(self, name: str) -> None:
        """Leave a policy out of every answer."""
        with self.change():
            self.policies.pop(name if name.startswith("Policy.") else f"Policy.{name}", None)

    def set_pipeline_setting(self, name: str, *, value: bool | None) -> None:
        """Set a pipeline setting of the organization; None leaves the key out."""
        with self.change():
            if value is None:
                self.pipeline_settings.pop(name, None)
            else:
                self.pipeline_settings[name] = value
            self.audit("Pipelines.OrganizationSettings", "modify", None, SettingName=name, NewValue=value)

    # --- what guards the whole organization -------------------------------------------------------------

    def add_agent_pool(self, name: str, **options: object) -> AgentPool:
        """Add an agent pool; options are the fields of `AgentPool`."""
        with self.change():
            pool = AgentPool(100 + self.next_number("pool"), name, **options)  # type: ignore[arg-type]
            self.agent_pools.append(pool)
            self.audit("Library.AgentPoolCreated", "create", None, AgentPoolName=name)
        return pool

    def add_audit_stream(self, name: str, *, status: str = "enabled") -> AuditStream:
        """Send audit entries somewhere."""
        with self.change():
            stream = AuditStream(self.next_number("stream"), name, status=status)
            self.audit_streams.append(stream)
            self.audit("AuditLog.StreamCreated", "create", None, DisplayName=name)
        return stream

    def add_service_hook(self, url: str, *, event: str = "git.push", status: str = "enabled") -> ServiceHook:
        """Subscribe a web hook to an event."""
        with self.change():
            hook = ServiceHook(self.world.new_id(), event, "webHooks", {"url": url}, status)
            self.service_hooks.append(hook)
        return hook

    def set_access(
        self, namespace: str, token: str, entries: dict[str, tuple[int, int]], *, inherits: bool = True
    ) -> None:
        """Set the access list of a token: (allow, deny) bits by the legacy descriptor of the group."""
        with self.change():
            self.access.setdefault(namespace.lower(), {})[token] = AccessList(inherits, dict(entries))
            self.audit("Security.ModifyPermission", "modify", None, NamespaceId=namespace, Token=token)

    # --- extensions -------------------------------------------------------------------------------------

    def share_extension(self, publisher: str, name: str, *, shared: bool = True) -> None:
        """Share a private extension with the organization, or stop sharing it."""
        with self.change():
            key = (publisher.lower(), name.lower())
            if shared:
                self.shared_extensions.add(key)
            else:
                self.shared_extensions.discard(key)

    def install_extension(
        self,
        publisher: str,
        name: str,
        *,
        flags: str = "none",
        version: str = "1.0.12",
        hidden_reads: int = 0,
    ) -> InstalledExtension:
        """Install an extension; `flags` as in `installState.flags`."""
        with self.change():
            extension = InstalledExtension(
                publisher, name, name.replace("-", " ").title(), version, flags,
                wire_time(self.world.now()), self.world.new_id(), hidden_reads,
            )  # fmt: skip
            self.extensions[(publisher.lower(), name.lower())] = extension
            self.answer_extension_requests(publisher, name, "accepted")
            self.audit("Extension.Installed", "create", None, ExtensionName=name, PublisherName=publisher)
        return extension

    def set_extension_flags(self, publisher: str, name: str, flags: str) -> None:
        """Change `installState.flags` of an installed extension."""
        with self.change():
            extension = self.extensions[(publisher.lower(), name.lower())]
            extension.flags = flags
            extension.last_updated = wire_time(self.world.now())
            action = "Disabled" if "disabled" in flags.lower() else "Enabled"
            self.audit(f"Extension.{action}", "modify", None, ExtensionName=name, PublisherName=publisher)

    def set_extension_dates(
        self, publisher: str, name: str, *, updated: str | None = None, published: str | None = None
    ) -> None:
        """Change when an installation was last updated, and when the gallery last got a version of it."""
        with self.change():
            extension = self.extensions[(publisher.lower(), name.lower())]
            extension.last_updated = updated or extension.last_updated
            extension.last_published = published or extension.last_published

    def request_extension(self, publisher: str, name: str, message: str = "") -> None:
        """Ask the administrators to install an extension; once, as long as nobody has answered."""
        with self.change():
            by, key = self.world.identity.display_name, (publisher.lower(), name.lower())
            waiting = [
                one
                for one in self.extension_requests
                if (one.publisher.lower(), one.name.lower(), one.by, one.state) == (*key, by, "open")
            ]
            if not waiting:
                asked = wire_time(self.world.now())
                self.extension_requests.append(ExtensionRequest(publisher, name, asked, by, message=message))

    def answer_extension_requests(self, publisher: str, name: str, state: str) -> None:
        """An administrator answers every open request for an extension: accepted or rejected."""
        with self.change():
            for one in self.extension_requests:
                same = (one.publisher.lower(), one.name.lower()) == (publisher.lower(), name.lower())
                if same and one.state == "open":
                    one.state = state

    def uninstall_extension(self, publisher: str, name: str) -> None:
        """Remove an extension."""
        with self.change():
            self.extensions.pop((publisher.lower(), name.lower()), None)
            self.audit("Extension.Uninstalled", "remove", None, ExtensionName=name, PublisherName=publisher)

    # --- audit ------------------------------------------------------------------------------------------

    def audit(self, action: str, category: str, project: Project | None, **data: object) -> None:
        """Write an audit entry; silent while a world is being generated."""
        world = self.world
        if world.generating:
            return
        actor, moment = world.identity, world.now()
        serial, activity = self.next_number("audit"), world.new_id()
        self.audit_log.append(
            AuditEntry(
                f"{2518505060978539161 - serial};{world.new_id()}", world.new_id(), activity,
                wire_time(moment), action, action.partition(".")[0], category, f"{action} was recorded",
                project.id if project else None, project.name if project else None, dict(data),
                actor.id, actor.email, actor.display_name,
            )
        )  # fmt: skip
