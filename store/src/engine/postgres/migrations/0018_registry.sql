-- Devices that people know, and what they log in with. Tags stand apart by blanks; places are in millionths of a degree; intervals in
-- microseconds; hashes are as RabbitMQ has them. subject: what rejections await that are held until the device is registered.
CREATE TABLE devices (
    name       text PRIMARY KEY NOT NULL COLLATE "C",
    title      text,
    kind       text,
    location   text,
    latitude   bigint,
    longitude  bigint,
    sampling   bigint,
    tags       text NOT NULL,
    note       text,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    revision   bigint NOT NULL,
    subject    text NOT NULL UNIQUE
);

CREATE TABLE device_credentials (
    user_name  text PRIMARY KEY NOT NULL COLLATE "C",
    device     text NOT NULL COLLATE "C" REFERENCES devices (name) ON DELETE CASCADE,
    hash       text NOT NULL,
    rights     text NOT NULL,
    client_id  text,
    created_at timestamptz NOT NULL
);
CREATE INDEX device_credentials_by_device ON device_credentials (device);

-- Counts the changes of both, and up to which one the brokers have them.
CREATE TABLE registry_head (
    id       bigint PRIMARY KEY NOT NULL CHECK (id = 1),
    revision bigint NOT NULL,
    applied  bigint NOT NULL
);
INSERT INTO registry_head (id, revision, applied) VALUES (1, 0, 0);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON devices, device_credentials TO dashboard;
        GRANT SELECT, UPDATE ON registry_head TO dashboard;
    END IF;
END $$;
