-- One row: how far retention has come, by a clock that follows no jump of the machine's.
CREATE TABLE retention (
    id         bigint PRIMARY KEY CHECK (id = 1),
    at         timestamptz NOT NULL,
    held_since timestamptz
);

-- stored_at: the age of a rejection for retention. received_at is a stamp of the broker's, whose clock may be wrong.
ALTER TABLE rejected ADD stored_at timestamptz;
UPDATE rejected SET stored_at = received_at;
ALTER TABLE rejected ALTER stored_at SET DEFAULT now();
CREATE INDEX rejected_by_age ON rejected (stored_at);
