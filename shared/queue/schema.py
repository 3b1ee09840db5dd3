"""Tables of the embedded queue, as numbered migrations. A migration that was released is never edited."""

from __future__ import annotations

APPLICATION_ID = 0x41444F43
"""Marks the file as ours (`PRAGMA application_id`); the connector state may share the file and its mark."""

_FIRST = """
-- state: ready, scheduled, locked or dead. available_at: when a scheduled message is due or a lock runs out.
-- AUTOINCREMENT: a sequence number is never given twice.
CREATE TABLE queue_messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    available_at TEXT,
    message_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    properties TEXT NOT NULL,
    body BLOB NOT NULL,
    enqueued_at TEXT NOT NULL,
    delivery_count INTEGER NOT NULL DEFAULT 0,
    lock_token TEXT,
    locked_by TEXT,
    dead_reason TEXT NOT NULL DEFAULT '',
    dead_description TEXT NOT NULL DEFAULT '',
    dead_at TEXT
);
-- One index per state: receiving costs the same however many messages wait for their time.
CREATE INDEX queue_ready ON queue_messages (queue, sequence) WHERE state = 'ready';
CREATE INDEX queue_scheduled ON queue_messages (queue, available_at) WHERE state = 'scheduled';
CREATE INDEX queue_locked ON queue_messages (queue, available_at) WHERE state = 'locked';
CREATE INDEX queue_timed ON queue_messages (available_at) WHERE available_at IS NOT NULL;
CREATE INDEX queue_dead ON queue_messages (queue, sequence) WHERE state = 'dead';
"""

_SECOND = """
-- How often the process died that had the message: it may be to blame, or somebody may have stopped it.
ALTER TABLE queue_messages ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND)
"""Migration N takes the schema from version N - 1 to version N."""

VERSION_TABLE = "queue_schema_version"
"""Not the connector state's table: both may live in one file and change at their own pace."""
