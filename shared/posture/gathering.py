"""Which facts are worth a request. Pure: the reading itself is the handler's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from shared.model.assessment import AssessmentStatus
from shared.model.facts import (
    Environment,
    Fact,
    FactKind,
    OrganizationFacts,
    ProjectFacts,
    SecureFile,
    ServiceConnection,
    VariableGroup,
)
from shared.model.failure import Failure, FailureKind
from shared.model.ids import OrganizationId
from shared.model.inventory import Project, Repository
from shared.model.thresholds import Thresholds
from shared.posture.audit import Mark
from shared.posture.fact_sets import BY_KIND, FACT_SETS, Level, at_level
from shared.posture.judging import verdicts_of
from shared.posture.rule import Rule

T = TypeVar("T")
Protected = ServiceConnection | VariableGroup | SecureFile | Environment

LISTINGS: Mapping[FactKind, FactKind] = {
    FactKind.SERVICE_CONNECTION_PERMISSIONS: FactKind.SERVICE_CONNECTIONS,
    FactKind.VARIABLE_GROUP_PERMISSIONS: FactKind.VARIABLE_GROUPS,
    FactKind.SECURE_FILE_PERMISSIONS: FactKind.SECURE_FILES,
    FactKind.ENVIRONMENT_PERMISSIONS: FactKind.ENVIRONMENTS,
}
"""Of which objects each kind of pipeline permission is."""

_NOT_ASKED = Failure(FailureKind.UNREADABLE, "NotAsked", "It was not asked.")


def not_asked() -> Fact[T]:
    """A fact that nobody has asked for yet."""
    return Fact.unread(_NOT_ASKED)


def is_unasked(fact: Fact[T]) -> bool:
    """Whether nobody has asked for it yet."""
    return fact.failure is not None and fact.failure.code == _NOT_ASKED.code


def nothing_of_organization(organization: OrganizationId, name: str, now: datetime) -> OrganizationFacts:
    """An organization of which nothing has been asked yet."""
    return OrganizationFacts(
        organization=organization,
        name=name,
        organization_policies=not_asked(),
        organization_pipeline_settings=not_asked(),
        retention=not_asked(),
        extensions=not_asked(),
        audit_streams=not_asked(),
        service_hooks=not_asked(),
        agent_pools=not_asked(),
        users=not_asked(),
        groups=not_asked(),
        administrators=not_asked(),
        advanced_security=not_asked(),
        alerts=not_asked(),
        repository_access=not_asked(),
        pipeline_access=not_asked(),
        service_connection_access=not_asked(),
        library_access=not_asked(),
        environment_access=not_asked(),
        agent_pool_access=not_asked(),
        gathered_at=now,
    )


def nothing_gathered(
    project: Project, repositories: tuple[Repository, ...], organization: OrganizationFacts, now: datetime
) -> ProjectFacts:
    """A project of which nothing has been asked yet."""
    return ProjectFacts(
        project=project,
        repositories=repositories,
        organization=organization,
        pipeline_settings=not_asked(),
        branch_policies=not_asked(),
        pipelines=not_asked(),
        service_connections=not_asked(),
        variable_groups=not_asked(),
        secure_files=not_asked(),
        environments=not_asked(),
        checks=not_asked(),
        gathered_at=now,
    )


def protected(facts: ProjectFacts, kind: FactKind) -> tuple[Protected, ...]:
    """The objects whose pipeline permission this kind of fact is, as far as they could be listed."""
    if kind is FactKind.SERVICE_CONNECTION_PERMISSIONS:
        return facts.service_connections.value or ()
    if kind is FactKind.VARIABLE_GROUP_PERMISSIONS:
        return facts.variable_groups.value or ()
    if kind is FactKind.SECURE_FILE_PERMISSIONS:
        return facts.secure_files.value or ()
    return facts.environments.value or ()


def _guarded(facts: ProjectFacts) -> bool:
    """Whether there is anything that checks could guard."""
    return any(protected(facts, one.kind) for one in at_level(Level.OBJECT))


def _looks_anywhere(facts: OrganizationFacts) -> bool:
    """Whether Advanced Security looks at any repository: where it does not, there are no alerts."""
    told = facts.advanced_security.value
    return is_unasked(facts.advanced_security) or (
        told is not None and any(any(switches.values()) for switches in told.repositories.values())
    )


def forget_of_organization(facts: OrganizationFacts, kinds: Iterable[FactKind]) -> OrganizationFacts:
    """The facts without these sets; and without the members of groups that are listed again."""
    forgotten = set(kinds)
    if FactKind.GROUPS in forgotten:
        forgotten.add(FactKind.ADMINISTRATORS)
    unasked: dict[str, Any] = {kind.name.lower(): not_asked() for kind in forgotten}
    return replace(facts, **unasked) if unasked else facts


def unread_of_organization(facts: OrganizationFacts) -> tuple[FactKind, ...]:
    """Sets of the organization that were asked for and could not be read."""
    return tuple(one.kind for one in at_level(Level.ORGANIZATION) if _is_refused(_fact(facts, one.kind)))


def forget_of_project(facts: ProjectFacts, marks: Iterable[Mark]) -> ProjectFacts:
    """The facts without these sets, and without what could not be read.

    Where a listing of objects is forgotten, the checks of all objects are as well: they are asked for of the
    objects that there are. What is known of the permissions of those objects is `known_permissions`.
    """
    marked = {kind for kind, one in marks if not one}
    forgotten = {one.kind for one in at_level(Level.PROJECT) if _is_refused(_fact(facts, one.kind))}
    forgotten |= {kind for kind in marked if BY_KIND[kind].level is Level.PROJECT}
    if forgotten & set(LISTINGS.values()):
        forgotten.add(FactKind.CHECKS)
    unasked: dict[str, Any] = {kind.name.lower(): not_asked() for kind in forgotten}
    facts = replace(facts, **unasked) if unasked else facts
    gone = set(marks)
    for permission, listing in LISTINGS.items():
        objects = protected(facts, permission)
        kept = tuple(
            replace(one, open_to_all_pipelines=not_asked())
            if _is_refused(one.open_to_all_pipelines) or gone & {(permission, ""), (permission, one.id)}
            else one
            for one in objects
        )
        if kept != objects:
            values: dict[str, Any] = {listing.name.lower(): Fact.read(kept)}
            facts = replace(facts, **values)
    return facts


def known_permissions(
    facts: ProjectFacts, marks: Iterable[Mark]
) -> Mapping[tuple[FactKind, str], Fact[bool]]:
    """Pipeline permissions that were read and still hold, by kind and id of the object."""
    gone = set(marks)
    return {
        (kind, one.id): one.open_to_all_pipelines
        for kind in LISTINGS
        if (kind, "") not in gone
        for one in protected(facts, kind)
        if (kind, one.id) not in gone and one.open_to_all_pipelines.value is not None
    }


def _fact(facts: OrganizationFacts | ProjectFacts, kind: FactKind) -> Fact[object]:
    fact: Fact[object] = getattr(facts, kind.name.lower())
    return fact


def _is_refused(fact: Fact[T]) -> bool:
    return fact.failure is not None and not is_unasked(fact)


class Plan:
    """What a set of rules needs, at the cheapest level, each fact set once."""

    def __init__(self, rules: Iterable[Rule], thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        chosen = tuple(rules)
        self._rules = {
            one.kind: tuple(rule for rule in chosen if one.kind in rule.needs) for one in FACT_SETS
        }

    def of_organization(self) -> tuple[FactKind, ...]:
        """What to read of the organization, in this order."""
        return tuple(one.kind for one in at_level(Level.ORGANIZATION) if self._rules[one.kind])

    def left_of_organization(self, facts: OrganizationFacts) -> tuple[FactKind, ...]:
        """What was not asked yet of it, and could still settle something."""
        return tuple(
            kind
            for kind in self.of_organization()
            if is_unasked(getattr(facts, kind.name.lower()))
            and (kind is not FactKind.ALERTS or _looks_anywhere(facts))
        )

    def next_fact(self, facts: ProjectFacts) -> FactKind | None:
        """The next fact set that was not asked yet and could still turn an *unknown* into an answer.

        Nothing is asked that cannot change a verdict: no policies where there is no branch to protect, no
        settings of a project where the organization's settle it, no permission of an object that no rule
        wants to know.
        """
        for one in FACT_SETS:
            if one.level is Level.PROJECT:
                fact: Fact[object] = getattr(facts, one.kind.name.lower())
                if not is_unasked(fact) or (one.kind is FactKind.CHECKS and not _guarded(facts)):
                    continue
                if self._undecided(facts, one.kind):
                    return one.kind
            elif one.level is Level.OBJECT and self.objects(facts, one.kind):
                return one.kind
        return None

    def objects(self, facts: ProjectFacts, kind: FactKind) -> tuple[str, ...]:
        """Ids of the objects whose pipeline permission was not asked yet and would settle something."""
        unasked = [one.id for one in protected(facts, kind) if is_unasked(one.open_to_all_pipelines)]
        if not unasked:
            return ()
        undecided = {
            resource.id
            for rule in self._rules[kind]
            for resource, verdict in verdicts_of(rule, facts, self._thresholds)
            if verdict.status is AssessmentStatus.UNKNOWN
        }
        return tuple(one for one in unasked if f"{facts.project.id}/{one}" in undecided)

    def _undecided(self, facts: ProjectFacts, kind: FactKind) -> bool:
        return any(
            verdict.status is AssessmentStatus.UNKNOWN
            for rule in self._rules[kind]
            for _, verdict in verdicts_of(rule, facts, self._thresholds)
        )
