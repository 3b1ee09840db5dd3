"""What is wrong with the place that the state is kept in."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.storage import StorageProblem, StorageTrouble
from shared.reconcile.consistency.findings import Code, Finding, MendStorage

_CODES: Mapping[StorageTrouble, Code] = {
    StorageTrouble.DAMAGED: Code.FILE_DAMAGED,
    StorageTrouble.LACKING: Code.SCHEMA_LACKING,
    StorageTrouble.STRAY: Code.ROW_OF_NOTHING,
}


def storage_finding(problem: StorageProblem) -> Finding:
    """What is wrong with the file or the table itself."""
    cure = MendStorage(problem.name) if problem.name else None
    return Finding(_CODES[problem.trouble], problem.what, cure, fix=problem.fix)
