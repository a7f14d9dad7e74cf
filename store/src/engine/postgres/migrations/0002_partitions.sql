-- Where TimescaleDB is not: a partition for each month, which the writers make before they need it.
CREATE TABLE partitioned (LIKE readings INCLUDING ALL) PARTITION BY RANGE (measured_at);
DROP TABLE readings;
ALTER TABLE partitioned RENAME TO readings;

-- One for all that is older, so that a device whose clock is wrong does not make one for any month that it says.
CREATE TABLE readings_before_2020 PARTITION OF readings
    FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00:00+00');
