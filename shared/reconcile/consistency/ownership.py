"""What is wrong with who holds an organization, and what each connector makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from shared.model.ids import ConnectorId, OrganizationId
from shared.model.organization import Enrollment, OnboardingCause, OnboardingState
from shared.model.record import Claim, Record, RecordKind
from shared.model.work import WorkKind
from shared.reconcile.consistency.everybody import Everybody
from shared.reconcile.consistency.findings import Code, Finding, LookAgain, Replace


def of_nobody(all_: Everybody, record: Record) -> Finding | None:
    """An enrollment under the name of nobody: wanted by nobody, whether or not it can be read."""
    if record.kind is not RecordKind.ENROLLMENT:
        return None
    organization, connector = OrganizationId(record.key[0]), ConnectorId(record.key[1])
    what = f"The enrollment of organization {organization} with connector {connector} is of"
    away = Replace(record, None)
    if connector not in all_.connectors and not all_.is_unreadable(RecordKind.CONNECTOR):
        told = f"{what} a connector that is not there."
        return Finding(Code.ENROLLMENT_OF_NO_CONNECTOR, told, away, organization)
    if organization not in all_.organizations and not all_.is_unreadable(RecordKind.ORGANIZATION):
        told = f"{what} an organization that is not known."
        return Finding(Code.ENROLLMENT_OF_NO_ORGANIZATION, told, away, organization)
    return None


def claims(all_: Everybody, now: datetime) -> Iterator[Finding]:
    """Claims that nobody can have."""
    for organization, records in all_.claims.items():
        for record in records:
            holder = record.value.connector if isinstance(record.value, Claim) else ConnectorId("")
            told = f"The claim of connector {holder} on organization {organization}"
            away = Replace(record, None)
            enrollment = all_.enrollments.get((organization, holder))
            if holder not in all_.connectors:
                if not all_.is_unreadable(RecordKind.CONNECTOR):
                    what = f"{told} is of a connector that is not there."
                    yield Finding(Code.CLAIM_OF_NO_CONNECTOR, what, away, organization)
            elif organization not in all_.organizations:
                if not all_.is_unreadable(RecordKind.ORGANIZATION):
                    what = f"{told} is on an organization that is not known."
                    yield Finding(Code.CLAIM_OF_NO_ORGANIZATION, what, away, organization)
            elif record.key[0] != (tenant := all_.organizations[organization].tenant):
                what = f"{told} is of tenant {record.key[0]}, and the organization of {tenant}."
                yield Finding(Code.CLAIM_OF_OTHER_TENANT, what, away, organization)
            elif enrollment is None:
                if not all_.is_unreadable(RecordKind.ENROLLMENT):
                    what = f"{told} has no enrollment beside it."
                    yield Finding(Code.CLAIM_WITHOUT_ENROLLMENT, what, away, organization)
            elif (
                isinstance(enrollment.value, Enrollment)
                and enrollment.value.state is not OnboardingState.ONBOARDED
                and all_.is_whole(enrollment.value, now)
            ):
                what = f"{told} stands, and its enrollment says {enrollment.value.state.value}."
                cure = LookAgain(organization, WorkKind.PREREQUISITES)
                yield Finding(Code.HELD_BUT_NOT_ONBOARDED, what, cure, organization)


def enrollments(all_: Everybody, now: datetime) -> Iterator[Finding]:
    """Enrollments of nobody, or that contradict who holds the organization."""
    for (organization, connector), record in all_.enrollments.items():
        told = f"The enrollment of organization {organization} with connector {connector}"
        if connector not in all_.connectors and all_.is_unreadable(RecordKind.CONNECTOR):
            continue  # it may be the one that cannot be read
        if (nobody := of_nobody(all_, record)) is not None:
            yield nobody
        elif (
            isinstance(record.value, Enrollment)
            and organization in all_.organizations
            and all_.is_whole(record.value, now)
            and not all_.is_unreadable(RecordKind.CLAIM)
        ):
            state = record.value.state
            if state is OnboardingState.ONBOARDED and not holds(all_, organization, connector):
                reason = "It was onboarded without being held by the connector; it is checked again."
                cure = Replace(record, _pending(record.value, reason, now))
                what = f"{told} says that it is onboarded, and the connector does not hold it."
                yield Finding(Code.ONBOARDED_WITHOUT_CLAIM, what, cure, organization)
            elif (
                state is OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR
                and not all_.claims.get(organization)
                and not any(
                    _may_take(one.value) for one in all_.enrollments_of(organization) if one is not record
                )
                and all_.organizations[organization].merged_into is None
            ):
                reason = "It was told as held by another connector, and none held it; it is checked again."
                cure = Replace(record, _pending(record.value, reason, now))
                what = f"{told} says that another connector holds it, and none does."
                yield Finding(Code.HELD_BY_NOBODY, what, cure, organization)


def _may_take(enrollment: object) -> bool:
    """Whether the next check of its prerequisites may have the connector hold the organization."""
    return (
        isinstance(enrollment, Enrollment)
        and enrollment.cause is not OnboardingCause.HELD_ELSEWHERE
        and enrollment.cause is not OnboardingCause.NOT_WANTED
    )


def _pending(enrollment: Enrollment, reason: str, now: datetime) -> Enrollment:
    """The enrollment as it waits for its prerequisites."""
    return replace(
        enrollment,
        state=OnboardingState.NOT_ONBOARDED,
        cause=OnboardingCause.PENDING,
        reason=reason,
        fix="Wait for the next check of its prerequisites.",
        changed_at=now,
        revision=enrollment.revision + 1,
    )


def holds(all_: Everybody, organization: OrganizationId, connector: ConnectorId) -> bool:
    """Whether the connector holds the organization."""
    return any(
        isinstance(one.value, Claim) and one.value.connector == connector
        for one in all_.claims.get(organization, ())
    )


def prerequisites(all_: Everybody, record: Record) -> Iterator[Finding]:
    """Prerequisites of nobody."""
    organization, connector = OrganizationId(record.key[0]), ConnectorId(record.key[1])
    gone = connector not in all_.connectors and not all_.is_unreadable(RecordKind.CONNECTOR)
    lost = organization not in all_.organizations and not all_.is_unreadable(RecordKind.ORGANIZATION)
    if gone or lost:
        what = (
            f"Prerequisites are kept of organization {organization} and connector {connector}, "
            f"and the {'connector' if gone else 'organization'} is not there."
        )
        yield Finding(Code.PREREQUISITES_OF_NOBODY, what, Replace(record, None), organization)
