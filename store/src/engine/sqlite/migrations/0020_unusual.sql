-- Rules that watch for unusual values. What a table checks can only be changed in its definition, as
-- https://www.sqlite.org/lang_altertable.html section 7 says; no row is touched.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''absent'', ''stuck'')', '''absent'', ''stuck'', ''unusual'')')
WHERE type = 'table' AND name IN ('incidents', 'alert_states');
PRAGMA writable_schema = RESET;
