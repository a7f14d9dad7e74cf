-- What people ask devices to do. args and result are JSON as they came; number counts the commands of a device; a command is open
-- while ended_at is NULL.
CREATE TABLE commands (
    serial      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    device      TEXT NOT NULL,
    number      INTEGER NOT NULL,
    command     TEXT NOT NULL,
    args        TEXT,
    created_by  TEXT,
    created_at  INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    state       TEXT NOT NULL,
    sent_at     INTEGER,
    sent_count  INTEGER NOT NULL,
    accepted_at INTEGER,
    ended_at    INTEGER,
    result      TEXT,
    reason      TEXT,
    job         TEXT,
    next_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX commands_open ON commands (device, number) WHERE ended_at IS NULL;
CREATE INDEX commands_due ON commands (next_at) WHERE ended_at IS NULL;
CREATE INDEX commands_new ON commands (serial) WHERE ended_at IS NULL;
CREATE INDEX commands_by_device ON commands (device, serial);
CREATE INDEX commands_by_job ON commands (job, serial) WHERE job IS NOT NULL;
CREATE INDEX commands_ended ON commands (ended_at) WHERE ended_at IS NOT NULL;

-- Commands to many devices that were made together. stop_after: after so many failures those that wait are cancelled.
CREATE TABLE command_jobs (
    id         TEXT PRIMARY KEY NOT NULL,
    devices    TEXT NOT NULL,
    command    TEXT NOT NULL,
    made       INTEGER NOT NULL,
    per_minute INTEGER,
    stop_after INTEGER,
    created_by TEXT,
    created_at INTEGER NOT NULL,
    stopped_at INTEGER
) STRICT;

-- What a device should be and what it says that it is, as JSON; and the number of its last command. The version and the number never go
-- back, so that a row outlives its document.
CREATE TABLE twins (
    device           TEXT PRIMARY KEY NOT NULL,
    last_number      INTEGER NOT NULL,
    desired          TEXT,
    version          INTEGER NOT NULL,
    desired_at       INTEGER,
    reported         TEXT,
    reported_version INTEGER,
    reported_at      INTEGER
) STRICT;

-- How many commands were made and how they ended; the others are open.
CREATE TABLE command_counts (
    id        INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    made      INTEGER NOT NULL,
    done      INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    expired   INTEGER NOT NULL,
    cancelled INTEGER NOT NULL
) STRICT;
INSERT INTO command_counts (id, made, done, failed, expired, cancelled) VALUES (1, 0, 0, 0, 0, 0);
