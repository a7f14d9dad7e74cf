-- SELECT * FROM temperature ORDER BY time DESC LIMIT 10;
CREATE VIEW temperature AS
    SELECT r.measured_at AS time, s.device AS sensor, r.value
    FROM readings r JOIN series s ON s.id = r.series
    WHERE s.metric = 'temperature';
