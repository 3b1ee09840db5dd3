"""Reads what the identity is and may do in an organization: five requests, each allowed to fail alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared.model.facts import Fact
from shared.model.failure import Failure, FailureKind, ServiceError, Throttled, Transient
from shared.model.identity import Connection, IdentityRights
from shared.ports import AzureDevOps

T = TypeVar("T")

_NOT_ASKED = Failure(
    FailureKind.DENIED, "NotAsked", "It was not asked, since the organization could not be reached."
)


def read_identity_rights(ado: AzureDevOps, organization: str, *, policies: bool = True) -> IdentityRights:
    """Gather the facts behind the prerequisites.

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
        failure = connection.failure or _NOT_ASKED
        return IdentityRights(
            connection, Fact.unread(failure), Fact.unread(failure), Fact.unread(failure), Fact.unread(failure)
        )
    return IdentityRights(
        connection=connection,
        administrator=_read(lambda: ado.collection_permission(organization)),
        groups=_read(lambda: ado.group_sids(organization, here.subject_descriptor)),
        entitlement=_read(lambda: ado.entitlement(organization, here)),
        policies=_read(lambda: ado.policies(organization)) if policies else Fact.unread(_NOT_ASKED),
    )


def _read(call: Callable[[], T]) -> Fact[T]:
    try:
        return Fact.read(call())
    except Throttled:
        raise
    except ServiceError as error:
        return Fact.unread(error.failure)
