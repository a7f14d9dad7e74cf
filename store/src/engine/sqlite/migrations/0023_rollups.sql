-- What the readings of a series come to. width: 3,600 or 86,400 seconds from `start` on, in UTC. squares: the sum of the
-- squares of the distances from the mean.
CREATE TABLE rollups (
    series  INTEGER NOT NULL,
    width   INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    min     REAL    NOT NULL,
    max     REAL    NOT NULL,
    mean    REAL    NOT NULL,
    squares REAL    NOT NULL,
    first   REAL    NOT NULL,
    last    REAL    NOT NULL,
    PRIMARY KEY (series, width, start)
) STRICT, WITHOUT ROWID;

-- The minutes of an hour that has many readings.
CREATE TABLE minute_rollups (
    series  INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    minutes BLOB    NOT NULL,
    PRIMARY KEY (series, start)
) STRICT, WITHOUT ROWID;

-- Where rollups do not hold: readings came or went since. No series: in all of them.
CREATE TABLE rollup_marks (
    id      INTEGER PRIMARY KEY,
    series  INTEGER,
    from_at INTEGER NOT NULL,
    to_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX rollup_marks_by_series ON rollup_marks (series);

-- One row. rolled_until: what was measured from here on is not summed up yet. marked_until: who changes what was measured
-- before makes a mark. version: grows with each change of rollups.
CREATE TABLE rollup_progress (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    rolled_until INTEGER NOT NULL,
    marked_until INTEGER NOT NULL,
    version      INTEGER NOT NULL
) STRICT;
INSERT INTO rollup_progress VALUES (1, -377705023201000000, -377705023201000000, 0);

-- What was counted of the numbered readings of a device. width: as in rollups. runs: numbers without a gap.
CREATE TABLE ledger_rollups (
    device    TEXT    NOT NULL,
    width     INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    boot      INTEGER NOT NULL,
    readings  INTEGER NOT NULL,
    delayed   INTEGER NOT NULL,
    oldest_at INTEGER NOT NULL,
    newest_at INTEGER NOT NULL,
    runs      BLOB    NOT NULL,
    PRIMARY KEY (width, start, device, boot)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_rollups_by_device ON ledger_rollups (device, width, start);

-- Where that does not hold: what the readings come to has changed since.
CREATE TABLE ledger_marks (
    id      INTEGER PRIMARY KEY,
    device  TEXT    NOT NULL,
    from_at INTEGER NOT NULL,
    to_at   INTEGER NOT NULL
) STRICT;
