-- Types of devices: what each says is JSON.
CREATE TABLE device_types (
    name       text PRIMARY KEY NOT NULL COLLATE "C",
    body       text NOT NULL,
    changed_at timestamptz NOT NULL,
    revision   bigint NOT NULL
);
