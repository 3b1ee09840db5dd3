"""Reads what the identity is and may do in an organization: at most seven requests, each may fail alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from shared.model.facts import Fact
from shared.model.failure import ServiceError, Throttled, Transient
from shared.model.identity import NOT_ASKED, Connection, IdentityRights
from shared.ports import AzureDevOps

T = TypeVar("T")


def read_identity_rights(ado: AzureDevOps, organization: str, *, everything: bool = True) -> IdentityRights:
    """Gather the facts behind the prerequisites.

    Requests: 7 with `everything`; else 4, for what decides which projects and repositories the identity sees.
    1 more where the page of the policies does not tell them; 1 in all where the first is refused.

    Raises `Throttled`, and `Transient` when not even the connection could be read: those pass by themselves
    and say nothing about rights. Everything else is kept as the reason why a fact is unread.
    """
    connection: Fact[Connection]
    try:
        connection = Fact.read(ado.connection(organization))
    except (Throttled, Transient):
        raise
    except ServiceError as error:
        connection = Fact.unread(error.failure)
    here = connection.value
    if here is None:
        failure = connection.failure or NOT_ASKED
        return IdentityRights(
            connection=connection,
            administrator=Fact.unread(failure),
            groups=Fact.unread(failure),
            entitlement=Fact.unread(failure),
            policies=Fact.unread(failure),
            audit_log=Fact.unread(failure),
            advanced_security=Fact.unread(failure),
        )
    rights = IdentityRights(
        connection=connection,
        administrator=_read(lambda: ado.collection_permission(organization)),
        groups=_read(lambda: ado.group_sids(organization, here.subject_descriptor)),
        entitlement=_read(lambda: ado.entitlement(organization, here)),
        policies=Fact.unread(NOT_ASKED),
    )
    if not everything:
        return rights
    return replace(
        rights,
        policies=_read(lambda: ado.policies(organization)),
        audit_log=_read(lambda: ado.audit_log_has_entries(organization)),
        advanced_security=_read(lambda: ado.advanced_security(organization)),
    )


def _read(call: Callable[[], T]) -> Fact[T]:
    try:
        return Fact.read(call())
    except Throttled:
        raise
    except ServiceError as error:
        return Fact.unread(error.failure)
