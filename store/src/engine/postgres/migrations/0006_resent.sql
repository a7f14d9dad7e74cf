-- resent_at: when what the message was mended to had been published. Those that were resent are no longer counted.
ALTER TABLE rejected ADD resent_at timestamptz;

CREATE INDEX rejected_resent ON rejected (received_at) WHERE resent_at IS NOT NULL;

CREATE OR REPLACE FUNCTION count_rejected() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := (SELECT count(*) FROM changed WHERE resent_at IS NULL);
BEGIN
    IF change > 0 THEN
        UPDATE totals SET rejected = rejected + CASE TG_OP WHEN 'DELETE' THEN -change ELSE change END;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_resent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE totals SET rejected = rejected - 1;
    RETURN NULL;
END $$;

CREATE TRIGGER rejected_resent AFTER UPDATE OF resent_at ON rejected FOR EACH ROW
    WHEN (OLD.resent_at IS NULL AND NEW.resent_at IS NOT NULL) EXECUTE FUNCTION count_resent();

-- Where a role only looks at what is stored, the page's, it may mark what it has resent, which changes the count.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT UPDATE (resent_at) ON rejected TO dashboard;
        GRANT UPDATE (rejected) ON totals TO dashboard;
    END IF;
END $$;
