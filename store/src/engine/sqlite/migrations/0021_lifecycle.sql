-- retired: 1 where the device is kept with its history, and its readings are neither awaited nor taken.
ALTER TABLE devices ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;

-- Devices that people forgot: what was received of them up to then is shown no more. erase_to: what was received up to this
-- time is still to be deleted.
CREATE TABLE forgotten_devices (
    device       TEXT PRIMARY KEY NOT NULL,
    forgotten_at INTEGER NOT NULL,
    erase_to     INTEGER
) STRICT;

-- Names that devices had: what goes on arriving under one is the device's. No device is itself such a name.
CREATE TABLE device_aliases (
    old    TEXT PRIMARY KEY NOT NULL,
    device TEXT NOT NULL,
    since  INTEGER NOT NULL
) STRICT;
CREATE INDEX device_aliases_by_device ON device_aliases (device);
