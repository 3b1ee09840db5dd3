"""A state with nothing wrong in it, that a test may spoil."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from azure.data.tables import TableClient, UpdateMode

from handlers.mend_state import Outcome, Person
from handlers.verify_state import repair_state, verify_state
from local.ado_simulator import Simulator, World
from shared.model.ids import OrganizationId
from shared.model.inventory import Repository
from shared.model.record import KeptWork, Record, RecordKind
from shared.model.work import WorkKind
from shared.ports import State
from shared.reconcile.consistency.everybody import Longest
from shared.reconcile.consistency.findings import Code
from tests.azurite.server import Azurite
from tests.scenarios.bench import Bench, ManualClock

LEASE = timedelta(minutes=12)
LONGEST = Longest(LEASE)
ANA = Person("vm/1/1", "ana")
STORES = ("sqlite", "tables")


@dataclass
class Place:
    """A state with nothing wrong in it, that a test may spoil."""

    url: str
    state: State
    clock: ManualClock
    world: World
    simulator: Simulator
    folder: Path
    azurite: Azurite

    def found(self) -> list[tuple[Code, str]]:
        return [(one.code, one.what) for one, _ in verify_state(self.state, self.clock.now(), LONGEST)]

    def mend(self) -> list[tuple[Code, Outcome]]:
        return [(one.code, told) for one, told in repair_state(self.state, self.clock, LONGEST, ANA)]

    def run(self, days: int = 1) -> None:
        bench = Bench(
            self.world,
            self.simulator,
            self.folder,
            state_url=self.url,
            queue_url=f"sqlite:///{self.folder}/queue.db",
        )
        bench.clock.time = self.clock.time
        for _ in range(days):
            bench.run()
        bench.runtime.close()
        self.clock.time = bench.clock.time

    # --- what is planted --------------------------------------------------------------------------------

    @property
    def organization(self) -> OrganizationId:
        return next(one.id for one in self.state.organizations() if one.name == "contoso")

    def all(self, kind: RecordKind) -> list[Record]:
        """Of everybody's kinds, or of the organization."""
        every = [one for one in self.state.records_of_everybody() if one.kind is kind]
        return every or list(self.state.records_of(self.organization, (kind,)))

    def one(self, kind: RecordKind, *start: str) -> Record:
        return next(one for one in self.all(kind) if one.key[: len(start)] == start)

    def put(self, record: Record, value: object) -> None:
        assert self.state.replace_record(record, value)

    def work(self, kind: WorkKind) -> Record:
        return self.one(RecordKind.WORK, kind.value, self.organization)

    def edit_work(self, kind: WorkKind, **changes: Any) -> None:
        record = self.work(kind)
        assert isinstance(record.value, KeptWork)
        self.put(record, replace(record.value, work=replace(record.value.work, **changes)))

    def alive(self) -> Record:
        return next(
            one
            for one in self.all(RecordKind.REPOSITORY)
            if isinstance(one.value, Repository) and one.value.retired_at is None
        )

    def spoil(self, table: str, row: str) -> None:
        """Write what no version ever wrote, past the program."""
        if self.url.startswith("sqlite"):
            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
                done = connection.execute(
                    f"UPDATE {table} SET document = '{{' WHERE organization = ?",  # noqa: S608
                    (self.organization,),
                )
                assert done.rowcount >= 1
            connection.close()
            return
        with self.table() as client:
            entity = client.get_entity(f"organization:{self.organization}", row)
            client.update_entity(
                {**{k: entity[k] for k in ("PartitionKey", "RowKey")}, "document": "{"}, UpdateMode.REPLACE
            )

    def execute(self, statement: str, *values: object) -> None:
        """Change rows of the file, past the program."""
        with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
            assert connection.execute(statement, values).rowcount, "nothing was changed"
        connection.close()

    def table(self) -> TableClient:
        return TableClient.from_connection_string(self.azurite.connection_string, self.url.rpartition("/")[2])

    def lose_change_row(self, number: int) -> None:
        """Lose one of the table's rows of changes of status."""
        with self.table() as client:
            condition = (
                f"PartitionKey eq 'organization:{self.organization}'"
                " and RowKey ge 'change:' and RowKey lt 'change;'"
            )
            rows = sorted(one["RowKey"] for one in client.query_entities(condition))
            client.delete_entity(f"organization:{self.organization}", rows[number])
