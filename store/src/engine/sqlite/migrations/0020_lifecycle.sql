-- Devices that people forgot: what was received of them up to then is shown no more. erase_to: what was received up to this
-- time is still to be deleted.
CREATE TABLE forgotten_devices (
    device       TEXT PRIMARY KEY NOT NULL,
    forgotten_at INTEGER NOT NULL,
    erase_to     INTEGER
) STRICT;
