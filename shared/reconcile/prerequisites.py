"""What the identity's rights mean for the prerequisites, and the prerequisites for onboarding."""

from __future__ import annotations

import base64
import struct
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.model.connector import AuthKind, Connector
from shared.model.facts import Fact
from shared.model.failure import Failure, FailureKind
from shared.model.identity import Entitlement, IdentityRights, PolicyValue
from shared.model.ids import NO_TENANT, OrganizationId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import OnboardingCause, OnboardingState, Organization
from shared.model.prerequisite import INFORMATIONAL, Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.reconcile.organizations import Decision

OAUTH_POLICY = "Policy.DisallowOAuthAuthentication"
AUDIT_POLICY = "Policy.LogAuditEvents"

TITLES = {
    PrerequisiteName.MEMBERSHIP: "membership of the organization",
    PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR: "Project Collection Administrator",
    PrerequisiteName.ACCESS_LEVEL: "Basic access level",
    PrerequisiteName.THIRD_PARTY_OAUTH: "third-party application access via OAuth",
    PrerequisiteName.SAME_TENANT: "organization connected to the connector's tenant",
    PrerequisiteName.ORGANIZATION_ACTIVE: "organization active",
    PrerequisiteName.AUDITING: "auditing available",
    PrerequisiteName.ADVANCED_SECURITY: "Advanced Security readable",
}

_PAYING_LICENSES = {"express", "advanced", "professional", "earlyadopter"}
_LIVE_STATUSES = {"active", "pending"}
_NO_ID = TenantId("")


def administrators_sid(instance_id: str) -> str:
    """SID of Project Collection Administrators in the collection with this instance id.

    The four middle numbers are the big-endian words of the GUID's little-endian bytes. The last five alone
    would also match every project's own administrators, so the whole SID has to be compared.
    """
    words = struct.unpack(">4I", uuid.UUID(instance_id).bytes_le)
    return "S-1-9-1551374245-" + "-".join(str(word) for word in words) + "-0-0-0-0-1"


def administrators_descriptor(instance_id: str) -> str:
    """Graph descriptor of the same group."""
    sid = administrators_sid(instance_id).encode()
    return "vssgp." + base64.urlsafe_b64encode(sid).decode().rstrip("=")


def judge(
    rights: IdentityRights,
    known: Iterable[Prerequisite],
    identity: AuthKind,
    now: datetime,
    *,
    tenant: TenantId = _NO_ID,
) -> tuple[Prerequisite, ...]:
    """The outcome of every prerequisite, each with its evidence and its fix; `since` carries over.

    `tenant` is the connector's: the one that its identity signs in to.
    """
    before = {prerequisite.name: prerequisite for prerequisite in known}
    outcomes = (
        _membership(rights, tenant, now),
        _administrator(rights, now),
        _access_level(rights, now),
        _third_party_oauth(rights, identity, now),
        _same_tenant(rights, identity, tenant, now),
        _organization_active(rights, now),
        _auditing(rights, now),
        _advanced_security(rights, now),
    )
    return tuple(_since(outcome, before.get(outcome.name)) for outcome in outcomes)


def _since(outcome: Prerequisite, before: Prerequisite | None) -> Prerequisite:
    if before is None or before.status is not outcome.status:
        return outcome
    # Another identity sees other things, even where it passes as well.
    if outcome.name is PrerequisiteName.MEMBERSHIP and before.evidence != outcome.evidence:
        return outcome
    return replace(outcome, since=before.since)


def _outcome(
    name: PrerequisiteName,
    status: PrerequisiteStatus,
    now: datetime,
    evidence: str,
    fix: str = "",
    warning: str = "",
) -> Prerequisite:
    return Prerequisite(name, status, evidence, fix, checked_at=now, since=now, warning=warning)


def _unknown(name: PrerequisiteName, failure: Failure, now: datetime) -> Prerequisite:
    evidence = failure.reason
    fix = failure.fix
    if failure.permission and failure.permission not in fix:
        fix = f"{fix} Permission that allows it: {failure.permission}.".strip()
    return _outcome(name, PrerequisiteStatus.UNKNOWN, now, evidence, fix)


