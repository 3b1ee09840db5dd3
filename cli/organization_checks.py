"""What `doctor` checks of an organization: its prerequisites, judged now, and the permissions there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from cli.checks import Check, Group, Outcome, Weight, outcome_of
from cli.permission_checks import Answer, Trial, permission_checks
from shared.model.connector import Connector
from shared.model.failure import Failure, ServiceError
from shared.model.identity import IdentityRights
from shared.model.organization import Enrollment, OnboardingCause, OnboardingState
from shared.model.prerequisite import Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.model.work import WorkKind
from shared.ports import SecretUnavailable, Urgency

if TYPE_CHECKING:
    from shared.ado.azure_devops import AzureDevOpsClient
    from shared.ports import ConnectorState
    from shared.wiring.runtime import Runtime

_OUTCOMES = {
    PrerequisiteStatus.MET: Outcome.MET,
    PrerequisiteStatus.NOT_MET: Outcome.NOT_MET,
    PrerequisiteStatus.UNKNOWN: Outcome.UNKNOWN,
}

_ROWS = 20_000
"""As many assessed resources are searched for a refusal."""

_NOTHING_READ = {PrerequisiteName.MEMBERSHIP, PrerequisiteName.ORGANIZATION_ACTIVE}
"""Without these nothing of the organization can be read, whether the connector requires them or not."""

_BREAKS = {
    PrerequisiteName.MEMBERSHIP: "nothing of the organization can be read",
    PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR: (
        "some projects and settings may be hidden, and deletions take longer to prove"
    ),
    PrerequisiteName.ACCESS_LEVEL: "repositories are hidden from the identity",
    PrerequisiteName.THIRD_PARTY_OAUTH: "nothing here, with tokens of Microsoft Entra",
    PrerequisiteName.SAME_TENANT: "identities of the connector's tenant are not let in",
    PrerequisiteName.ORGANIZATION_ACTIVE: "nothing of the organization can be read",
    PrerequisiteName.AUDITING: "nothing here yet: changes are found by listing",
    PrerequisiteName.ADVANCED_SECURITY: "nothing here yet: its alerts are not shown",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """An organization as a connector's identity sees it; without an enrollment where nobody knows it yet."""

    name: str
    connector: Connector
    enrollment: Enrollment | None = None


def organization_checks(subject: Subject, runtime: Runtime) -> list[Check]:
    """All of them. Requests: 7 for the prerequisites and at most 8 for the permissions."""
    from handlers.identity_rights import read_identity_rights  # noqa: PLC0415 - heavy

    connector = subject.connector
    client = runtime.factory.connect(connector.identity, connector.tenant, Urgency.URGENT)
    try:
        rights = read_identity_rights(client, subject.name)
        return [*_onboarding(subject), *_of_rights(subject, rights, client, runtime)]
    except SecretUnavailable as error:
        return [_not_looked_at(subject, str(error), "Make the secret available, as it says.")]
    except ServiceError as error:
        failure = error.failure
        return [_not_looked_at(subject, failure.reason, failure.fix, failure.code)]


def not_looked_at(subject: Subject, failure: Failure) -> Check:
    """For an organization of an identity that does not even sign in."""
    return _not_looked_at(subject, f"It was not looked at: {failure.reason}", failure.fix, failure.code)


def _not_looked_at(subject: Subject, evidence: str, fix: str, code: str = "SecretUnavailable") -> Check:
    return Check(
        "organization",
        Group.PREREQUISITES,
        "organization",
        Outcome.UNKNOWN,
        evidence,
        "nothing can be told of its prerequisites and permissions",
        fix,
        weight=Weight.BLOCKING,
        code=code,
        connector=subject.connector.name,
        organization=subject.name,
    )


