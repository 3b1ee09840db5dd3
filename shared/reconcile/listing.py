"""A listing that takes more than one time slice: what one slice leaves for the next.

The checkpoint is short and is kept with the work; what was read so far is kept beside it. The checkpoint
names it by its digest: a slice that died while it wrote leaves nothing that the next would half-trust.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.ids import ProjectId
from shared.model.inventory import ObservedProject

OLDEST = timedelta(hours=6)
"""A listing that was begun longer ago is read again from its beginning."""


@dataclass(frozen=True, slots=True)
class PartialListing:
    """Projects that were listed since `began_at`, and where the listing goes on.

    `next_start` is the continuation token of the next page; empty when every page was read and what is left
    is to be written. `changed` says that an earlier slice wrote something.
    """

    began_at: datetime
    projects: tuple[ObservedProject, ...] = ()
    next_start: str = ""
    complete: bool = False
    changed: bool = False

    def content(self) -> bytes:
        """What was read, to be kept beside the checkpoint."""
        rows = [[one.id, one.name, one.state, one.visibility] for one in self.projects]
        return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 6)

    def checkpoint(self, content: bytes) -> str:
        """The short part, which names the other."""
        return json.dumps(
            {
                "beganAt": self.began_at.isoformat(),
                "projects": len(self.projects),
                "nextStart": self.next_start,
                "complete": self.complete,
                "changed": self.changed,
                "digest": _digest(content),
            }
        )


def resumed(checkpoint: str, content: bytes, now: datetime, attempt: int) -> PartialListing | None:
    """The listing that a checkpoint continues, or None when it has to be read again from its beginning.

    That is so after a slice that died (`attempt` above 1): its listing is not half-trusted. So it is when the
    listing has grown old, and when the checkpoint and what was read do not belong together.
    """
    if not checkpoint or attempt > 1:
        return None
    try:
        told = json.loads(checkpoint)
        began_at = datetime.fromisoformat(told["beganAt"])
        if told["digest"] != _digest(content) or not timedelta(0) <= now - began_at <= OLDEST:
            return None
        rows = json.loads(zlib.decompress(content))
        projects = tuple(ObservedProject(ProjectId(row[0]), row[1], row[2], row[3]) for row in rows)
        return PartialListing(
            began_at, projects, str(told["nextStart"]), bool(told["complete"]), bool(told["changed"])
        )
    except (ValueError, TypeError, LookupError, zlib.error):
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_checkpoint(text: str) -> bool:
    """Whether `PartialListing.checkpoint` wrote this."""
    try:
        told = json.loads(text)
        datetime.fromisoformat(told["beganAt"])
        return isinstance(told["digest"], str) and isinstance(told["nextStart"], str)
    except (ValueError, TypeError, LookupError):
        return False


def is_content(content: bytes) -> bool:
    """Whether `PartialListing.content` wrote this."""
    try:
        return all(len(row) == _COLUMNS for row in json.loads(zlib.decompress(content)))
    except (ValueError, TypeError, zlib.error):
        return False


_COLUMNS = 4
