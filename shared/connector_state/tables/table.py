"""One table: reading, and writing several entities of one partition as one, with lost answers told apart.

A write that was sent and not answered may have happened. Every conditional write therefore carries a `nonce`
of its own: when a repetition is refused, the stored nonce tells whether it was refused by its own first try.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shared.connector_state.place import StateUrlError
from shared.connector_state.tables.account import Account
from shared.connector_state.tables.keys import Value
from shared.ports import StateConflict, StateUnavailable

if TYPE_CHECKING:
    from azure.data.tables import TableClient

BATCH_MOST: Final = 100
"""Entities that one transaction of Table Storage takes."""
BYTES_MOST: Final = 1_500_000
"""Of documents in one transaction; Table Storage takes four megabytes with everything around."""

_TRIES: Final = 4
"""How often a transaction is sent whose answer was lost. Everything else is retried by the Azure client."""

_CHANGES_MOST: Final = 60
"""How often a change is decided again because others changed the entity meanwhile."""

_ABSENT, _CHANGED, _EXISTS = 404, 412, 409
_UNAUTHENTICATED, _FORBIDDEN = 401, 403
_PAGE: Final = 1_000

NONCE: Final = "nonce"


class Refused(Exception):
    """A condition of a write did not hold; nothing of the transaction took effect."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A stored entity: its row key, its properties and the tag that changes with each write."""

    row: str
    values: Mapping[str, Value]
    etag: str

    def text(self, name: str) -> str:
        """A property as text; empty when it has none."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else str(value)

    def number(self, name: str) -> int:
        """A property as a whole number; 0 when it has none."""
        value = self.values.get(name, 0)
        return int(value) if isinstance(value, (int, str)) else 0


@dataclass(frozen=True, slots=True)
class Put:
    """Write an entity whole, whether or not there is one."""

    row: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Insert:
    """Write an entity that must not be there."""

    row: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replace:
    """Write an entity whole that must be as it was read."""

    row: str
    values: Mapping[str, Value]
    etag: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an entity; with a tag, only as it was read. In a transaction it must be there."""

    row: str
    etag: str = ""


Operation = Put | Insert | Replace | Delete


