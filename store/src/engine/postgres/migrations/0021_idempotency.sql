-- What requests with an Idempotency-Key were answered. status and answer are missing until there is an answer, and the answer where it
-- is too long to keep. body: the SHA-256 of what was asked, in hexadecimal.
CREATE TABLE idempotency_keys (
    caller      text NOT NULL COLLATE "C",
    key         text NOT NULL COLLATE "C",
    body        text NOT NULL,
    received_at timestamptz NOT NULL,
    status      bigint,
    answer      text,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (received_at);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO dashboard;
    END IF;
END $$;
