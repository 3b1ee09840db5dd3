"""Tables of the SQLite state, as numbered migrations. A migration that was released is never edited."""

from __future__ import annotations

APPLICATION_ID = 0x41444F43
"""Marks the file as ours (`PRAGMA application_id`), so that another program's database is never touched."""

_FIRST = """
CREATE TABLE connectors (
    id TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE claims (
    tenant TEXT NOT NULL,
    organization TEXT NOT NULL,
    connector TEXT NOT NULL,
    PRIMARY KEY (tenant, organization)
) WITHOUT ROWID;
CREATE INDEX claims_by_connector ON claims (connector);

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    name_key TEXT NOT NULL,
    instance_key TEXT NOT NULL,
    account_key TEXT NOT NULL,
    merged INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
-- The same organization is never recorded twice, however many handlers discover it at once.
CREATE UNIQUE INDEX organizations_by_instance ON organizations (tenant, instance_key)
    WHERE merged = 0 AND instance_key <> '';
CREATE UNIQUE INDEX organizations_by_account ON organizations (tenant, account_key)
    WHERE merged = 0 AND account_key <> '';
CREATE UNIQUE INDEX organizations_by_name ON organizations (tenant, name_key)
    WHERE merged = 0 AND instance_key = '' AND account_key = '';

CREATE TABLE enrollments (
    connector TEXT NOT NULL,
    organization TEXT NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (connector, organization)
) WITHOUT ROWID;
CREATE INDEX enrollments_by_organization ON enrollments (organization);

CREATE TABLE projects (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    visibility TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    missing_since TEXT,
    missing_reason TEXT NOT NULL,
    retired_at TEXT,
    last_seen TEXT,
    PRIMARY KEY (organization, id)
) WITHOUT ROWID;

CREATE TABLE repositories (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    default_branch TEXT,
    is_disabled INTEGER NOT NULL,
    is_fork INTEGER NOT NULL,
    url TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    missing_since TEXT,
    missing_reason TEXT NOT NULL,
    retired_at TEXT,
    last_seen TEXT,
    PRIMARY KEY (organization, id)
) WITHOUT ROWID;

CREATE TABLE prerequisites (
    organization TEXT NOT NULL,
    connector TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, connector)
) WITHOUT ROWID;

CREATE TABLE extensions (
    organization TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;

-- `dropped` rows stay, so that a revision is never used twice and an old lease never fits new work.
-- `asked_for` is the earliest time that was asked for while the work was being done.
CREATE TABLE work (
    organization TEXT NOT NULL,
    kind TEXT NOT NULL,
    due_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    queued_at TEXT,
    leased_until TEXT,
    leased_by TEXT NOT NULL DEFAULT '',
    attempt INTEGER NOT NULL DEFAULT 0,
    failures_in_a_row INTEGER NOT NULL DEFAULT 0,
    checkpoint TEXT NOT NULL DEFAULT '',
    not_before TEXT,
    last_success TEXT,
    last_failure TEXT,
    last_failure_at TEXT,
    asked_for TEXT,
    dropped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization, kind)
) WITHOUT ROWID;

CREATE TABLE assessments (
    organization TEXT NOT NULL,
    resource_kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    project TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, resource_kind, resource_id)
) WITHOUT ROWID;
CREATE INDEX assessments_by_project ON assessments (organization, project);

CREATE TABLE assessed (
    organization TEXT NOT NULL,
    project TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (organization, project)
) WITHOUT ROWID;

-- AUTOINCREMENT: an id is never given twice, so a reader may remember how far it has come.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    connector TEXT,
    organization TEXT,
    subject TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL
);
CREATE INDEX journal_by_organization ON journal (organization);
CREATE INDEX journal_by_event ON journal (event);

CREATE TABLE throttles (
    key TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
"""

