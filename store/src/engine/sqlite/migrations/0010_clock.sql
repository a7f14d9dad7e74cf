-- Stretches of time in which one process gave stamps and nobody stepped its clock, in order. Those that were wrong mark
-- the stamps that lie in them: by time, and by lane, which is what is left of a stamp's microseconds divided by eight.
CREATE TABLE clock_runs (
    number          INTEGER PRIMARY KEY,
    process         INTEGER NOT NULL,
    first_at        INTEGER NOT NULL,
    last_at         INTEGER NOT NULL,
    shift_micros    INTEGER NOT NULL,
    lane            INTEGER NOT NULL,
    wrong_by_micros INTEGER
) STRICT;
