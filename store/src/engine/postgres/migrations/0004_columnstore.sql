-- Only where TimescaleDB may be used under its own licence. A month leaves late readings time to come in as plain rows.
DO $$
BEGIN
    IF current_setting('timescaledb.license', true) = 'timescale'
        AND EXISTS (SELECT FROM timescaledb_information.hypertables
                    WHERE hypertable_schema = current_schema() AND hypertable_name = 'readings')
    THEN
        ALTER TABLE readings SET (
            timescaledb.enable_columnstore,
            timescaledb.segmentby = 'series',
            timescaledb.orderby = 'measured_at, boot, seq, value'
        );
        CALL add_columnstore_policy('readings', after => INTERVAL '30 days');
    END IF;
END $$;
