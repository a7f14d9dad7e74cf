-- The journal of an edge: each new reading has a number, in the order in which they were stored. A row holds the keys of
-- consecutive ones, packed. stored_at: when the last of them was stored.
CREATE TABLE journal (
    first     INTEGER PRIMARY KEY,
    count     INTEGER NOT NULL,
    keys      BLOB    NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;

-- One row once there was an uplink. is_on: 1 while readings get numbers.
CREATE TABLE journal_run (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    run   TEXT    NOT NULL,
    is_on INTEGER NOT NULL
) STRICT;

-- How far the uplink has come. done: nothing is to be sent any more; gone: of these, such as never arrived.
CREATE TABLE journal_progress (
    state TEXT    NOT NULL CHECK (state IN ('done', 'gone')),
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    PRIMARY KEY (state, first)
) STRICT, WITHOUT ROWID;

-- What edges have forwarded here, and what they say of their journals.
CREATE TABLE uplink_runs (
    edge           TEXT    NOT NULL,
    run            TEXT    NOT NULL,
    last           INTEGER NOT NULL,
    unsent         INTEGER NOT NULL,
    told_at        INTEGER NOT NULL,
    heard_at       INTEGER NOT NULL,
    first_heard_at INTEGER NOT NULL,
    PRIMARY KEY (edge, run)
) STRICT;

CREATE TABLE uplink_ranges (
    edge  TEXT    NOT NULL,
    run   TEXT    NOT NULL,
    state TEXT    NOT NULL CHECK (state IN ('arrived', 'deleted', 'refused')),
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    PRIMARY KEY (edge, run, state, first)
) STRICT, WITHOUT ROWID;