def _unread(name: PrerequisiteName, failure: Failure, now: datetime) -> Prerequisite:
    """Unknown since one fact could not be read, of an organization that lets the identity in.

    A token that is refused for one thing, and is not for others, lacks the scope for it.
    """
    told = _unknown(name, failure, now)
    if failure.code != "TokenRefused":
        return told
    fix = f"The token is taken for other things: give it the scope. It takes: {failure.permission}."
    return replace(told, fix=fix)


def _membership(rights: IdentityRights, tenant: TenantId, now: datetime) -> Prerequisite:
    name = PrerequisiteName.MEMBERSHIP
    connection = rights.connection.value
    if connection is not None:
        return _outcome(
            name,
            PrerequisiteStatus.MET,
            now,
            f"Signed in as {connection.display_name or 'an unnamed identity'} ({connection.identity_id}).",
        )
    failure = rights.connection.failure
    if (
        failure is not None
        and failure.kind in {FailureKind.DENIED, FailureKind.GONE}
        and (failure.code in NOT_A_MEMBER)
    ):
        if diagnosis(failure, tenant) == WRONG_TENANT:
            evidence = f"{failure.reason} The connector signs in to tenant {tenant}."
            return _outcome(
                name, PrerequisiteStatus.NOT_MET, now, evidence, _other_tenant(failure.tenant, tenant)
            )
        fix = _ADD_MEMBER if _is_same(failure.tenant, tenant) else failure.fix
        return _outcome(name, PrerequisiteStatus.NOT_MET, now, failure.reason, fix)
    return _unknown(name, _failure(rights), now)


WRONG_TENANT = "WrongTenant"
"""The identity signs in to another tenant than the one that the organization belongs to."""

_ADD_MEMBER = "Add the identity to the organization: Organization settings > Users > Add users."


def diagnosis(failure: Failure, tenant: TenantId) -> str:
    """The code of the failure, with *not a member* told from *signed in to another tenant*.

    Azure DevOps answers both with the same error; the tenant that it names makes the difference.
    """
    belongs_elsewhere = (
        failure.code == "NotAMember"
        and failure.tenant != NO_TENANT
        and _is_guid(failure.tenant)
        and _is_guid(tenant)
        and not _is_same(failure.tenant, tenant)
    )
    return WRONG_TENANT if belongs_elsewhere else failure.code


def _is_same(told: str, tenant: TenantId) -> bool:
    return bool(told) and told.casefold() == tenant.casefold()


def _other_tenant(theirs: str, ours: str) -> str:
    return (
        f"Sign in to tenant {theirs} instead, with a connector for that tenant. If the organization should "
        f"belong to tenant {ours}: Organization settings > Microsoft Entra > Switch directory."
    )


NOT_A_MEMBER = frozenset({"NotAMember", "OrganizationNotFound"})
"""Failure codes that say for sure that the identity is no user of the organization."""


def _failure(rights: IdentityRights) -> Failure:
    failure = rights.connection.failure
    if failure is None:
        raise ValueError("the connection was read")
    return failure


def _administrator(rights: IdentityRights, now: datetime) -> Prerequisite:
    name = PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR
    connection = rights.connection.value
    if connection is None:
        return _unknown(name, _failure(rights), now)
    effective = rights.administrator.value
    member: bool | None = None
    if rights.groups.value is not None and _is_guid(connection.instance_id):
        member = administrators_sid(connection.instance_id) in rights.groups.value
    fix = (
        f"Add {connection.display_name or connection.identity_id} to Project Collection Administrators: "
        "Organization settings > Permissions > Project Collection Administrators > Members > Add."
    )
    if effective is None:
        failure = rights.administrator.failure
        if failure is None:
            raise ValueError("an unread fact has a failure")
        return _unread(name, failure, now)
    if effective and member:
        return _outcome(
            name,
            PrerequisiteStatus.MET,
            now,
            'Member of Project Collection Administrators; "Edit instance-level information" is effective.',
        )
    if effective:
        told = "not a member of" if member is False else "membership could not be read of"
        return _outcome(
            name,
            PrerequisiteStatus.MET,
            now,
            f'"Edit instance-level information" is effective; {told} Project Collection Administrators.',
            warning=(
                "The right comes from a custom grant; taking it away stops the connector. " + fix
                if member is False
                else ""
            ),
        )
    if member:
        return _outcome(
            name,
            PrerequisiteStatus.NOT_MET,
            now,
            'Member of Project Collection Administrators, but "Edit instance-level information" is denied.',
            "Take away the explicit deny: Organization settings > Permissions > Users or Groups > "
            "Edit instance-level information.",
        )
    return _outcome(
        name,
        PrerequisiteStatus.NOT_MET,
        now,
        '"Edit instance-level information" is not effective for the identity.',
        fix,
    )


