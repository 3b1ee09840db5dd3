"""Who may do what: access lists of the well-known namespaces, and the groups that hold nearly everybody.

A group that is meant for everyone with access is *broad*: valid users by the end of their SID, contributors
and readers by the names that Azure DevOps gives them. Bits are those that `securitynamespaces` lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from shared.model.assessment import Verdict
from shared.model.facts import Access, AgentPool, Fact, FactKind, OrganizationFacts, ProjectFacts
from shared.posture.administrators import VALID_USERS
from shared.posture.subjects import once
from shared.posture.verdicts import Evidence, healthy, unhealthy, unread

T = TypeVar("T")

BROAD_NAMES = frozenset(
    {
        "contributors",
        "readers",
        "project valid users",
        "project collection valid users",
        "limited stakeholders",
    }
)
_GROUP = "Microsoft.TeamFoundation.Identity;"
_BUILD = "Microsoft.TeamFoundation.ServiceIdentity;"

GIT_CONTRIBUTE = 4
GIT_FORCE_PUSH = 8
GIT_BYPASS = 128 | 32768
GIT_EDIT_POLICIES = 2048
GIT_MANAGE_PERMISSIONS = 8192
BUILD_EDIT = 2048 | 4096
BUILD_ADMINISTER = 16384
ENDPOINT_USE = 1
ENDPOINT_ADMINISTER = 2
LIBRARY_ADMINISTER = 2
ENVIRONMENT_ADMINISTER = 2 | 8
POOL_ADMINISTER = 2 | 8

Tokens = tuple[str, ...]
"""The tokens of one resource, from its own to the widest that it may inherit from."""


def repository_tokens(project: str, identifier: str) -> Tokens:
    """Tokens of a repository in *Git Repositories*."""
    return f"repov2/{project}/{identifier}", f"repov2/{project}", "repov2"


def pipeline_tokens(project: str, path: str, identifier: int) -> Tokens:
    """Tokens of a pipeline in *Build*, those of its folders among them."""
    folders = [one.lower() for one in path.split("\\") if one]
    above = ["/".join([project, *folders[:depth]]) for depth in range(len(folders), -1, -1)]
    return "/".join([project, *folders, str(identifier)]), *above


def connection_tokens(project: str, identifier: str) -> Tokens:
    """Tokens of a service connection in *ServiceEndpoints*."""
    return f"endpoints/{project}/{identifier}", f"endpoints/{project}"


def variable_group_tokens(project: str, identifier: str) -> Tokens:
    """Tokens of a variable group in *Library*."""
    return f"library/{project}/variablegroup/{identifier}", f"library/{project}"


def secure_file_tokens(project: str, identifier: str) -> Tokens:
    """Tokens of a secure file in *Library*."""
    return f"library/{project}/securefile/{identifier}", f"library/{project}"


def environment_tokens(project: str, identifier: str) -> Tokens:
    """Tokens of an environment in *Environment*."""
    return f"environments/{project}/{identifier}", f"environments/{project}"


def pool_tokens(pool: AgentPool) -> Tokens:
    """Tokens of an agent pool in *DistributedTask*."""
    return f"agentpools/{pool.id}", "agentpools"


def allowed(access: Access, tokens: Tokens) -> Mapping[str, int]:
    """What each group and build account is allowed there: the nearer entry wins over the inherited one."""
    granted: dict[str, int] = {}
    decided: dict[str, int] = {}
    for token in tokens:
        found = access.get(token.lower())
        if found is None:
            continue
        for one in found.entries:
            before = decided.get(one.descriptor, 0)
            granted[one.descriptor] = granted.get(one.descriptor, 0) | (one.allow & ~one.deny & ~before)
            decided[one.descriptor] = before | one.allow | one.deny
        if not found.inherits:
            break
    return granted


def broad_groups(facts: OrganizationFacts) -> Mapping[str, str]:
    """Names of the broad groups by the descriptor that access lists use; those that could be listed."""
    return once(
        facts,
        "broadGroups",
        lambda: {
            f"{_GROUP}{one.sid}": one.name
            for one in facts.groups.value or ()
            if one.name.casefold() in BROAD_NAMES or one.sid.endswith(VALID_USERS)
        },
    )


def no_broad_group(
    facts: OrganizationFacts, kind: FactKind, tokens: Tokens, bits: int, *, good: str, bad: str
) -> Verdict:
    """Healthy where no broad group is allowed any of these bits."""
    fact = _access(facts, kind)
    if fact.failure is not None:
        return unread(kind, fact.failure)
    names = broad_groups(facts)
    held = {
        names.get(descriptor, "valid users"): granted & bits
        for descriptor, granted in allowed(fact.value or {}, tokens).items()
        if granted & bits
        and (descriptor in names or (descriptor.startswith(_GROUP) and descriptor.endswith(VALID_USERS)))
    }
    evidence: Evidence = {"token": tokens[0], "bits": bits, "allowed": dict(sorted(held.items()))}
    if held:
        return unhealthy(f"{bad} It holds for: {', '.join(sorted(held))}.", evidence)
    if facts.groups.failure is not None:
        return unread(FactKind.GROUPS, facts.groups.failure)
    return healthy(good, evidence)


def no_build_account(
    facts: OrganizationFacts, kind: FactKind, tokens: Tokens, bits: int, *, good: str, bad: str
) -> Verdict:
    """Healthy where no build account is allowed any of these bits."""
    fact = _access(facts, kind)
    if fact.failure is not None:
        return unread(kind, fact.failure)
    held = {
        descriptor.removeprefix(_BUILD): granted & bits
        for descriptor, granted in allowed(fact.value or {}, tokens).items()
        if granted & bits and descriptor.startswith(_BUILD)
    }
    evidence: Evidence = {"token": tokens[0], "bits": bits, "allowed": dict(sorted(held.items()))}
    return unhealthy(bad, evidence) if held else healthy(good, evidence)


def does_not_inherit(facts: OrganizationFacts, kind: FactKind, tokens: Tokens) -> Verdict:
    """Healthy where the resource takes no permissions over from what stands above it."""
    fact = _access(facts, kind)
    if fact.failure is not None:
        return unread(kind, fact.failure)
    found = (fact.value or {}).get(tokens[0].lower())
    # Lists that only inherit are not told at all: what is absent inherits.
    evidence: Evidence = {"token": tokens[0], "inheritPermissions": found is None or found.inherits}
    if found is None or found.inherits:
        return unhealthy("It takes over every permission that is granted above it.", evidence)
    return healthy("Its permissions are its own.", evidence)


def _access(facts: OrganizationFacts, kind: FactKind) -> Fact[Access]:
    fact: Fact[Access] = getattr(facts, kind.name.lower())
    return fact


def of(facts: ProjectFacts) -> tuple[OrganizationFacts, str]:
    """The organization's facts and the project's id, as tokens write it."""
    return facts.organization, facts.project.id.lower()
