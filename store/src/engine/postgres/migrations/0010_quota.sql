-- payload_bytes: of a payload that is not stored whole.
ALTER TABLE rejected ADD payload_bytes bigint;

-- What the quota counts.
ALTER TABLE totals ADD rejected_rows bigint NOT NULL DEFAULT 0;
ALTER TABLE totals ADD rejected_bytes bigint NOT NULL DEFAULT 0;
UPDATE totals SET (rejected_rows, rejected_bytes) = (
    SELECT count(*), coalesce(sum(length(payload) + length(topic) + length(reason)), 0) FROM rejected
);

CREATE OR REPLACE FUNCTION count_rejected() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign bigint := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
    unresent bigint;
    all_rows bigint;
    all_bytes bigint;
BEGIN
    SELECT count(*) FILTER (WHERE resent_at IS NULL), count(*),
        coalesce(sum(length(payload) + length(topic) + length(reason)), 0)
    INTO unresent, all_rows, all_bytes FROM changed;
    IF all_rows > 0 THEN
        UPDATE totals SET rejected = rejected + sign * unresent, rejected_rows = rejected_rows + sign * all_rows,
            rejected_bytes = rejected_bytes + sign * all_bytes;
    END IF;
    RETURN NULL;
END $$;

-- Where a role only looks at what is stored, the page's, it may dismiss what was rejected.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT DELETE ON rejected TO dashboard;
        GRANT UPDATE (rejected_rows, rejected_bytes) ON totals TO dashboard;
    END IF;
END $$;
