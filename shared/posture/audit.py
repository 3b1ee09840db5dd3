"""What entries of the audit log mean: which fact sets, of which projects, no longer hold. Pure.

The actions are those that Microsoft documents
(https://learn.microsoft.com/azure/devops/organizations/audit/auditing-events). What an entry holds besides
its action and its project varies, so that it only ever narrows down what is read again; and an action that
is not known makes everything of its project, or of the organization, be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from shared.model.audit import AuditEntry
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import ProjectId
from shared.posture.fact_sets import BY_KIND, Level, at_level

OVERLAP: Final = timedelta(hours=1)
"""How far each look at the log goes back behind the one before: entries may appear late."""

EVERY_LOOK: Final = (FactKind.ORGANIZATION_POLICIES, FactKind.ORGANIZATION_PIPELINE_SETTINGS)
"""What is read again with every look, whatever the log says: one request each, and the first tells whether
there is a log to go by."""

_K = FactKind
_ACCESS: Final = tuple(kind for kind in FactKind if kind.value.endswith("Access"))
_PERMISSIONS: Final = tuple(one.kind for one in at_level(Level.OBJECT))
_OF_PROJECT: Final = tuple(one.kind for one in at_level(Level.PROJECT))
_OF_ORGANIZATION: Final = tuple(one.kind for one in at_level(Level.ORGANIZATION))
_OF_NEW_PROJECT: Final = (_K.GROUPS, _K.ADMINISTRATORS, _K.ADVANCED_SECURITY, *_ACCESS)

_MEANING: Final[tuple[tuple[str, tuple[FactKind, ...]], ...]] = (
    ("policy.", (_K.BRANCH_POLICIES,)),
    ("pipelines.pipelineretention", (_K.RETENTION,)),
    ("pipelines.pipelinegeneralsetting", (_K.PIPELINE_SETTINGS,)),
    ("pipelines.projectsettings", (_K.PIPELINE_SETTINGS,)),
    ("pipelines.organizationsettings", (_K.ORGANIZATION_PIPELINE_SETTINGS,)),
    ("pipelines.resource", _PERMISSIONS),
    ("pipelines.pipeline", (_K.PIPELINES,)),
    ("pipelines.deploymentjob", ()),
    ("pipelines.run", ()),
    ("pipelines.hostedparallelism", ()),
    ("pipelines.oauthconfiguration", ()),
    ("pipelines.variablessetatruntime", ()),
    ("checkconfiguration.", (_K.CHECKS,)),
    ("checksuite.", ()),
    ("library.serviceconnectionexecuted", ()),
    ("library.serviceconnection", (_K.SERVICE_CONNECTIONS,)),
    ("library.variablegroup", (_K.VARIABLE_GROUPS,)),
    ("library.securefile", (_K.SECURE_FILES,)),
    ("library.agent", (_K.AGENT_POOLS,)),
    # Repositories themselves are the inventory's; what is new has permissions and scanners of its own.
    ("git.repositorycreated", (_K.ADVANCED_SECURITY, _K.REPOSITORY_ACCESS)),
    ("git.repositoryforked", (_K.ADVANCED_SECURITY, _K.REPOSITORY_ACCESS)),
    ("git.repositoryundeleted", (_K.ADVANCED_SECURITY, _K.REPOSITORY_ACCESS)),
    ("git.repository", ()),
    ("git.refupdatepoliciesbypassed", ()),
    ("project.createcompleted", _OF_NEW_PROJECT),
    ("project.restorecompleted", _OF_NEW_PROJECT),
    ("project.", ()),
    ("security.", _ACCESS),
    ("group.", (_K.GROUPS, _K.ADMINISTRATORS)),
    ("licensing.", (_K.USERS,)),
    ("extension.", (_K.EXTENSIONS,)),
    ("organizationpolicy.", (_K.ORGANIZATION_POLICIES,)),
    ("organization.", (_K.ORGANIZATION_POLICIES,)),
    ("auditlog.streamread", ()),
    ("auditlog.stream", (_K.AUDIT_STREAMS,)),
    ("auditlog.", ()),
    ("advancedsecurity.", (_K.ADVANCED_SECURITY, _K.ALERTS)),
    ("billing.", ()),
    ("process.", ()),
    ("release.", ()),
    ("token.", ()),
)
"""By the beginning of an action, in lower case, the first that fits: the fact sets that it may change."""

_CHANGES_NOTHING: Final = frozenset({"access", "execute"})
"""Categories of what only looks at things, or runs them."""
_LOG_POLICY: Final = "logauditevents"
_NAMESPACES: Final[Mapping[str, FactKind]] = {
    "git repositories": _K.REPOSITORY_ACCESS,
    "build": _K.PIPELINE_ACCESS,
    "serviceendpoints": _K.SERVICE_CONNECTION_ACCESS,
    "library": _K.LIBRARY_ACCESS,
    "environment": _K.ENVIRONMENT_ACCESS,
    "distributedtask": _K.AGENT_POOL_ACCESS,
}

Mark = tuple[FactKind, str]
"""A fact set that no longer holds: all of it or, of pipeline permissions, that of the object with the id."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What no longer holds. `gap` is not empty where the log does not tell enough to go by."""

    organization: frozenset[FactKind] = frozenset()
    projects: Mapping[ProjectId, frozenset[Mark]] = field(default_factory=dict)
    gap: str = ""


