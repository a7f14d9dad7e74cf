-- The table that people make for it: the same columns in plain words, a hypertable, and the index that charts need.
CREATE TABLE readings (
    time   timestamptz NOT NULL,
    device text NOT NULL,
    metric text NOT NULL,
    value  double precision NOT NULL,
    unit   text,
    boot   bigint,
    seq    bigint
);
SELECT create_hypertable('readings', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
CREATE INDEX readings_by_device ON readings (device, time DESC);
