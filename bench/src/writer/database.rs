//! TimescaleDB: what was committed when, and how fast it accepts rows.

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::SinkExt as _;
use serde::Serialize;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use super::load::Load;

/// Rows of one COPY and its transaction, as in db-writer's batches.
const BATCH: u64 = 10_000;

/// Bytes sent at once.
const CHUNK: usize = 64 * 1024;

/// 2000-01-01 in microseconds since 1970: PostgreSQL counts from there.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Which table is read: Millrace's with its series, or the plain one of the other writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Ours,
    Plain,
}

impl Table {
    fn device(self) -> &'static str {
        if self == Self::Ours { "series" } else { "device" }
    }

    fn measured_at(self) -> &'static str {
        if self == Self::Ours { "measured_at" } else { "time" }
    }
}

pub(super) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("reach the database")?;
    // Ends with the client, whose calls fail when it ends before.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The number of readings in the table, and of those that differ in device, metric, boot or seq.
pub(super) async fn count(client: &Client, table: Table) -> anyhow::Result<(u64, u64)> {
    let select = format!(
        "SELECT coalesce(sum(times), 0)::bigint, count(*) FROM
         (SELECT count(*) AS times FROM readings WHERE boot = 1 GROUP BY {}, boot, seq) AS named",
        table.device()
    );
    let row = client.query_typed_one(&select, &[]).await?;
    Ok((row.get::<_, i64>(0).unsigned_abs(), row.get::<_, i64>(1).unsigned_abs()))
}

/// The end of the database's log: while it does not move, nothing is written.
pub(super) async fn log_end(client: &Client) -> anyhow::Result<String> {
    Ok(client.query_typed_one("SELECT pg_current_wal_insert_lsn()::text", &[]).await?.get(0))
}

/// A transaction: when it was committed, in seconds since 1970, and how many readings it stored.
pub(super) type Commit = (f64, i64);

/// All commits, sorted by time. The server takes this time just before it flushes the commit to its log.
pub(super) async fn commits(client: &Client) -> anyhow::Result<Vec<Commit>> {
    const SELECT: &str = "
        SELECT extract(epoch FROM pg_xact_commit_timestamp(id))::float8, readings
        FROM (SELECT xmin AS id, count(*) AS readings FROM readings WHERE boot = 1 GROUP BY xmin) AS commits ORDER BY 1";
    let rows = client.query_typed(SELECT, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Percentiles of the time from when readings were due to when they were committed, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

/// The latency of the readings that were due from this time on, in seconds since 1970.
pub(super) async fn latency(client: &Client, table: Table, due_from: f64) -> anyhow::Result<Latency> {
    let select = format!(
        "SELECT percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY
             extract(epoch FROM pg_xact_commit_timestamp(xmin) - {0})::float8 * 1000)
         FROM readings WHERE {0} >= to_timestamp($1)",
        table.measured_at()
    );
    let row = client.query_typed_one(&select, &[(&due_from, Type::FLOAT8)]).await?;
    let figures: Option<Vec<f64>> = row.get(0);
    match figures.as_deref() {
        Some(&[p50_ms, p99_ms, max_ms]) => Ok(Latency { p50_ms, p99_ms, max_ms }),
        _ => anyhow::bail!("no reading was due after {due_from}"),
    }
}

/// Fills the table with rows of many devices, at most a month old.
///
/// Their boot is 0; readings that are counted later have boot 1.
pub(super) async fn prefill(client: &Client, rows: u64, devices: u64) -> anyhow::Result<()> {
    let insert = format!(
        "INSERT INTO readings (series, measured_at, boot, seq, value, unit, received_at, stored_at)
         SELECT n % {devices}, at, 0, n / {devices}, 20, 'celsius', at, at
         FROM (SELECT n, now() - interval '28 days' * (1 - n::float8 / {rows}) AS at
               FROM generate_series(0::bigint, {rows} - 1) AS n) AS numbers"
    );
    client.batch_execute(&insert).await?;
    // Each is a transaction of its own, or none.
    client.batch_execute("VACUUM ANALYZE readings").await?;
    Ok(client.batch_execute("CHECKPOINT").await?)
}

/// When the last reading was committed that had waited longer than this, in seconds since 1970.
pub(super) async fn behind_until(client: &Client, wait_seconds: f64) -> anyhow::Result<Option<f64>> {
    const SELECT: &str = "
        SELECT extract(epoch FROM max(at))::float8
        FROM (SELECT pg_xact_commit_timestamp(xmin) AS at, measured_at FROM readings) AS committed
        WHERE at > measured_at + make_interval(secs => $1)";
    Ok(client.query_typed_one(SELECT, &[(&wait_seconds, Type::FLOAT8)]).await?.get(0))
}

/// Batches of rows in the format of COPY, sorted by key as db-writer sorts its batches.
pub(super) fn encoded(load: Load, readings: u64) -> Vec<Bytes> {
    let batches = (0..readings).step_by(BATCH as usize);
    batches.map(|first| encode(load, first..readings.min(first + BATCH))).collect()
}

fn encode(load: Load, numbers: std::ops::Range<u64>) -> Bytes {
    let mut rows: Vec<_> = numbers.map(|n| (n % load.devices, load.reading(n))).collect();
    rows.sort_by_key(|(series, reading)| (*series, reading.measured_at));
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (series, reading) in &rows {
        let measured_at = (reading.measured_at.as_microsecond() - EPOCH_MICROS).to_be_bytes();
        let number = |n: Option<u64>| n.map_or(-1, u64::cast_signed).to_be_bytes();
        out.extend(8_i16.to_be_bytes());
        field(&mut out, &(*series as i32).to_be_bytes());
        field(&mut out, &measured_at);
        field(&mut out, &number(reading.boot));
        field(&mut out, &number(reading.seq));
        field(&mut out, &reading.value.to_be_bytes());
        field(&mut out, reading.unit.as_deref().unwrap_or_default().as_bytes());
        field(&mut out, &measured_at);
        field(&mut out, &measured_at);
    }
    out.extend((-1_i16).to_be_bytes());
    out.into()
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as i32).to_be_bytes());
    out.extend(bytes);
}

/// Copies each batch in a transaction of its own.
pub(super) async fn copy(client: &Client, table: &str, batches: &[Bytes]) -> anyhow::Result<()> {
    let copy = format!(
        "COPY {table} (series, measured_at, boot, seq, value, unit, received_at, stored_at) FROM STDIN (FORMAT binary)"
    );
    for batch in batches {
        let mut sink = std::pin::pin!(client.copy_in::<_, Bytes>(&copy).await?);
        for start in (0..batch.len()).step_by(CHUNK) {
            sink.send(batch.slice(start..batch.len().min(start + CHUNK))).await?;
        }
        sink.finish().await?;
    }
    Ok(())
}
