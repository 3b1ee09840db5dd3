"""What is wrong with organizations, exemptions, and the names that tell one from another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from shared.model.exemption import Exemption
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.organization import Enrollment, OnboardingCause, Organization
from shared.model.record import Record, RecordKind
from shared.reconcile.consistency.everybody import Everybody
from shared.reconcile.consistency.findings import Code, Discover, Finding, Replace
from shared.reconcile.organizations import ended_by_merge


def exemption(all_: Everybody, record: Record, exemption: Exemption) -> Iterator[Finding]:
    """An exemption of nothing."""
    organization = exemption.target.organization
    if (
        organization is not None
        and organization not in all_.organizations
        and not all_.is_unreadable(RecordKind.ORGANIZATION)
    ):
        what = f"The exemption {exemption.id} is of organization {organization}, which is not known."
        yield Finding(Code.EXEMPTION_OF_NO_ORGANIZATION, what, Replace(record, None), organization)
    elif not all_.readers.has_rule(exemption.scope.rule):
        what = f"The exemption {exemption.id} is of rule {exemption.scope.rule}, which there is not."
        yield Finding(Code.EXEMPTION_OF_NO_RULE, what, Replace(record, None), organization)


def organization(all_: Everybody, record: Record, organization: Organization) -> Iterator[Finding]:
    """An organization that is merged into nothing."""
    into = organization.merged_into
    if into is None or all_.is_unreadable(RecordKind.ORGANIZATION):
        return
    if into != organization.id and into in all_.organizations:
        return
    # One with the same ids stays the same organization, and two of them may not be told.
    same = next(
        (
            one.id
            for one in all_.organizations.values()
            if one.id != organization.id and one.merged_into is None and _is_same(one, organization)
        ),
        None,
    )
    what = f"Organization {organization.id} is told as merged into {into}, which is no other that is known."
    true = replace(organization, merged_into=same, revision=organization.revision + 1)
    yield Finding(Code.MERGED_INTO_NOBODY, what, Replace(record, true), organization.id)


def names_of_organizations(all_: Everybody) -> Iterator[Finding]:
    """Organizations that are there without a name, or two of one name."""
    known: dict[tuple[str, str], OrganizationId] = {}
    for one in all_.organizations.values():
        if one.merged_into is not None or one.missing_since is not None:
            continue
        other = known.setdefault((one.tenant, one.name.casefold()), one.id)
        if not one.name.strip():
            yield Finding(Code.NAME_LACKING, f"Organization {one.id} has no name.", Discover(), one.id)
        elif other != one.id:
            what = f"Organization {one.id} has the name of {other}, which is there too: {one.name}."
            yield Finding(Code.NAME_TWICE, what, Discover(), one.id)


def names_of_connectors(all_: Everybody) -> Iterator[Finding]:
    """Two connectors of one name in one resource group: which of them is meant, a person knows."""
    known: dict[tuple[str, str, str], ConnectorId] = {}
    for one in all_.connectors.values():
        place = (one.subscription.casefold(), one.resource_group.casefold(), one.name.casefold())
        other = known.setdefault(place, one.id)
        if other != one.id:
            what = f"Connectors {other} and {one.id} have the name {one.name} in one resource group."
            fix = f"Delete the one that is not wanted, by its id: ado-connector connector delete {one.id}"
            yield Finding(Code.CONNECTOR_NAME_TWICE, what, None, fix=fix)


def merged(all_: Everybody, now: datetime) -> Iterator[Finding]:
    """Claims and enrollments of what is kept under another record."""
    for one in all_.organizations.values():
        into = all_.organizations.get(one.merged_into) if one.merged_into is not None else None
        if into is None or into.id == one.id:
            continue
        for record in all_.claims.get(one.id, ()):
            what = f"Organization {one.id} was merged into {into.id}, and is claimed still."
            yield Finding(Code.MERGED_BUT_HELD, what, Replace(record, None), one.id)
        for record in all_.enrollments_of(one.id):
            enrollment = record.value
            if (
                isinstance(enrollment, Enrollment)
                and enrollment.cause is not OnboardingCause.NOT_WANTED
                and all_.is_whole(enrollment, now)
            ):
                what = (
                    f"Organization {one.id} was merged into {into.id}, and its enrollment with connector "
                    f"{enrollment.connector} says {enrollment.state.value}."
                )
                ended = ended_by_merge(enrollment, into, now)
                true = replace(ended, revision=enrollment.revision + 1)
                yield Finding(Code.MERGED_BUT_HELD, what, Replace(record, true), one.id)


def _is_same(one: Organization, other: Organization) -> bool:
    if one.tenant != other.tenant:
        return False
    for left, right in ((one.instance_id, other.instance_id), (one.account_id, other.account_id)):
        if left and left.casefold() == right.casefold():
            return True
    return one.name.casefold() == other.name.casefold()
