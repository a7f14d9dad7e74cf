-- Times are microseconds since 1970 in UTC.

-- AUTOINCREMENT: the number of a series that was removed is never given to another one.
CREATE TABLE series (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    metric TEXT NOT NULL,
    UNIQUE (device, metric)
) STRICT;

-- The key is what makes two readings one. The value is part of it on purpose: two readings that differ in nothing
-- but the value are two readings. A key has no NULL: where boot or seq is -1 there is none.
CREATE TABLE readings (
    series      INTEGER NOT NULL REFERENCES series (id),
    measured_at INTEGER NOT NULL,
    boot        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    value       REAL    NOT NULL,
    unit        TEXT,
    received_at INTEGER NOT NULL,
    stored_at   INTEGER NOT NULL,
    PRIMARY KEY (series, measured_at, boot, seq, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejected (
    id          INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    topic       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    payload     BLOB    NOT NULL
) STRICT;

-- Finds a repetition, the newest and the oldest. The payload is left out: it may have 64 KiB, and hardly ever are two
-- rejections the same but for it.
CREATE INDEX rejected_by_time ON rejected (received_at, topic, reason);

-- One row. Counting the rejected rows would read an index from end to end, and anyone can make it long.
CREATE TABLE totals (
    rejected INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (0);

CREATE TRIGGER rejected_added AFTER INSERT ON rejected BEGIN
    UPDATE totals SET rejected = rejected + 1;
END;
CREATE TRIGGER rejected_removed AFTER DELETE ON rejected BEGIN
    UPDATE totals SET rejected = rejected - 1;
END;

-- stored_at: when the last change of the incident was kept; its age for retention.
CREATE TABLE incidents (
    id             TEXT    NOT NULL PRIMARY KEY,
    rule           TEXT    NOT NULL,
    device         TEXT    NOT NULL,
    metric         TEXT    NOT NULL,
    opened_at      INTEGER NOT NULL,
    value          REAL    NOT NULL,
    unit           TEXT,
    resolved_at    INTEGER,
    resolved_value REAL,
    stored_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX incidents_by_subject ON incidents (rule, device, metric, opened_at);
CREATE INDEX incidents_open_first ON incidents (resolved_at IS NULL, opened_at);
CREATE INDEX incidents_by_age ON incidents (stored_at) WHERE resolved_at IS NOT NULL;

-- The ids are the order in which the mails were asked for.
CREATE TABLE mails (
    id         INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    incident   TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('opened', 'resolved')),
    recipients TEXT NOT NULL,
    sent_at    INTEGER
) STRICT;

CREATE INDEX mails_of_incident ON mails (incident);
CREATE INDEX mails_owed ON mails (id) WHERE sent_at IS NULL;
