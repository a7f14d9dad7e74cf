-- COLLATE "C": texts are in the order of their bytes, whatever the database's locale says.

-- The writers keep these numbers in mind, and no row is locked while they do: a series is never removed. Numbers that a
-- race for a new series uses up are no loss.
CREATE TABLE series (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    UNIQUE (device, metric)
);

-- The key is what makes two readings one. The value is part of it on purpose: two readings that differ in nothing
-- but the value are two readings. A key has no NULL: where boot or seq is -1 there is none. No foreign key: a series is
-- never removed, and a look-up for each row would cost as much as the row.
CREATE TABLE readings (
    series      integer          NOT NULL,
    measured_at timestamptz      NOT NULL CHECK (isfinite(measured_at)),
    boot        bigint           NOT NULL,
    seq         bigint           NOT NULL,
    value       double precision NOT NULL CHECK (value > '-Infinity' AND value < 'Infinity'),
    unit        text,
    received_at timestamptz      NOT NULL,
    stored_at   timestamptz      NOT NULL,
    PRIMARY KEY (series, measured_at, boot, seq, value)
);

-- For what asks for all series in order of time.
CREATE INDEX readings_by_time ON readings (measured_at);

-- For retention: rows are appended as they are stored, so that a few bytes for each megabyte of them find the old ones.
CREATE INDEX readings_by_age ON readings USING brin (stored_at) WITH (autosummarize = on);

-- digest: of topic, reason and payload, which are too long for a key.
CREATE TABLE rejected (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    topic       text        NOT NULL,
    reason      text        NOT NULL,
    payload     bytea       NOT NULL,
    digest      bytea       NOT NULL,
    UNIQUE (received_at, digest)
);

-- One row. Counting the rejected rows would read an index from end to end, and anyone can make it long.
CREATE TABLE totals (
    rejected bigint NOT NULL
);
INSERT INTO totals VALUES (0);

-- Statements that change nothing do not wait for each other.
CREATE FUNCTION count_rejected() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := (SELECT count(*) FROM changed);
BEGIN
    IF change > 0 THEN
        UPDATE totals SET rejected = rejected + CASE TG_OP WHEN 'DELETE' THEN -change ELSE change END;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER rejected_added AFTER INSERT ON rejected
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_rejected();
CREATE TRIGGER rejected_removed AFTER DELETE ON rejected
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_rejected();

-- number: the order in which they were recorded. stored_at: when the last change of the incident was kept; its age for
-- retention.
CREATE TABLE incidents (
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id             text             NOT NULL PRIMARY KEY,
    rule           text COLLATE "C" NOT NULL,
    device         text COLLATE "C" NOT NULL,
    metric         text COLLATE "C" NOT NULL,
    opened_at      timestamptz      NOT NULL,
    value          double precision NOT NULL,
    unit           text,
    resolved_at    timestamptz,
    resolved_value double precision,
    stored_at      timestamptz      NOT NULL
);

CREATE INDEX incidents_by_subject ON incidents (rule, device, metric, opened_at, number);
CREATE INDEX incidents_open_first ON incidents ((resolved_at IS NULL), opened_at, number);
CREATE INDEX incidents_by_age ON incidents (stored_at) WHERE resolved_at IS NOT NULL;

-- The ids are the order in which the mails were asked for.
CREATE TABLE mails (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id text NOT NULL UNIQUE,
    incident   text NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('opened', 'resolved')),
    recipients text NOT NULL,
    sent_at    timestamptz
);

CREATE INDEX mails_of_incident ON mails (incident);
CREATE INDEX mails_owed ON mails (id) WHERE sent_at IS NULL;

-- A right that one process has until a time, for example to send mails.
CREATE TABLE leases (
    name   text        NOT NULL PRIMARY KEY,
    holder text        NOT NULL,
    until  timestamptz NOT NULL
);
