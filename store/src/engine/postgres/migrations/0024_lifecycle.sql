-- retired: 1 where the device is kept with its history, and its readings are neither awaited nor taken.
ALTER TABLE devices ADD COLUMN retired bigint NOT NULL DEFAULT 0;

-- Devices that people forgot: what was received of them up to then is shown no more. erase_to: what was received up to this
-- time is still to be deleted.
CREATE TABLE forgotten_devices (
    device       text PRIMARY KEY NOT NULL COLLATE "C",
    forgotten_at timestamptz NOT NULL,
    erase_to     timestamptz
);

-- Names that devices had: what goes on arriving under one is the device's. No device is itself such a name.
CREATE TABLE device_aliases (
    old    text PRIMARY KEY NOT NULL COLLATE "C",
    device text NOT NULL COLLATE "C",
    since  timestamptz NOT NULL
);
CREATE INDEX device_aliases_by_device ON device_aliases (device);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON forgotten_devices, device_aliases TO dashboard;
        -- What a device is called stands with all that is stored of it.
        GRANT UPDATE (device) ON series, incidents, silences, alert_states, attributes TO dashboard;
        GRANT DELETE ON attributes TO dashboard;
    END IF;
END $$;
