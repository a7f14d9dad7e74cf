-- What edges have forwarded here, and what they say of their journals.
CREATE TABLE uplink_runs (
    edge           text NOT NULL COLLATE "C",
    run            text NOT NULL COLLATE "C",
    last           bigint NOT NULL,
    unsent         bigint NOT NULL,
    told_at        timestamptz NOT NULL,
    heard_at       timestamptz NOT NULL,
    first_heard_at timestamptz NOT NULL,
    PRIMARY KEY (edge, run)
);

CREATE TABLE uplink_ranges (
    edge  text NOT NULL COLLATE "C",
    run   text NOT NULL COLLATE "C",
    state text NOT NULL COLLATE "C" CHECK (state IN ('arrived', 'deleted', 'refused')),
    first bigint NOT NULL,
    last  bigint NOT NULL,
    PRIMARY KEY (edge, run, state, first)
);
