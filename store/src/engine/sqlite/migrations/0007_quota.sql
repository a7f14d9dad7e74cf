-- payload_bytes: of a payload that is not stored whole.
ALTER TABLE rejected ADD COLUMN payload_bytes INTEGER;

-- With resent_at, which lies behind the payload: groups and counts are read from the index alone.
DROP INDEX rejected_by_time;
CREATE INDEX rejected_by_time ON rejected (received_at, topic, reason, resent_at);

-- What the quota counts.
ALTER TABLE totals ADD COLUMN rejected_rows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN rejected_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE totals SET (rejected_rows, rejected_bytes) = (
    SELECT count(*), coalesce(sum(length(payload) + length(topic) + length(reason)), 0) FROM rejected
);

CREATE TRIGGER rejected_grows AFTER INSERT ON rejected BEGIN
    UPDATE totals SET rejected_rows = rejected_rows + 1,
        rejected_bytes = rejected_bytes + length(NEW.payload) + length(NEW.topic) + length(NEW.reason);
END;
CREATE TRIGGER rejected_shrinks AFTER DELETE ON rejected BEGIN
    UPDATE totals SET rejected_rows = rejected_rows - 1,
        rejected_bytes = rejected_bytes - length(OLD.payload) - length(OLD.topic) - length(OLD.reason);
END;