def has_log(facts: OrganizationFacts) -> bool:
    """Whether the organization keeps an audit log that the identity may read, as far as facts tell."""
    told = facts.organization_policies.value
    policy = told.policies.get("Policy.LogAuditEvents") if told is not None else None
    # The streams take the same right as the log: who may not list them need not ask for it.
    is_readable = facts.audit_streams.value is not None
    return is_readable and policy is not None and policy.value is True and policy.effective is not False


def changes_of(entries: Iterable[AuditEntry], known: frozenset[ProjectId]) -> Changes:
    """What these entries mean for an organization with these projects, in whatever order they come."""
    organization: set[FactKind] = set()
    projects: dict[ProjectId, set[Mark]] = {}
    for one in entries:
        if any(_LOG_POLICY in text for texts in one.data.values() for text in texts):
            return Changes(gap=f"Auditing itself was switched ({one.action}).")
        kinds = _kinds(one)
        organization.update(kind for kind in kinds if BY_KIND[kind].level is Level.ORGANIZATION)
        inside = [kind for kind in kinds if BY_KIND[kind].level is not Level.ORGANIZATION]
        if not inside:
            continue
        named = _projects(one, known)
        if not named and one.project is None:
            return Changes(gap=f"{one.action} does not tell of which project.")
        for project in named & known:
            projects.setdefault(project, set()).update(_marks(one, inside))
    return Changes(frozenset(organization), {key: frozenset(marks) for key, marks in projects.items()})


def matters(entry: AuditEntry) -> bool:
    """Whether the entry may change any fact set."""
    return bool(_kinds(entry))


def _kinds(entry: AuditEntry) -> tuple[FactKind, ...]:
    if entry.category in _CHANGES_NOTHING:
        return ()
    action = entry.action.lower()
    kinds = next((kinds for begin, kinds in _MEANING if action.startswith(begin)), None)
    if kinds is None:
        return _OF_ORGANIZATION if entry.project is None else (*_OF_PROJECT, *_PERMISSIONS)
    if kinds is _ACCESS:
        named = entry.data.get("namespacename", frozenset())
        if len(named) == 1 and (kind := _NAMESPACES.get(next(iter(named)))) is not None:
            return (kind,)
    return kinds


def _projects(entry: AuditEntry, known: frozenset[ProjectId]) -> frozenset[ProjectId]:
    """The project that the entry names, and those that its data names: a connection may be shared."""
    inside = {ProjectId(text) for texts in entry.data.values() for text in texts} & known
    return frozenset(inside if entry.project is None else {*inside, entry.project})


def _marks(entry: AuditEntry, kinds: Iterable[FactKind]) -> set[Mark]:
    ids = entry.data.get("resourceid", frozenset())
    found: set[Mark] = set()
    for kind in kinds:
        if kind in _PERMISSIONS and ids and entry.action.lower().startswith("pipelines.resource"):
            found.update((kind, one) for one in ids)
        else:
            found.add((kind, ""))
    return found
