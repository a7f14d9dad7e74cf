-- Rules that watch for unusual values.
ALTER TABLE incidents DROP CONSTRAINT incidents_limit_kind_check;
ALTER TABLE incidents ADD CONSTRAINT incidents_condition_kind_check
    CHECK (condition_kind IN ('above', 'below', 'outside', 'rate', 'absent', 'stuck', 'unusual'));
ALTER TABLE alert_states DROP CONSTRAINT standings_kind_check;
ALTER TABLE alert_states ADD CONSTRAINT alert_states_kind_check
    CHECK (kind IN ('above', 'below', 'outside', 'rate', 'absent', 'stuck', 'unusual'));
