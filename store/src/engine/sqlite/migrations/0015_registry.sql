-- Devices that people know, and what they log in with. Tags stand apart by blanks; places are in millionths of a degree; hashes are as
-- RabbitMQ has them. subject: what rejections await that are held until the device is registered.
CREATE TABLE devices (
    name       TEXT PRIMARY KEY NOT NULL,
    title      TEXT,
    kind       TEXT,
    location   TEXT,
    latitude   INTEGER,
    longitude  INTEGER,
    sampling   INTEGER,
    tags       TEXT NOT NULL,
    note       TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    subject    TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE device_credentials (
    user_name  TEXT PRIMARY KEY NOT NULL,
    device     TEXT NOT NULL REFERENCES devices (name) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    rights     TEXT NOT NULL,
    client_id  TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX device_credentials_by_device ON device_credentials (device);

-- Counts the changes of both, and up to which one the brokers have them.
CREATE TABLE registry_head (
    id       INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    revision INTEGER NOT NULL,
    applied  INTEGER NOT NULL
) STRICT;
INSERT INTO registry_head (id, revision, applied) VALUES (1, 0, 0);
