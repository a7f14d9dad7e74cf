-- The standard terms: notifications over channels, alert states, conditions.
ALTER TABLE notices RENAME TO notifications;
ALTER TABLE notifications RENAME COLUMN way TO channel;
ALTER TABLE messages RENAME COLUMN way TO channel;
ALTER TABLE incidents RENAME COLUMN limit_kind TO condition_kind;
ALTER TABLE incidents RENAME COLUMN limit_words TO condition_text;
ALTER TABLE standings RENAME TO alert_states;

-- SQLite cannot rename an index.
DROP INDEX messages_owed;
DROP INDEX notices_once;
DROP INDEX notices_reminding;
DROP INDEX notices_waiting;
DROP INDEX notices_of_incident;
DROP INDEX notices_of_message;
DROP INDEX standings_by_age;
CREATE INDEX messages_queued ON messages (number) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE UNIQUE INDEX notifications_once ON notifications (incident, kind, channel, recipient) WHERE kind <> 'reminder';
CREATE UNIQUE INDEX notifications_reminding ON notifications (incident, channel, recipient)
    WHERE kind = 'reminder' AND message IS NULL AND dropped IS NULL;
CREATE INDEX notifications_waiting ON notifications (due_at) WHERE message IS NULL AND dropped IS NULL;
CREATE INDEX notifications_of_incident ON notifications (incident);
CREATE INDEX notifications_of_message ON notifications (message) WHERE message IS NOT NULL;
CREATE INDEX alert_states_by_age ON alert_states (written_at) WHERE phase = 'normal';