class Table:
    """The table behind a state. Safe for threads, and opened anew after a fork."""

    def __init__(self, account: Account, *, setting: str) -> None:
        self.where = account.where
        self._account = account
        self._setting = setting
        self._lock = threading.Lock()
        self._client: TableClient | None = None
        self._pid = os.getpid()
        self._closed = False

    def create(self) -> None:
        """Create the table unless it is there. Raises `StateUrlError` when it cannot be used at all."""
        from azure.core.exceptions import (  # noqa: PLC0415 - only where the URL asks for it
            AzureError,
            ResourceExistsError,
        )

        try:
            with self._calling() as client:
                client.create_table()
        except ResourceExistsError:
            return
        except AzureError as error:
            if getattr(error, "status_code", None) in {_UNAUTHENTICATED, _FORBIDDEN}:
                raise StateUrlError(self._not_allowed(error)) from error
            raise self._unavailable(error) from error
        except ValueError as error:
            raise StateUrlError(f"{self._setting}: {self.where} cannot be used ({error}).") from error

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._closed = True
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    # --- reading ------------------------------------------------------------------------------------------

    def get(self, partition: str, row: str) -> Entity | None:
        """One entity, or None."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        with self._answering() as client:
            try:
                found = client.get_entity(partition, row)
            except ResourceNotFoundError:
                return None
            return _entity(found)

    def query(
        self, partition: str, rows: tuple[str, str], *, page: int = _PAGE, select: Sequence[str] = ()
    ) -> Iterator[Entity]:
        """Every entity of a range of rows (from, up to but without), in order of row, over all pages."""
        yield from self._query(
            "PartitionKey eq @partition and RowKey ge @begin and RowKey lt @end",
            {"partition": partition, "begin": rows[0], "end": rows[1]},
            page,
            ["RowKey", *select] if select else None,
        )

    def query_partitions(
        self,
        partitions: tuple[str, str],
        rows: tuple[str, str],
        *,
        page: int = _PAGE,
        select: Sequence[str] = (),
    ) -> Iterator[Entity]:
        """As `query`, over a range of partitions (from, up to but without), in their order."""
        yield from self._query(
            "PartitionKey ge @first and PartitionKey lt @last and RowKey ge @begin and RowKey lt @end",
            {"first": partitions[0], "last": partitions[1], "begin": rows[0], "end": rows[1]},
            page,
            ["RowKey", *select] if select else None,
        )

    def _query(
        self, condition: str, parameters: dict[str, str], page: int, select: list[str] | None
    ) -> Iterator[Entity]:
        with self._answering() as client:
            found = iter(
                client.query_entities(condition, parameters=parameters, results_per_page=page, select=select)
            )
        while True:
            # Asked for one by one, so that what the reader does in between is not taken for our failure.
            with self._answering():
                one = next(found, None)
            if one is None:
                return
            yield _entity(one)

    # --- writing ------------------------------------------------------------------------------------------

    def put(self, partition: str, row: str, values: Mapping[str, Value]) -> None:
        """Write one entity whole, whether or not there is one."""
        from azure.data.tables import UpdateMode  # noqa: PLC0415

        with self._answering() as client:
            client.upsert_entity(_plain(partition, row, values), mode=UpdateMode.REPLACE)

    def delete(self, partition: str, row: str) -> None:
        """Delete one entity, if it is there."""
        with self._answering() as client:
            client.delete_entity(partition, row)

    def transact(self, partition: str, operations: Sequence[Operation]) -> Mapping[str, str]:
        """All of the operations or none; gives the new tag of each row that was written.

        Raises `Refused` when a condition did not hold. That may be the echo of its own first try, whose
        answer was lost: whoever writes conditionally asks the nonce.
        """
        from azure.core.exceptions import HttpResponseError, ServiceResponseError  # noqa: PLC0415
        from azure.data.tables import TableTransactionError  # noqa: PLC0415

        if not operations:
            return {}
        if len(operations) > BATCH_MOST:
            raise ValueError(f"a transaction has at most {BATCH_MOST} operations, not {len(operations)}")
        if len(operations) == 1:
            return self._single(partition, operations[0])
        batch = [_operation(partition, one) for one in operations]
        for left in reversed(range(_TRIES)):
            with self._answering() as client:
                try:
                    answers = client.submit_transaction(batch)
                except TableTransactionError as error:
                    if error.status_code in {_ABSENT, _EXISTS, _CHANGED}:
                        raise Refused(f"a condition did not hold ({error.status_code})") from error
                    if not left or not _passes(error):
                        raise
                    continue
                except (ServiceResponseError, HttpResponseError) as error:
                    if not left or not _passes(error):
                        raise
                    continue
                return {
                    one.row: str(answer.get("etag") or "")
                    for one, answer in zip(operations, answers, strict=True)
                }
        raise AssertionError  # the last try has raised or returned

    def _single(self, partition: str, one: Operation) -> Mapping[str, str]:
        """One operation by itself, which costs half of what a transaction does."""
        from azure.core.exceptions import (  # noqa: PLC0415
            ResourceExistsError,
            ResourceModifiedError,
            ResourceNotFoundError,
            ServiceResponseError,
        )

        kind, entity, options = _operation(partition, one)
        for left in reversed(range(_TRIES)):
            with self._answering() as client:
                calls: dict[str, Callable[..., Any]] = {
                    "upsert": client.upsert_entity,
                    "create": client.create_entity,
                    "update": client.update_entity,
                    "delete": client.delete_entity,
                }
                try:
                    answer = calls[kind](entity, **options)
                except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
                    raise Refused(f"a condition did not hold ({error.status_code})") from error
                except ServiceResponseError:
                    if not left:
                        raise
                    continue
                return {one.row: str((answer or {}).get("etag") or "")}
        raise AssertionError  # the last try has raised or returned

    def change(
        self,
        partition: str,
        row: str,
        decide: Callable[[Entity | None], Mapping[str, Value] | None],
        also: Sequence[Operation] = (),
    ) -> bool:
        """Read an entity, decide what it becomes, and write that if it is still as it was read.

        `decide` is asked again when others changed it meanwhile. None leaves everything as it is, and so does
        whatever it raises. `also` is written in the same transaction. Says whether anything was written.
        """
        nonce = uuid.uuid4().hex
        for _ in range(_CHANGES_MOST):
            stored = self.get(partition, row)
            if stored is not None and stored.values.get(NONCE) == nonce:
                return True
            values = decide(stored)
            if values is None:
                return False
            written = {**values, NONCE: nonce}
            first = Insert(row, written) if stored is None else Replace(row, written, stored.etag)
            try:
                self.transact(partition, [first, *also])
            except Refused:
                continue
            return True
        raise StateConflict(f"{row} in {self.where} is changed by others all the time.")

    # --- calling ------------------------------------------------------------------------------------------

    @contextmanager
    def _calling(self) -> Iterator[TableClient]:
        with self._lock:
            if self._closed:
                raise StateUnavailable("The connector state is closed.")
            if self._pid != os.getpid():
                self._client, self._pid = None, os.getpid()
            if self._client is None:
                self._client = self._account.open()
            client = self._client
        yield client

    @contextmanager
    def _answering(self) -> Iterator[TableClient]:
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        with self._calling() as client:
            try:
                yield client
            except AzureError as error:
                raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StateUnavailable:
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415

        status = getattr(error, "status_code", None)
        if status is None and isinstance(error, ClientAuthenticationError) and not self._account.has_key:
            # The credential's, whose own words tell of every way that it tried.
            return StateUnavailable(f"{self._setting}: there is no token for {self.where}. {self._fix()}")
        if status in {_UNAUTHENTICATED, _FORBIDDEN} or isinstance(error, ClientAuthenticationError):
            return StateUnavailable(self._not_allowed(error))
        told = f"it answered {status}" if status else type(error).__name__
        code = getattr(error, "error_code", None)
        return StateUnavailable(
            f"The connector state in {self.where} does not answer: {told}{f' ({code})' if code else ''}. "
            f"Check {self._setting} and the way there, or try again."
        )

    def _fix(self) -> str:
        connection, by_identity, _ = self._setting.partition("__")
        return self._account.sign_in.fix(*([f"{connection}__clientId"] if by_identity else []))

    def _not_allowed(self, error: Exception) -> str:
        status = getattr(error, "status_code", None)
        if self._account.has_key:
            return (
                f"{self._setting}: {self.where} refuses the key ({status or type(error).__name__}). Copy the "
                "connection string anew."
            )
        return (
            f"{self._setting}: {self.where} refuses {self._account.sign_in.whom} "
            f"({status or type(error).__name__}). Give it the role 'Storage Table Data Contributor' on the "
            "storage account; a new role takes up to ten minutes to hold."
        )


def weight_of(values: Mapping[str, Value]) -> int:
    """About how many bytes of a transaction these properties take."""
    return sum(len(one) for one in values.values() if isinstance(one, (str, bytes)))


def _passes(error: Exception) -> bool:
    """Whether the same transaction may be sent again: its answer was lost, or the server was busy."""
    status = getattr(error, "status_code", None)
    return status is None or status in {408, 429, 500, 502, 503, 504}


def _plain(partition: str, row: str, values: Mapping[str, Value]) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": row, **values}


def _operation(partition: str, one: Operation) -> tuple[str, dict[str, Any], dict[str, Any]]:
    from azure.core import MatchConditions  # noqa: PLC0415
    from azure.data.tables import UpdateMode  # noqa: PLC0415

    if isinstance(one, Put):
        return "upsert", _plain(partition, one.row, one.values), {"mode": UpdateMode.REPLACE}
    if isinstance(one, Insert):
        return "create", _plain(partition, one.row, one.values), {}
    condition = {"etag": one.etag, "match_condition": MatchConditions.IfNotModified} if one.etag else {}
    if isinstance(one, Delete):
        return "delete", _plain(partition, one.row, {}), condition
    return "update", _plain(partition, one.row, one.values), {"mode": UpdateMode.REPLACE, **condition}


def _entity(found: Mapping[str, Any]) -> Entity:
    metadata = getattr(found, "metadata", None) or {}
    return Entity(found["RowKey"], found, str(metadata.get("etag") or ""))