def _access_level(rights: IdentityRights, now: datetime) -> Prerequisite:
    name = PrerequisiteName.ACCESS_LEVEL
    if rights.connection.value is None:
        return _unknown(name, _failure(rights), now)
    entitlement = rights.entitlement.value
    if entitlement is None:
        failure = rights.entitlement.failure
        if failure is None:
            raise ValueError("an unread fact has a failure")
        return _unread(name, failure, now)
    evidence = (
        f"Access level {entitlement.display_name or entitlement.account_license} (accountLicenseType "
        f"{entitlement.account_license}, licensingSource {entitlement.licensing_source}, "
        f"msdnLicenseType {entitlement.msdn_license}, status {entitlement.status})."
    )
    fix = "Give it Basic or Basic + Test Plans: Organization settings > Users > Change access level."
    status = _license_status(entitlement)
    if status is PrerequisiteStatus.UNKNOWN:
        return _outcome(name, status, now, evidence + " That combination is not known to us.", fix)
    if status is PrerequisiteStatus.NOT_MET:
        return _outcome(name, status, now, evidence, fix)
    warning = "The identity never signed in to this organization." if entitlement.status == "pending" else ""
    return _outcome(name, status, now, evidence, warning=warning)


def _license_status(entitlement: Entitlement) -> PrerequisiteStatus:
    if entitlement.status not in _LIVE_STATUSES:
        return PrerequisiteStatus.NOT_MET
    if entitlement.account_license in _PAYING_LICENSES:
        return PrerequisiteStatus.MET
    # A Visual Studio subscriber has an account licence of `none` and yet full access.
    if entitlement.licensing_source == "msdn" and entitlement.msdn_license != "none":
        return PrerequisiteStatus.MET
    if entitlement.account_license in {"stakeholder", "none"}:
        return PrerequisiteStatus.NOT_MET
    return PrerequisiteStatus.UNKNOWN


def _third_party_oauth(rights: IdentityRights, identity: AuthKind, now: datetime) -> Prerequisite:
    name = PrerequisiteName.THIRD_PARTY_OAUTH
    if rights.connection.value is None:
        return _unknown(name, _failure(rights), now)
    policies = rights.policies.value
    if policies is None:
        failure = rights.policies.failure
        if failure is None:
            raise ValueError("an unread fact has a failure")
        return _unread(name, failure, now)
    policy = policies.policies.get(OAUTH_POLICY)
    where = "Organization settings > Policies > Third-party application access via OAuth."
    allowed = _oauth_allowed(policy)
    if allowed is None:
        told = (
            f"value {policy.value} and effectiveValue {policy.effective} do not agree"
            if policy is not None
            else "the organization's settings do not tell it"
        )
        return _outcome(name, PrerequisiteStatus.UNKNOWN, now, f"{OAUTH_POLICY}: {told}.", f"Look at {where}")
    evidence = f"{OAUTH_POLICY} is {str(not allowed).lower()}: access is {'on' if allowed else 'off'}."
    if allowed:
        return _outcome(name, PrerequisiteStatus.MET, now, evidence)
    note = "" if identity is AuthKind.PAT else " It does not govern Microsoft Entra tokens."
    return _outcome(
        name,
        PrerequisiteStatus.NOT_MET,
        now,
        evidence + note,
        "Only needed for apps that use Azure DevOps OAuth; security baselines recommend to keep it off. "
        f"To turn it on: {where}",
    )


