-- The standard term: an incident is announced once its recipients are to be notified of its opening.
ALTER TABLE alert_states RENAME told TO announced;
