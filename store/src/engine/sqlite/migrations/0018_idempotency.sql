-- What requests with an Idempotency-Key were answered. status and answer are missing until there is an answer, and the answer where it
-- is too long to keep. body: the SHA-256 of what was asked, in hexadecimal.
CREATE TABLE idempotency_keys (
    caller      TEXT NOT NULL,
    key         TEXT NOT NULL,
    body        TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    status      INTEGER,
    answer      TEXT,
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (received_at);
