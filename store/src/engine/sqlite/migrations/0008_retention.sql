-- One row: how far retention has come, by a clock that follows no jump of the machine's.
CREATE TABLE retention (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    at         INTEGER NOT NULL,
    held_since INTEGER
) STRICT;

-- stored_at: the age of a rejection for retention. received_at is a stamp of the broker's, whose clock may be wrong.
ALTER TABLE rejected ADD COLUMN stored_at INTEGER;
UPDATE rejected SET stored_at = received_at;
CREATE INDEX rejected_by_age ON rejected (stored_at);
