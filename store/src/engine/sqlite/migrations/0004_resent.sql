-- resent_at: when what the message was mended to had been published. Those that were resent are no longer counted.
ALTER TABLE rejected ADD COLUMN resent_at INTEGER;

CREATE INDEX rejected_resent ON rejected (received_at) WHERE resent_at IS NOT NULL;

DROP TRIGGER rejected_removed;
CREATE TRIGGER rejected_removed AFTER DELETE ON rejected WHEN OLD.resent_at IS NULL BEGIN
    UPDATE totals SET rejected = rejected - 1;
END;
CREATE TRIGGER rejected_resent AFTER UPDATE OF resent_at ON rejected
WHEN OLD.resent_at IS NULL AND NEW.resent_at IS NOT NULL BEGIN
    UPDATE totals SET rejected = rejected - 1;
END;