def _onboarding(subject: Subject) -> Iterator[Check]:
    """What the last check made of it, which may be older than what follows."""
    enrollment = subject.enrollment
    onboarded = enrollment is not None and enrollment.state is OnboardingState.ONBOARDED
    if enrollment is None:
        evidence, fix = "The connector has not found it yet.", f'To take it now: "{_TAKE} {subject.name}".'
    elif onboarded:
        evidence, fix = "The connector has it.", ""
    elif enrollment.cause is OnboardingCause.NOT_WANTED:
        evidence, fix = enrollment.reason, enrollment.fix
    else:
        evidence = enrollment.reason or "Its prerequisites were not checked yet."
        fix = f'It is onboarded by itself once they are met; to hurry: "{_TAKE} {subject.name}".'
    yield Check(
        "onboarding",
        Group.PREREQUISITES,
        "onboarded",
        Outcome.MET if onboarded else Outcome.NOT_MET,
        evidence,
        "its projects and repositories are not listed",
        fix,
        weight=Weight.INFORMATIONAL,
        connector=subject.connector.name,
        organization=subject.name,
    )


_TAKE = "ado-connector organizations onboard"


def _of_rights(
    subject: Subject, rights: IdentityRights, client: AzureDevOpsClient, runtime: Runtime
) -> Iterator[Check]:
    from shared.reconcile.prerequisites import diagnosis, judge  # noqa: PLC0415 - heavy

    connector, state, now = subject.connector, runtime.state, runtime.clock.now()
    failure = rights.connection.failure
    code = diagnosis(failure, connector.tenant) if failure is not None else ""
    judged = judge(rights, (), connector.identity.kind, now, tenant=connector.tenant)
    # What shuts the identity out explains why the others are unknown: it comes first.
    for one in sorted(
        judged, key=lambda one: failure is None or one.status is not PrerequisiteStatus.NOT_MET
    ):
        yield _prerequisite(subject, one, code)
    (access_level,) = (one for one in judged if one.name is PrerequisiteName.ACCESS_LEVEL)
    trial = Trial(client, subject.name, connector, rights, access_level, partial(_known, subject, state))
    yield from permission_checks(trial)


def _known(subject: Subject, state: ConnectorState, permission: str) -> Answer:
    """What work and assessments were last refused for want of the permission."""
    fix = f"Grant it. It takes: {permission}."
    if subject.enrollment is None:
        return Answer(Outcome.UNKNOWN, "It was never needed yet: the organization is not known.", fix)
    organization = subject.enrollment.organization
    work = state.work(organization=organization)
    for one in work:
        failure = one.last_failure
        if failure is not None and failure.permission == permission:
            return Answer(outcome_of(failure), failure.reason, failure.fix or fix, failure.code)
    assessed = next((one.last_success for one in work if one.kind is WorkKind.POSTURE), None)
    if assessed is None:
        return Answer(Outcome.UNKNOWN, "It was never needed yet: nothing was assessed.", fix)
    for row in islice(state.assessments(organization), _ROWS):
        for each in row.assessments.values():
            if each.verdict.permission == permission:
                return Answer(Outcome.NOT_MET, f"The last assessment: {each.verdict.reason}", fix)
    return Answer(Outcome.MET, f"The assessment of {assessed:%Y-%m-%d %H:%M} UTC was refused nothing for it.")


def _prerequisite(subject: Subject, one: Prerequisite, code: str) -> Check:
    from shared.reconcile.prerequisites import TITLES  # noqa: PLC0415 - heavy

    is_required = one.name in subject.connector.options.required_prerequisites
    breaks = _BREAKS[one.name]
    return Check(
        f"prerequisite.{one.name.value}",
        Group.PREREQUISITES,
        TITLES[one.name],
        _OUTCOMES[one.status],
        one.evidence,
        f"it is required: without it the organization is not onboarded; {breaks}" if is_required else breaks,
        one.fix,
        one.warning,
        weight=Weight.BLOCKING if is_required or one.name in _NOTHING_READ else Weight.INFORMATIONAL,
        code="" if one.status is PrerequisiteStatus.MET else code,
        connector=subject.connector.name,
        organization=subject.name,
    )