_SECOND = """
-- Sums of what was assessed, written with the rows that they count.
ALTER TABLE assessed ADD COLUMN findings TEXT NOT NULL DEFAULT '{}';
CREATE TABLE posture_totals (
    organization TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
-- What was assessed before they were there is assessed anew, and counted.
UPDATE work SET due_at = '1970-01-01T00:00:00.000000+00:00' WHERE kind = 'posture' AND dropped = 0;

CREATE TABLE repository_counts (
    organization TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;

-- What a listing that was cut has read so far.
CREATE TABLE partials (
    organization TEXT NOT NULL,
    kind TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (organization, kind)
) WITHOUT ROWID;

-- Since when work fails: the first of the failures in a row. What failed before is known of its last only.
ALTER TABLE work ADD COLUMN failing_since TEXT;
UPDATE work SET failing_since = last_failure_at WHERE failures_in_a_row > 0;
"""

_SIGN_INS = """
-- Sealed tokens of people who signed in. Their keys are elsewhere.
CREATE TABLE sign_ins (
    name TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
"""

_EXEMPTIONS = """
CREATE TABLE exemptions (
    id TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
"""

_HISTORY = """
-- One small row for each change of a status, numbered by organization.
CREATE TABLE status_changes (
    organization TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, sequence)
) WITHOUT ROWID;
CREATE INDEX status_changes_by_resource ON status_changes (organization, resource_id);
"""

_MAPPINGS = """
CREATE TABLE graph_nodes (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- One row for each source's word; the indexes give the newest edges of either end first.
CREATE TABLE graph_edges (
    id INTEGER PRIMARY KEY,
    start_kind TEXT NOT NULL,
    start_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    end_kind TEXT NOT NULL,
    end_key TEXT NOT NULL,
    source TEXT NOT NULL,
    detail TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (start_key, end_key, kind, source, detail, start_kind, end_kind)
);
CREATE INDEX graph_edges_out ON graph_edges (start_key, start_kind, seen_at, id);
CREATE INDEX graph_edges_in ON graph_edges (end_key, end_kind, seen_at, id);

-- Hashes of tokens and of the reports that came with them, until the tokens have expired.
CREATE TABLE report_receipts (
    token TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    forget_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX report_receipts_old ON report_receipts (forget_at);
"""

_NOTIFIED = """
-- How far the changes of an organization were told outside.
CREATE TABLE notified (
    organization TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
"""

_FACTS = """
-- What was read of each project at the last refresh, for the one that reads only what has changed.
CREATE TABLE facts (
    organization TEXT NOT NULL,
    project TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (organization, project)
) WITHOUT ROWID;
"""

_REPOSITORIES_BY_PROJECT = """
-- A page of one project's repositories, without looking through those of the others.
CREATE INDEX repositories_by_project ON repositories (organization, project, id);
"""

_STATUSES = """
-- What the rules said of each resource without why, for whoever looks at all resources at once.
CREATE TABLE statuses (
    organization TEXT NOT NULL,
    resource_kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    project TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, resource_kind, resource_id)
) WITHOUT ROWID;
CREATE TEMPORARY VIEW told AS
SELECT organization, resource_kind, resource_id, project, typeof(document) AS type, json_object(
    'resource', json_extract(CAST(document AS TEXT), '$.resource'),
    'statuses', (
        SELECT json_group_object(key, json_extract(value, '$.verdict.status'))
        FROM json_each(CAST(document AS TEXT), '$.assessments')
    )
) AS document
FROM assessments;
-- A document with a name that is no text in UTF-8 is kept as bytes.
INSERT INTO statuses
SELECT
    organization, resource_kind, resource_id, project,
    CASE type WHEN 'blob' THEN CAST(document AS BLOB) ELSE document END
FROM told;
DROP VIEW told;
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _SECOND,
    _SIGN_INS,
    _EXEMPTIONS,
    _HISTORY,
    _NOTIFIED,
    _FACTS,
    _MAPPINGS,
    _REPOSITORIES_BY_PROJECT,
    _STATUSES,
)
"""Migration N takes the schema from version N - 1 to version N."""

VERSION_TABLE = "schema_version"
