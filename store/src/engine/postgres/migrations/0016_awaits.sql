-- awaits: the subject of the announcement that a rejected message lacked. awaits_after: with what was announced of it up to
-- this time it could not be read either.
ALTER TABLE rejected ADD awaits text;
ALTER TABLE rejected ADD awaits_after timestamptz;

UPDATE rejected SET awaits = 'birth ' || substring(
    reason FROM '^the alias [0-9]+ is not known: no birth of (.*) that has it has come yet'
) WHERE reason LIKE 'the alias % is not known: no birth of % that has it has come yet%';

CREATE INDEX rejected_awaits ON rejected (awaits, received_at, id) WHERE awaits IS NOT NULL AND resent_at IS NULL;

-- Where a role only looks at what is stored, the page's, it may say that a message could not be read.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT UPDATE (awaits_after) ON rejected TO dashboard;
    END IF;
END $$;