def _oauth_allowed(policy: PolicyValue | None) -> bool | None:
    """On means: not disallowed. `value` is the flag of the name, `effective` the switch people see."""
    if policy is None or (policy.value is None and policy.effective is None):
        return None
    if policy.value is None:
        return policy.effective
    if policy.effective is None:
        return not policy.value
    return policy.effective if policy.effective is not policy.value else None


def _same_tenant(rights: IdentityRights, identity: AuthKind, tenant: TenantId, now: datetime) -> Prerequisite:
    name = PrerequisiteName.SAME_TENANT
    connection = rights.connection.value
    told = _failure(rights).tenant if connection is None else connection.tenant
    if told == NO_TENANT or (connection is not None and connection.is_microsoft_account):
        return _outcome(
            name,
            PrerequisiteStatus.NOT_MET,
            now,
            "The organization is connected to no Microsoft Entra tenant.",
            "Connect it: Organization settings > Microsoft Entra > Connect directory.",
        )
    if _is_guid(told) and _is_guid(tenant):
        if _is_same(told, tenant):
            evidence = f"The organization belongs to tenant {told}, which is the connector's."
            return _outcome(name, PrerequisiteStatus.MET, now, evidence)
        evidence = f"The organization belongs to tenant {told}; the connector is for tenant {tenant}."
        return _outcome(name, PrerequisiteStatus.NOT_MET, now, evidence, _other_tenant(told, tenant))
    if connection is None and not told:
        return _unknown(name, _failure(rights), now)
    if connection is not None and identity in _SIGNS_IN_TO_TENANT:
        evidence = f"The organization accepts a token of tenant {tenant}; it refuses those of any other."
        return _outcome(name, PrerequisiteStatus.MET, now, evidence)
    if told:
        evidence = f"The organization belongs to tenant {told}; the connector does not name its tenant by id."
        fix = f"Give the connector the id of its tenant; if {told} is the one, give that."
        return _outcome(name, PrerequisiteStatus.UNKNOWN, now, evidence, fix)
    return _outcome(
        name,
        PrerequisiteStatus.UNKNOWN,
        now,
        "Neither a personal access token nor the organization's answer tells the tenant.",
        "Look at Organization settings > Microsoft Entra.",
    )


_SIGNS_IN_TO_TENANT = {AuthKind.USER, AuthKind.SERVICE_PRINCIPAL, AuthKind.AZURE_CLI}
"""Identities that sign in to the tenant that the connector names. A managed identity has one of its own."""


def _organization_active(rights: IdentityRights, now: datetime) -> Prerequisite:
    name = PrerequisiteName.ORGANIZATION_ACTIVE
    if rights.connection.value is not None:
        return _outcome(name, PrerequisiteStatus.MET, now, "The organization answers.")
    failure = _failure(rights)
    if failure.code == "OrganizationStopped":
        return _outcome(name, PrerequisiteStatus.NOT_MET, now, failure.reason, failure.fix)
    return _unknown(name, failure, now)


def _auditing(rights: IdentityRights, now: datetime) -> Prerequisite:
    """Off, no permission and not connected to Microsoft Entra are three things, each with its own fix."""
    name = PrerequisiteName.AUDITING
    connection = rights.connection.value
    if connection is None:
        return _unknown(name, _failure(rights), now)
    if connection.is_microsoft_account:
        return _outcome(
            name,
            PrerequisiteStatus.NOT_MET,
            now,
            "The organization is connected to no Microsoft Entra tenant; auditing is for those that are.",
            "Connect it: Organization settings > Microsoft Entra > Connect directory.",
        )
    is_on = _is_on(rights.policies.value.policies.get(AUDIT_POLICY)) if rights.policies.value else None
    where = "Organization settings > Policies > Log Audit Events."
    if is_on is False:
        evidence = f"{AUDIT_POLICY} is false: auditing is off."
        return _outcome(name, PrerequisiteStatus.NOT_MET, now, evidence, f"Turn it on: {where}")
    has_entries = rights.audit_log.value
    if has_entries is None:
        return _refused(name, rights.audit_log, now)
    if is_on or has_entries:
        told = f"{AUDIT_POLICY} is true" if is_on else f"{AUDIT_POLICY} could not be read"
        return _outcome(name, PrerequisiteStatus.MET, now, f"The audit log can be read; {told}.")
    evidence = f"The audit log can be read and is empty, and {AUDIT_POLICY} could not be read: it may be off."
    return _outcome(name, PrerequisiteStatus.UNKNOWN, now, evidence, f"Look at {where}")


