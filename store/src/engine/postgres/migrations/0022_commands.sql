-- What people ask devices to do. args and result are JSON as they came; number counts the commands of a device; a command is open
-- while ended_at is NULL.
CREATE TABLE commands (
    serial      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE,
    device      text NOT NULL COLLATE "C",
    number      bigint NOT NULL,
    command     text NOT NULL,
    args        text,
    created_by  text,
    created_at  timestamptz NOT NULL,
    not_before  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    state       text NOT NULL,
    sent_at     timestamptz,
    sent_count  bigint NOT NULL,
    accepted_at timestamptz,
    ended_at    timestamptz,
    result      text,
    reason      text,
    job         text,
    next_at     timestamptz NOT NULL
);
CREATE INDEX commands_open ON commands (device, number) WHERE ended_at IS NULL;
CREATE INDEX commands_due ON commands (next_at) WHERE ended_at IS NULL;
CREATE INDEX commands_new ON commands (serial) WHERE ended_at IS NULL;
CREATE INDEX commands_by_device ON commands (device, serial);
CREATE INDEX commands_by_job ON commands (job, serial) WHERE job IS NOT NULL;
CREATE INDEX commands_ended ON commands (ended_at) WHERE ended_at IS NOT NULL;

-- Commands to many devices that were made together. stop_after: after so many failures those that wait are cancelled.
CREATE TABLE command_jobs (
    id         text PRIMARY KEY NOT NULL COLLATE "C",
    devices    text NOT NULL,
    command    text NOT NULL,
    made       bigint NOT NULL,
    per_minute bigint,
    stop_after bigint,
    created_by text,
    created_at timestamptz NOT NULL,
    stopped_at timestamptz
);

-- What a device should be and what it says that it is, as JSON; and the number of its last command. The version and the number never go
-- back, so that a row outlives its document.
CREATE TABLE twins (
    device           text PRIMARY KEY NOT NULL COLLATE "C",
    last_number      bigint NOT NULL,
    desired          text,
    version          bigint NOT NULL,
    desired_at       timestamptz,
    reported         text,
    reported_version bigint,
    reported_at      timestamptz
);

-- How many commands were made and how they ended; the others are open.
CREATE TABLE command_counts (
    id        bigint PRIMARY KEY NOT NULL CHECK (id = 1),
    made      bigint NOT NULL,
    done      bigint NOT NULL,
    failed    bigint NOT NULL,
    expired   bigint NOT NULL,
    cancelled bigint NOT NULL
);
INSERT INTO command_counts (id, made, done, failed, expired, cancelled) VALUES (1, 0, 0, 0, 0, 0);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON commands, command_jobs, twins TO dashboard;
        GRANT SELECT, UPDATE ON command_counts TO dashboard;
    END IF;
END $$;
