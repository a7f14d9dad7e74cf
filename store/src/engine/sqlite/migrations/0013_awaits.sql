-- awaits: the subject of the announcement that a rejected message lacked. awaits_after: with what was announced of it up to
-- this time it could not be read either.
ALTER TABLE rejected ADD COLUMN awaits TEXT;
ALTER TABLE rejected ADD COLUMN awaits_after INTEGER;

UPDATE rejected SET awaits = 'birth ' || substr(
    reason,
    instr(reason, ': no birth of ') + 14,
    instr(reason, ' that has it has come yet') - instr(reason, ': no birth of ') - 14
) WHERE reason LIKE 'the alias % is not known: no birth of % that has it has come yet%';

CREATE INDEX rejected_awaits ON rejected (awaits, received_at, id) WHERE awaits IS NOT NULL AND resent_at IS NULL;
