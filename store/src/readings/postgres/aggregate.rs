//! Aggregates of one series: its newest reading, its time bounds, its time buckets.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use telemetry::{Reading, Series};

use super::rows::{self, COLUMNS};
use crate::engine::columns::at_most;
use crate::engine::postgres::columns::{Micros, Span};
use crate::readings::history::{Latest, present_until};
use crate::readings::time_bucket::{Reduced, TimeBuckets};

/// What values are divided by while they are summed: huge ones do not overflow, and a power of two loses nothing.
///
/// PostgreSQL's own avg overflows much sooner, as it sums the squares too.
const SCALE: f64 = (1_u64 << 40) as f64;

/// The newest reading of every series: one seek each, so that no second table has to be kept up to date.
pub(crate) async fn latest(client: &Client, now: Timestamp) -> Result<Vec<Latest>, Error> {
    let select = format!(
        "SELECT {COLUMNS} FROM series s CROSS JOIN LATERAL (
             SELECT * FROM (
                 (SELECT 1 AS rank, * FROM readings
                  WHERE series = s.id AND measured_at <= $1 AND received_at <= $2
                  ORDER BY measured_at DESC, boot DESC, seq DESC, value DESC LIMIT 1)
                 UNION ALL
                 (SELECT 2, * FROM readings WHERE series = s.id
                  ORDER BY measured_at DESC, boot DESC, seq DESC, value DESC LIMIT 1)
             ) newest ORDER BY rank LIMIT 1
         ) r
         WHERE NOT EXISTS (
             SELECT FROM forgotten_devices f WHERE f.device = s.device AND f.forgotten_at >= r.received_at)
         ORDER BY s.device, s.metric"
    );
    let [measured, received] = present_until(now).map(Micros::of);
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&measured, Type::TIMESTAMPTZ), (&received, Type::TIMESTAMPTZ)];
    let rows = client.query_typed(&select, &params).await?;
    Ok(rows.iter().filter_map(rows::read).map(|stored| stored.reading).collect())
}

/// The last readings of a series before a time, oldest first.
pub(crate) async fn last(
    client: &Client,
    series: &Series,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Reading>, Error> {
    let select = format!(
        "SELECT {COLUMNS} FROM series s CROSS JOIN LATERAL (
             SELECT * FROM readings WHERE series = s.id AND measured_at < $3
             ORDER BY measured_at DESC, boot DESC, seq DESC, value DESC LIMIT $4
         ) r
         WHERE s.device = $1 AND s.metric = $2"
    );
    let (device, metric, before, limit) =
        (series.device(), series.metric(), Micros::of(before), at_most(limit));
    let params: [(&(dyn ToSql + Sync), Type); 4] =
        [(&device, Type::TEXT), (&metric, Type::TEXT), (&before, Type::TIMESTAMPTZ), (&limit, Type::INT8)];
    let rows = client.query_typed(&select, &params).await?;
    let mut readings: Vec<_> = rows.iter().filter_map(rows::read).map(|stored| stored.reading).collect();
    // Nothing says that the outer query keeps the order of the inner one.
    readings.sort_by(|a, b| {
        (a.measured_at, a.boot, a.seq).cmp(&(b.measured_at, b.boot, b.seq)).then(a.value.total_cmp(&b.value))
    });
    Ok(readings)
}

pub(crate) async fn time_bounds(
    client: &Client,
    device: &str,
    metric: &str,
) -> Result<Option<(Timestamp, Timestamp)>, Error> {
    const SELECT: &str = "
        SELECT (SELECT min(measured_at) FROM readings WHERE series = s.id),
               (SELECT max(measured_at) FROM readings WHERE series = s.id)
        FROM series s WHERE device = $1 AND metric = $2";
    let row = client.query_typed_opt(SELECT, &[(&device, Type::TEXT), (&metric, Type::TEXT)]).await?;
    Ok(row.and_then(|row| {
        let (oldest, newest): (Option<Micros>, Option<Micros>) = (row.get(0), row.get(1));
        Some((oldest?.time(), newest?.time()))
    }))
}

/// Of each bucket that has readings from one time to another, by its start.
pub(crate) async fn reduce(
    client: &Client,
    series: i64,
    buckets: &TimeBuckets,
    (from, to): (i64, i64),
) -> Result<Vec<(i64, Reduced)>, Error> {
    const SELECT: &str = "
        SELECT date_bin($4, measured_at, $5) AS start, min(value), max(value), sum(value / $6), count(*)
        FROM readings
        WHERE series = $1 AND measured_at >= $2 AND measured_at < $3
        GROUP BY start ORDER BY start";
    let params: [(&(dyn ToSql + Sync), Type); 6] = [
        (&(series as i32), Type::INT4),
        (&Micros(from), Type::TIMESTAMPTZ),
        (&Micros(to), Type::TIMESTAMPTZ),
        (&Span(buckets.width), Type::INTERVAL),
        (&Micros(buckets.origin), Type::TIMESTAMPTZ),
        (&SCALE, Type::FLOAT8),
    ];
    let rows = client.query_typed(SELECT, &params).await?;
    let reduced = |row: &Row| {
        let count = row.get::<_, i64>(4).unsigned_abs();
        let average = row.get::<_, f64>(3) / count as f64 * SCALE;
        (row.get::<_, Micros>(0).0, Reduced::new(count, (row.get(1), row.get(2)), Some(average)))
    };
    Ok(rows.iter().map(reduced).collect())
}
