-- Devices that people forgot: what was received of them up to then is shown no more. erase_to: what was received up to this
-- time is still to be deleted.
CREATE TABLE forgotten_devices (
    device       text PRIMARY KEY NOT NULL COLLATE "C",
    forgotten_at timestamptz NOT NULL,
    erase_to     timestamptz
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON forgotten_devices TO dashboard;
    END IF;
END $$;
