"""Reads the facts that posture rules judge: what each set of facts is asked of, and what a refusal means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from shared.model.facts import Fact, FactKind, Group, Members, OrganizationFacts, ProjectFacts
from shared.model.failure import Failure, FailureKind, ServiceError, Throttled, Transient
from shared.ports import AzureDevOps
from shared.posture.administrators import administrators_groups
from shared.posture.fact_sets import BY_KIND, Level
from shared.posture.gathering import LISTINGS, Plan, is_unasked, not_asked, protected

T = TypeVar("T")

_RESOURCES = {
    FactKind.SERVICE_CONNECTION_PERMISSIONS: "endpoint",
    FactKind.VARIABLE_GROUP_PERMISSIONS: "variablegroup",
    FactKind.SECURE_FILE_PERMISSIONS: "securefile",
    FactKind.ENVIRONMENT_PERMISSIONS: "environment",
}
"""Type of the resource in pipeline permissions and checks."""


def gather_organization(
    ado: AzureDevOps, facts: OrganizationFacts, plan: Plan, is_time_up: Callable[[], bool]
) -> OrganizationFacts:
    """Read every set of the organization that some rule needs and that was not asked yet, each once.

    When the time is up it ends after the set that is then read, at least one. A set that is refused, or whose
    service is down, is unread. Where most of them meet an outage it is no word on any of them: that raises,
    as does a rate limit, and what the organization answers where it refused every one.
    """
    while left := plan.left_of_organization(facts):
        kind, before = left[0], ado.requests_sent
        fact = _organization_fact(ado, facts.name, kind, facts)
        facts = _with(facts, kind, fact, ado.requests_sent - before)
        if is_time_up():
            break
    if not plan.left_of_organization(facts):
        _check_organization(ado, facts, plan)
    return facts


def _check_organization(ado: AzureDevOps, facts: OrganizationFacts, plan: Plan) -> None:
    read: list[Fact[object]] = [getattr(facts, kind.name.lower()) for kind in plan.of_organization()]
    read = [fact for fact in read if not is_unasked(fact)]
    failures = [fact.failure for fact in read if fact.failure is not None]
    passing = [failure for failure in failures if failure.kind is FailureKind.TRANSIENT]
    if passing and len(passing) * 2 >= len(read):
        raise Transient(passing[0])
    if len(failures) == len(read):
        ado.connection(facts.name)


def _organization_fact(ado: AzureDevOps, name: str, kind: FactKind, facts: OrganizationFacts) -> Fact[Any]:
    calls: Mapping[FactKind, Callable[[], object]] = {
        FactKind.ORGANIZATION_POLICIES: lambda: ado.policies(name),
        FactKind.ORGANIZATION_PIPELINE_SETTINGS: lambda: ado.organization_pipeline_settings(name),
        FactKind.RETENTION: lambda: ado.retention(name),
        FactKind.EXTENSIONS: lambda: ado.extensions(name),
        FactKind.AUDIT_STREAMS: lambda: ado.audit_streams(name),
        FactKind.SERVICE_HOOKS: lambda: ado.service_hooks(name),
        FactKind.AGENT_POOLS: lambda: ado.agent_pools(name),
        FactKind.USERS: lambda: ado.users(name),
        FactKind.GROUPS: lambda: ado.groups(name),
        FactKind.ADVANCED_SECURITY: lambda: ado.enablement(name),
        FactKind.ALERTS: lambda: ado.alerts(name),
    }
    if kind is FactKind.ADMINISTRATORS:
        return _members(ado, name, facts.groups)
    return _read(calls.get(kind, lambda: ado.access(name, kind)))


def _members(ado: AzureDevOps, name: str, groups: Fact[tuple[Group, ...]]) -> Fact[Members]:
    """Nobody can be asked for the members of groups that could not be listed."""
    if groups.failure is not None:
        return Fact.unread(groups.failure)
    asked = tuple(one.descriptor for one in administrators_groups(groups.value or ()))
    return _read(lambda: ado.administrators(name, asked))


def gather_project(
    ado: AzureDevOps,
    plan: Plan,
    facts: ProjectFacts,
    known: Mapping[tuple[FactKind, str], Fact[bool]] | None = None,
) -> ProjectFacts:
    """Read what the rules need of a project, set by set, until nothing more would change a verdict.

    `known` are pipeline permissions that hold, by kind and id, of objects that are listed again.
    Raises `Throttled`, and what the organization answers where the project answered nothing at all.
    """
    answers: list[Failure | None] = []
    while (kind := plan.next_fact(facts)) is not None:
        if BY_KIND[kind].level is Level.OBJECT:
            facts = _with_permissions(ado, plan, facts, kind)
            continue
        before = ado.requests_sent
        fact = _project_fact(ado, facts, kind)
        facts = _with(facts, kind, _with_known(fact, kind, known or {}), ado.requests_sent - before)
        answers.append(fact.failure)
    if answers and all(answers):
        ado.connection(facts.organization.name)
    return facts


def _project_fact(ado: AzureDevOps, facts: ProjectFacts, kind: FactKind) -> Fact[Any]:
    name, project = facts.organization.name, facts.project.id
    calls: Mapping[FactKind, Callable[[], object]] = {
        FactKind.PIPELINE_SETTINGS: lambda: ado.pipeline_settings(name, project),
        FactKind.BRANCH_POLICIES: lambda: ado.branch_policies(name, project),
        FactKind.PIPELINES: lambda: ado.pipelines(name, project),
        FactKind.SERVICE_CONNECTIONS: lambda: ado.service_connections(name, project, not_asked()),
        FactKind.VARIABLE_GROUPS: lambda: ado.variable_groups(name, project, not_asked()),
        FactKind.SECURE_FILES: lambda: ado.secure_files(name, project, not_asked()),
        FactKind.ENVIRONMENTS: lambda: ado.environments(name, project, not_asked()),
        FactKind.CHECKS: lambda: ado.checks(name, project, _resources(facts)),
    }
    return _read(calls[kind])


def _with_known(
    fact: Fact[Any], kind: FactKind, known: Mapping[tuple[FactKind, str], Fact[bool]]
) -> Fact[Any]:
    permission = next((one for one, listing in LISTINGS.items() if listing is kind), None)
    if permission is None or fact.value is None or not known:
        return fact
    return Fact.read(
        tuple(
            replace(one, open_to_all_pipelines=known.get((permission, one.id), one.open_to_all_pipelines))
            for one in fact.value
        )
    )


def _resources(facts: ProjectFacts) -> tuple[tuple[str, str], ...]:
    return tuple((kind, one.id) for fact, kind in _RESOURCES.items() for one in protected(facts, fact))


def _with_permissions(ado: AzureDevOps, plan: Plan, facts: ProjectFacts, kind: FactKind) -> ProjectFacts:
    """Each object with its pipeline permission, or why it could not be read."""
    wanted = plan.objects(facts, kind)
    resource, listing = _RESOURCES[kind], LISTINGS[kind].name.lower()
    name, project = facts.organization.name, facts.project.id
    answered = {
        one: _read(lambda one=one: ado.is_open_to_all(name, project, resource, one))  # type: ignore[misc]
        for one in wanted
    }
    changed = tuple(
        replace(one, open_to_all_pipelines=answered.get(one.id, one.open_to_all_pipelines))
        for one in protected(facts, kind)
    )
    values: dict[str, Any] = {listing: Fact.read(changed)}
    return replace(facts, **values)


F = TypeVar("F", OrganizationFacts, ProjectFacts)


def _with(facts: F, kind: FactKind, fact: Fact[Any], requests: int) -> F:
    """The facts with this set, and what it took; its field has the name of the kind."""
    values: dict[str, Any] = {
        kind.name.lower(): fact,
        "requests": {**facts.requests, kind.value: requests},
    }
    return replace(facts, **values)


def _read(call: Callable[[], T]) -> Fact[T]:
    try:
        return Fact.read(call())
    except Throttled:
        raise
    except ServiceError as error:
        return Fact.unread(error.failure)
