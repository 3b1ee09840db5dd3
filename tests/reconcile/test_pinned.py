"""What is decided about organizations, prerequisites, the extension and what vanished, to the letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from shared.model.connector import AuthKind, Connector, ConnectorOptions, DiscoveryMode
from shared.model.extension import ExtensionState
from shared.model.fact import Fact
from shared.model.failure import Failure, FailureKind
from shared.model.identity import (
    Account,
    Connection,
    ExtensionLook,
    ExtensionOffer,
    ExtensionRequests,
    IdentityRights,
)
from shared.model.ids import TenantId
from shared.model.inventory import Project, Repository
from shared.model.organization import OnboardingCause, OnboardingState
from shared.model.prerequisite import PrerequisiteStatus
from shared.reconcile import extension, inventory, prerequisites
from shared.reconcile.work import failed
from tests.pinned import Answers, pinned, plain
from tests.reconcile import test_extension as of_extension
from tests.reconcile import test_inventory as of_inventory
from tests.reconcile import test_organizations as of_organizations
from tests.reconcile import test_prerequisites as of_prerequisites
from tests.reconcile import test_work as of_work

FILE = Path(__file__).parent / "pinned.json"
NOW = of_prerequisites.NOW
HOUR = timedelta(hours=1)
GONE = Failure(FailureKind.GONE, "NotAMember", "It is not there.", "Look for it.")
REFUSED = Failure(FailureKind.DENIED, "SignInEnded", "The sign-in ended.", "Sign in.")


# --- prerequisites ----------------------------------------------------------------------------------------


def variants() -> Iterator[tuple[str, IdentityRights]]:
    """The rights of somebody who may do everything, each time with one thing different."""
    usual = replace(of_prerequisites.RIGHTS, audit_log=Fact.read(True), advanced_security=Fact.read(True))
    connection, basic = of_prerequisites.CONNECTION, of_prerequisites.BASIC
    failures = {
        "forbidden": of_prerequisites.FORBIDDEN,
        "passing": of_prerequisites.PASSING,
        "gone": GONE,
        "refused": REFUSED,
    }
    values: Mapping[str, Mapping[str, object]] = {
        "connection": {
            "ours": replace(connection, tenant=of_prerequisites.OURS),
            "theirs": replace(connection, tenant=of_prerequisites.THEIRS),
            "microsoft account": Connection(connection.instance_id, "me", "msa.abc", "Ana"),
            "service principal": Connection(connection.instance_id, "me", "aadsp.abc", "App"),
        },
        "administrator": {"no": False},
        "groups": {"none": frozenset[str](), "others": frozenset({"S-1-9-1"})},
        "entitlement": {
            "stakeholder": replace(basic, account_license="stakeholder", display_name="Stakeholder"),
            "subscriber": replace(
                basic, account_license="none", licensing_source="msdn", msdn_license="enterprise"
            ),
            "disabled": replace(basic, status="disabled"),
            "odd": replace(basic, account_license="odd", display_name=""),
        },
        "policies": {
            "oauth off": of_prerequisites.oauth(value=True, effective=False).value,
            "oauth untold": of_prerequisites.oauth(value=None, effective=None).value,
        },
        "audit_log": {"empty": False},
        "advanced_security": {},
    }
    yield "everything", usual
    for name, some in values.items():
        for word, value in some.items():
            yield f"{name} {word}", replace(usual, **{name: Fact.read(value)})  # type: ignore[arg-type]
        for word, failure in failures.items():
            yield f"{name} {word}", replace(usual, **{name: Fact.unread(failure)})
    nobody = replace(usual, administrator=Fact.read(False), groups=Fact.unread(of_prerequisites.FORBIDDEN))
    yield "no administrator as far as told", nobody
    yield "not asked", replace(of_prerequisites.RIGHTS)


def judged(rights: IdentityRights, kind: AuthKind, tenant: str) -> object:
    found = prerequisites.judge(rights, (), kind, NOW, tenant=TenantId(tenant))
    return found, prerequisites.decide_onboarding(of_prerequisites.connector(), found)


OF_PREREQUISITES: Answers = {
    f"prerequisites: {name}, {kind.value}, {where}": partial(judged, rights, kind, tenant)
    for name, rights in variants()
    for kind, where, tenant in (
        (AuthKind.USER, "our tenant", of_prerequisites.OURS),
        (AuthKind.SERVICE_PRINCIPAL, "a domain", "contoso.com"),
    )
}


# --- the extension ----------------------------------------------------------------------------------------


LOOKS: Mapping[str, ExtensionLook] = {
    "there": of_extension.there(),
    "disabled": of_extension.there("disabled"),
    "reauthorize": of_extension.there("needsReauthorization"),
    "error": of_extension.there("error", issues=("It is broken.",)),
    "warning": of_extension.there("warning", issues=("Old.", "Slow.")),
    "old": of_extension.there(updated_at=NOW - timedelta(days=400), published_at=NOW - timedelta(days=90)),
    "unshared": of_extension.UNSHARED,
    "shared": of_extension.SHARED,
    "refusing": ExtensionLook(
        None,
        Fact.read(ExtensionOffer(is_shared=True, refusal="Ask your administrator.")),
        Fact.read(ExtensionRequests()),
    ),
    "requested": ExtensionLook(
        None,
        Fact.read(ExtensionOffer(is_shared=True)),
        Fact.read(ExtensionRequests(waiting=2, since=NOW - HOUR)),
    ),
    "rejected": ExtensionLook(
        None, Fact.read(ExtensionOffer(is_shared=True)), Fact.read(ExtensionRequests(rejected=1))
    ),
    "untold": of_extension.UNTOLD,
}
CONNECTORS: Mapping[str, Connector] = {
    "installing": of_extension.INSTALLING,
    "looking": of_extension.CONNECTOR,
    "another's": replace(
        of_extension.CONNECTOR,
        options=ConnectorOptions(install_extension=True, extension_publisher="contoso", extension_name="own"),
    ),
}


def looked(first: str, then: str, connector: Connector) -> object:
    """What is made of two looks, a day apart, and of what is done between them."""
    before = extension.judge(LOOKS[first], connector, None, NOW)
    wish = extension.decide(before, LOOKS[first], connector, NOW)
    done: ExtensionState = extension.begun(before, wish, NOW) if wish.install else before
    later = NOW + timedelta(days=1)
    after = extension.judge(LOOKS[then], connector, done, later)
    again = extension.decide(after, LOOKS[then], connector, later)
    by_hand = extension.decide(after, LOOKS[then], connector, later, person="ana")
    told = extension.changes(before, after, connector, of_extension.ORGANIZATION, later)
    return before, wish, after, again, by_hand, told, extension.left_alone(after, again, connector)


OF_EXTENSION: Answers = {
    f"extension: {first}, then {then}, {name}": partial(looked, first, then, connector)
    for first, then in product(("there", "shared", "unshared"), LOOKS)
    for name, connector in CONNECTORS.items()
    if name == "installing" or first == "there"
}


# --- what vanished ----------------------------------------------------------------------------------------


def vanished() -> tuple[Repository | Project, ...]:
    row, owner = of_inventory.repository(), of_inventory.project(9)
    missing = {"missing_since": of_inventory.T0 - timedelta(days=40), "missing_reason": "It was not listed."}
    return (
        row,
        replace(row, **missing),  # type: ignore[arg-type]
        replace(row, is_disabled=True, **missing),  # type: ignore[arg-type]
        replace(row, is_disabled=True, missing_since=of_inventory.T0),
        replace(row, last_seen=None),
        owner,
        replace(owner, **missing),  # type: ignore[arg-type]
    )


def settled(row: Repository | Project, evidence: str, rights: str, around: str) -> object:
    told = {
        "nothing": inventory.Evidence(),
        "readable": inventory.Evidence(readable={row.id}),
        "deleted": inventory.Evidence(deleted={row.id}),
        "hidden": inventory.Evidence(hidden={row.id: "Read is denied."}, readable={row.id}),
        "alive": inventory.Evidence(alive={row.id}, deleted={row.id}),
    }[evidence]
    held = {
        "held": of_inventory.rights(),
        "unknown": of_inventory.rights(PrerequisiteStatus.UNKNOWN),
        "lost": of_inventory.rights(PrerequisiteStatus.NOT_MET, since=of_inventory.T0 + HOUR),
        "new": of_inventory.rights(since=of_inventory.T0 + HOUR),
    }[rights]
    project = frozenset({row.project_id}) if isinstance(row, Repository) else frozenset[str]()
    organization, now = of_inventory.ORGANIZATION, of_inventory.T0 + 2 * HOUR
    if isinstance(row, Project):
        return inventory.settle(organization, [row], told, held, now)
    return inventory.settle(
        organization,
        [row],
        told,
        held,
        now,
        retired_projects=project if around == "deleted" else frozenset(),
        missing_projects=project if around == "missing" else frozenset(),
    )


OF_VANISHED: Answers = {
    f"vanished: {number}, {evidence}, {rights}, project {around}": partial(
        settled, row, evidence, rights, around
    )
    for number, row in enumerate(vanished())
    for evidence, rights, around in product(
        ("nothing", "readable", "deleted", "hidden", "alive"),
        ("held", "unknown", "lost", "new"),
        ("there", "deleted", "missing"),
    )
    if around == "there" or (evidence == "readable" and number < 2)
}


# --- organizations and work -------------------------------------------------------------------------------


def discovered(owner: Connector, known: str, enrolled: str, holder: str, account: Account | None) -> object:
    record = of_organizations.organization("contoso", account_id="1" if known == "by id" else "")
    made = {
        "new": None,
        "pending": of_organizations.enrollment(),
        "onboarded": of_organizations.enrollment(
            state=OnboardingState.ONBOARDED, cause=OnboardingCause.PREREQUISITES, in_baseline=True
        ),
        "failing": of_organizations.enrollment(
            cause=OnboardingCause.PREREQUISITES, reason="No right.", fix="Get it.", listed=False
        ),
        "removed": of_organizations.enrollment(removed_by="ana", in_baseline=True),
        "forced": of_organizations.enrollment(forced_by="ana"),
    }[enrolled]
    other = of_organizations.connector(name="other")
    holders = {"nobody": {}, "us": {record.id: owner}, "another": {record.id: other}}[holder]
    return of_organizations.plan(
        owner,
        (account,) if account else (),
        known=() if known == "unknown" else (record,),
        enrollments=(made,) if made is not None else (),
        holders=holders,
    )


OWNERS: Mapping[str, Connector] = {
    "all": of_organizations.connector(),
    "existing": of_organizations.connector(DiscoveryMode.EXISTING),
    "existing, first": of_organizations.connector(DiscoveryMode.EXISTING, baseline_at=None),
    "selected": of_organizations.connector(DiscoveryMode.SELECTED, organizations=("fabrikam",)),
    "excluding": of_organizations.connector(excluded=("cont*",)),
}
ACCOUNTS: Mapping[str, Account | None] = {
    "listed": Account("1", "contoso"),
    "renamed": Account("1", "Contoso-Labs"),
    "unlisted": None,
}
OF_ORGANIZATIONS: Answers = {
    f"organization: {owner}, {known}, {enrolled}, held by {holder}, {account}": partial(
        discovered, OWNERS[owner], known, enrolled, holder, ACCOUNTS[account]
    )
    for owner, known, enrolled, holder, account in product(
        OWNERS,
        ("unknown", "by name", "by id"),
        ("new", "pending", "onboarded", "failing", "removed", "forced"),
        ("nobody", "us", "another"),
        ACCOUNTS,
    )
    if (known != "unknown" or enrolled == "new") and (account == "listed" or owner == "all")
    if holder == "nobody" or enrolled in {"pending", "onboarded"}
}


def work_failed(kind: FailureKind, failures: int, *, hint: bool) -> object:
    failure = Failure(kind, "Code", "So.", retry_at=NOW + 3 * HOUR if hint else None)
    work = replace(of_work.WORK, failures_in_a_row=failures, checkpoint="p7", due_at=NOW - HOUR)
    return failed(work, failure, NOW, 6 * HOUR, timedelta(minutes=1), 2 * HOUR)


OF_WORK: Answers = {
    f"work: {kind.value} for the time {failures}{', with a hint' if hint else ''}": partial(
        work_failed, kind, failures, hint=hint
    )
    for kind, failures, hint in product(FailureKind, (0, 1, 5, 40), (False, True))
}

ANSWERS: Answers = {**OF_PREREQUISITES, **OF_EXTENSION, **OF_VANISHED, **OF_ORGANIZATIONS, **OF_WORK}


@pytest.mark.parametrize("some", ["prerequisites", "extension", "vanished", "organization", "work"])
def test_is_decided_to_the_letter(some: str) -> None:
    kept = pinned(FILE)
    for name, answer in ANSWERS.items():
        if name.startswith(some):
            assert plain(answer()) == kept[name], name


def test_nothing_is_pinned_that_nobody_decides() -> None:
    assert set(pinned(FILE)) == set(ANSWERS)