def _advanced_security(rights: IdentityRights, now: datetime) -> Prerequisite:
    name = PrerequisiteName.ADVANCED_SECURITY
    if rights.connection.value is None:
        return _unknown(name, _failure(rights), now)
    if rights.advanced_security.value:
        return _outcome(name, PrerequisiteStatus.MET, now, "Advanced Security can be read.")
    return _refused(name, rights.advanced_security, now)


def _refused(name: PrerequisiteName, fact: Fact[bool], now: datetime) -> Prerequisite:
    """Not met where the service says that the right is missing; unknown where it says anything else."""
    failure = fact.failure
    if failure is None:
        raise ValueError("an unread fact has a failure")
    told = _unread(name, failure, now)
    if failure.code in {"PermissionMissing", "TokenRefused"}:
        return replace(told, status=PrerequisiteStatus.NOT_MET)
    return told


def _is_on(policy: PolicyValue | None) -> bool | None:
    """A policy that allows something: its value is the switch. None where it is contradicted or not told."""
    if policy is None or policy.value is None:
        return policy.effective if policy is not None else None
    return policy.value if policy.effective in {None, policy.value} else None


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def decide_onboarding(connector: Connector, prerequisites: Iterable[Prerequisite]) -> Decision:
    """Whether the prerequisites allow onboarding; if not, every one that stands in the way, with its fix."""
    required = connector.options.required_prerequisites
    failing = [
        prerequisite
        for prerequisite in prerequisites
        if prerequisite.name in required and prerequisite.status is not PrerequisiteStatus.MET
    ]
    if not failing:
        return Decision(OnboardingState.ONBOARDED, OnboardingCause.PREREQUISITES)
    shown = [one for one in failing if one.status is PrerequisiteStatus.NOT_MET] or failing[:1]
    reason = " ".join(dict.fromkeys(describe(prerequisite) for prerequisite in shown))
    fix = " ".join(dict.fromkeys(prerequisite.fix for prerequisite in shown if prerequisite.fix))
    return Decision(OnboardingState.NOT_ONBOARDED, OnboardingCause.PREREQUISITES, reason, fix)


def describe(prerequisite: Prerequisite) -> str:
    """One sentence: which prerequisite, how it stands, and on what that rests."""
    title = TITLES[prerequisite.name]
    told = {
        PrerequisiteStatus.MET: f"Met: {title}.",
        PrerequisiteStatus.NOT_MET: f"Not met: {title}.",
        PrerequisiteStatus.UNKNOWN: f"Could not tell: {title}.",
    }[prerequisite.status]
    return f"{told} {prerequisite.evidence}".strip()


def changes(
    organization: Organization,
    connector: Connector,
    before: Iterable[Prerequisite],
    after: Iterable[Prerequisite],
    now: datetime,
) -> list[JournalEntry]:
    """Journal entries for prerequisites whose status changed, the first finding of a failure included."""
    known: Mapping[PrerequisiteName, Prerequisite] = {one.name: one for one in before}
    entries = []
    for prerequisite in after:
        earlier = known.get(prerequisite.name)
        if earlier is not None and earlier.status is prerequisite.status:
            continue
        if earlier is None and _is_no_news(prerequisite):
            continue
        entries.append(
            JournalEntry(
                at=now,
                event=JournalEvent.PREREQUISITE_CHANGED,
                connector=connector.id,
                organization=OrganizationId(organization.id),
                subject=prerequisite.name.value,
                subject_name=TITLES[prerequisite.name],
                before=earlier.status.value if earlier else "",
                after=prerequisite.status.value,
                reason=f"{prerequisite.evidence} {prerequisite.fix}".strip(),
            )
        )
    return entries


def _is_no_news(first: Prerequisite) -> bool:
    """What is met at the first look changed nothing; nor does what merely informs and could not be told."""
    if first.name in INFORMATIONAL:
        return first.status is not PrerequisiteStatus.NOT_MET
    return first.status is PrerequisiteStatus.MET
