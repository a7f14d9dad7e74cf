-- Stretches of time in which one process gave stamps and nobody stepped its clock, in order. Those that were wrong mark
-- the stamps that lie in them: by time, and by lane, which is what is left of a stamp's microseconds divided by eight.
CREATE TABLE clock_runs (
    number          bigint PRIMARY KEY,
    process         bigint NOT NULL,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    shift_micros    bigint NOT NULL,
    lane            bigint NOT NULL,
    wrong_by_micros bigint
);
