-- What Millrace has to tell about itself. sent_at: NULL until it was sent.
CREATE TABLE notices (
    name     text PRIMARY KEY NOT NULL COLLATE "C",
    subject  text NOT NULL,
    text     text NOT NULL,
    made_at  timestamptz NOT NULL,
    tries    bigint NOT NULL,
    again_at timestamptz NOT NULL,
    sent_at  timestamptz
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, DELETE ON notices TO dashboard;
    END IF;
END $$;
