-- Where TimescaleDB is: a chunk for each week.
SELECT create_hypertable('readings', by_range('measured_at', INTERVAL '7 days'), create_default_indexes => false);
