-- Types of devices: what each says is JSON.
CREATE TABLE device_types (
    name       TEXT PRIMARY KEY NOT NULL,
    body       TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL
) STRICT;
