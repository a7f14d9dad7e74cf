-- The standard terms: notifications over channels, alert states, conditions.
ALTER TABLE notices RENAME TO notifications;
ALTER TABLE notifications RENAME way TO channel;
ALTER TABLE messages RENAME way TO channel;
ALTER TABLE incidents RENAME limit_kind TO condition_kind;
ALTER TABLE incidents RENAME limit_words TO condition_text;
ALTER TABLE standings RENAME TO alert_states;

ALTER INDEX messages_owed RENAME TO messages_queued;
ALTER INDEX notices_once RENAME TO notifications_once;
ALTER INDEX notices_reminding RENAME TO notifications_reminding;
ALTER INDEX notices_waiting RENAME TO notifications_waiting;
ALTER INDEX notices_of_incident RENAME TO notifications_of_incident;
ALTER INDEX notices_of_message RENAME TO notifications_of_message;
ALTER INDEX standings_by_age RENAME TO alert_states_by_age;
