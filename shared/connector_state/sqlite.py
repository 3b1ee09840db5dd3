"""The connector state on a SQLite file: embedded, for one machine."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from shared.connector_state.assessments import AssessmentsPart
from shared.connector_state.connectors import ConnectorsPart
from shared.connector_state.database import BUSY_SECONDS, Database
from shared.connector_state.exemptions import ExemptionsPart
from shared.connector_state.inventory import InventoryPart
from shared.connector_state.journal import JournalPart
from shared.connector_state.mappings import MappingsPart
from shared.connector_state.organizations import OrganizationsPart
from shared.connector_state.partials import PartialsPart
from shared.connector_state.records import RecordsPart
from shared.connector_state.sign_ins import SignInsPart
from shared.connector_state.soundness import SoundnessPart
from shared.connector_state.throttles import ThrottlesPart
from shared.connector_state.work import WorkPart


class SqliteConnectorState(
    ConnectorsPart,
    OrganizationsPart,
    InventoryPart,
    PartialsPart,
    WorkPart,
    AssessmentsPart,
    ExemptionsPart,
    JournalPart,
    ThrottlesPart,
    SignInsPart,
    MappingsPart,
    RecordsPart,
    SoundnessPart,
):
    """`shared.ports.State` on one file.

    Safe for threads and processes of one machine. The file must be on a local disk: write-ahead logging
    needs memory that all its users share, which network file systems do not have. A write waits up to
    `busy_seconds` for another process's, and is then `StateUnavailable`.
    """

    def __init__(self, path: Path, *, setting: str = "STATE_URL", busy_seconds: float = BUSY_SECONDS) -> None:
        super().__init__(Database(path, setting=setting, busy_seconds=busy_seconds))

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def close(self) -> None:
        """Let go of the file. A listing that is being read ends first."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
