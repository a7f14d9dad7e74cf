-- What the readings of a series come to. width: 3,600 or 86,400 seconds from `start` on, in UTC. squares: the sum of the
-- squares of the distances from the mean.
CREATE TABLE rollups (
    series  integer          NOT NULL,
    width   bigint           NOT NULL,
    start   timestamptz      NOT NULL,
    count   bigint           NOT NULL,
    min     double precision NOT NULL,
    max     double precision NOT NULL,
    mean    double precision NOT NULL,
    squares double precision NOT NULL,
    first   double precision NOT NULL,
    last    double precision NOT NULL,
    PRIMARY KEY (series, width, start)
);
CREATE INDEX rollups_by_start ON rollups USING brin (start) WITH (autosummarize = on);

-- The minutes of an hour that has many readings.
CREATE TABLE minute_rollups (
    series  integer     NOT NULL,
    start   timestamptz NOT NULL,
    minutes bytea       NOT NULL,
    PRIMARY KEY (series, start)
);
CREATE INDEX minute_rollups_by_start ON minute_rollups USING brin (start) WITH (autosummarize = on);

-- Where rollups do not hold: readings came or went since. No series: in all of them.
CREATE TABLE rollup_marks (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series  integer,
    from_at timestamptz NOT NULL,
    to_at   timestamptz NOT NULL
);
CREATE INDEX rollup_marks_by_series ON rollup_marks (series);

-- One row. rolled_until: what was measured from here on is not summed up yet. marked_until: who changes what was measured
-- before makes a mark. version: grows with each change of rollups.
CREATE TABLE rollup_progress (
    id           integer PRIMARY KEY CHECK (id = 1),
    rolled_until timestamptz NOT NULL,
    marked_until timestamptz NOT NULL,
    version      bigint NOT NULL
);
INSERT INTO rollup_progress VALUES (1, '-infinity', '-infinity', 0);

-- What was counted of the numbered readings of a device. width: as in rollups. runs: numbers without a gap.
CREATE TABLE ledger_rollups (
    device    text COLLATE "C" NOT NULL,
    width     bigint           NOT NULL,
    start     timestamptz      NOT NULL,
    boot      bigint           NOT NULL,
    readings  bigint           NOT NULL,
    delayed   bigint           NOT NULL,
    oldest_at timestamptz      NOT NULL,
    newest_at timestamptz      NOT NULL,
    runs      bytea            NOT NULL,
    PRIMARY KEY (width, start, device, boot)
);
CREATE INDEX ledger_rollups_by_device ON ledger_rollups (device, width, start);

-- Where that does not hold: what the readings come to has changed since.
CREATE TABLE ledger_marks (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device  text COLLATE "C" NOT NULL,
    from_at timestamptz NOT NULL,
    to_at   timestamptz NOT NULL
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        -- It erases and moves what is stored of a device.
        GRANT INSERT ON rollup_marks, ledger_marks TO dashboard;
        GRANT UPDATE (version) ON rollup_progress TO dashboard;
    END IF;
END $$;
