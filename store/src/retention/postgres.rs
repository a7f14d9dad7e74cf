//! Deletes old readings: a chunk or partition as a whole where all in it is old, else a step at a time.

use jiff::Timestamp;
use telemetry::MAX_CLOCK_AHEAD;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::CHUNK_ROWS;
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::Micros;
use crate::engine::postgres::pool::Pool;
use crate::engine::postgres::schema::Layout;
use crate::engine::postgres::session::Session;
use crate::unavailable::Result;

/// Rows up to which those of a dropped chunk are counted; of more, the planner's estimate is reported.
const COUNTED_ROWS: f32 = 10_000_000.0;

/// By the key, which is found in a chunk of any kind.
const READINGS: &str = "
    WITH gone AS (
        DELETE FROM readings r USING (
            SELECT series, measured_at, boot, seq, value FROM readings
            WHERE stored_at < $1 AND measured_at >= $3 AND measured_at < $4 LIMIT $2
        ) old
        WHERE r.measured_at >= $3 AND r.measured_at < $4 AND r.stored_at < $1
            AND (r.series, r.measured_at, r.boot, r.seq, r.value)
                = (old.series, old.measured_at, old.boot, old.seq, old.value)
        RETURNING r.series, r.measured_at
    ), marked AS (
        INSERT INTO rollup_marks (series, from_at, to_at)
        SELECT DISTINCT series, date_trunc('hour', measured_at), date_trunc('hour', measured_at) + INTERVAL '1 hour'
        FROM gone
    )
    SELECT count(*) FROM gone";

/// A chunk or partition, and the times of measurement that it holds.
struct Part {
    table: String,
    from: Micros,
    to: Micros,
}

impl Part {
    fn range(&self) -> [(&(dyn ToSql + Sync), Type); 2] {
        [(&self.from, Type::TIMESTAMPTZ), (&self.to, Type::TIMESTAMPTZ)]
    }

    /// The partition of what was measured long ago is made once, by the migration.
    fn is_permanent(&self) -> bool {
        self.from == Micros::BEFORE_ALL
    }
}

/// Returns how many readings, rejections and incidents were removed.
pub(crate) async fn purge(store: &Postgres, age: Timestamp) -> Result<u64> {
    let (pool, older_than) = (&store.pool, Micros::bound(age));
    let mut removed = 0;
    for part in pool.call("purge", async |session| parts(session, older_than).await).await? {
        removed += purge_part(pool, &part, older_than).await?;
    }
    Ok(removed + super::purge_rows(store, age).await?)
}

async fn purge_part(pool: &Pool, part: &Part, older_than: Micros) -> Result<u64> {
    let dropped = pool.call("purge", async |session| drop_if_old(session, part, older_than).await);
    if let Some(rows) = dropped.await? {
        return Ok(rows);
    }
    let [from, to] = part.range();
    let params = [(&older_than as _, Type::TIMESTAMPTZ), (&(CHUNK_ROWS as i64) as _, Type::INT8), from, to];
    purge_readings(pool, &params).await
}

/// Live writes go on between the steps.
async fn purge_readings(pool: &Pool, params: &[(&(dyn ToSql + Sync), Type)]) -> Result<u64> {
    let mut removed = 0;
    loop {
        let step = pool.call("purge", async |session| session.client.query_typed_one(READINGS, params).await);
        let count = step.await?.get::<_, i64>(0).unsigned_abs();
        removed += count;
        if count < CHUNK_ROWS as u64 {
            return Ok(removed);
        }
    }
}

/// Those that may hold a reading that was stored before `older_than`.
///
/// No reading is accepted from a clock that is more than [`MAX_CLOCK_AHEAD`] ahead, so that one stored long ago was
/// measured long ago.
async fn parts(session: &Session, older_than: Micros) -> anyhow::Result<Vec<Part>> {
    const CHUNKS: &str = "
        SELECT format('%I.%I', chunk_schema, chunk_name), range_start, range_end
        FROM timescaledb_information.chunks
        WHERE hypertable_schema = current_schema() AND hypertable_name = 'readings' AND range_start < $1
        ORDER BY range_start";
    const PARTITIONS: &str = r"
        SELECT name, start, until FROM pg_inherits,
            LATERAL (SELECT inhrelid::regclass::text AS name, pg_get_expr(relpartbound, oid) AS bounds
                     FROM pg_class WHERE oid = inhrelid) partition,
            LATERAL (SELECT coalesce(substring(bounds FROM 'FROM \(''(.+?)''')::timestamptz, '-infinity') AS start,
                            coalesce(substring(bounds FROM 'TO \(''(.+?)''')::timestamptz, 'infinity') AS until) ends
        WHERE inhparent = 'readings'::regclass AND start < $1
        ORDER BY start";
    let ahead = MAX_CLOCK_AHEAD.as_micros() as i64;
    let measured_before = Micros(older_than.0.saturating_add(ahead));
    let select = match session.layout {
        Layout::Hypertable => CHUNKS,
        Layout::Partitions => PARTITIONS,
    };
    let rows = session.client.query_typed(select, &[(&measured_before, Type::TIMESTAMPTZ)]).await?;
    Ok(rows.iter().map(|row| Part { table: row.get(0), from: row.get(1), to: row.get(2) }).collect())
}

/// Returns how many rows were dropped with it, or `None` if it holds rows that must stay.
async fn drop_if_old(session: &mut Session, part: &Part, older_than: Micros) -> anyhow::Result<Option<u64>> {
    const CHUNK: &str = "SELECT drop_chunks('readings', newer_than => $1, older_than => $2)";
    const MARK: &str = "INSERT INTO rollup_marks (from_at, to_at) VALUES ($1, $2)";
    let transaction = session.client.transaction().await?;
    // Once more behind the lock, which makes writers wait: a replay may just have come in.
    if part.is_permanent() || !is_old(&transaction, part, older_than).await? {
        return Ok(None);
    }
    transaction.batch_execute("LOCK TABLE ONLY readings IN SHARE ROW EXCLUSIVE MODE").await?;
    if !is_old(&transaction, part, older_than).await? {
        return Ok(None);
    }
    let rows = count(&transaction, part).await?;
    match session.layout {
        Layout::Hypertable => drop(transaction.query_typed(CHUNK, &part.range()).await?),
        Layout::Partitions => transaction.batch_execute(&format!("DROP TABLE {}", part.table)).await?,
    }
    transaction.execute_typed(MARK, &part.range()).await?;
    transaction.commit().await?;
    let kind = session.layout;
    tracing::info!(table = part.table, ?kind, rows, "dropped expired chunk");
    Ok(Some(rows))
}

async fn is_old(transaction: &Transaction<'_>, part: &Part, older_than: Micros) -> anyhow::Result<bool> {
    const SELECT: &str = "
        SELECT NOT EXISTS (
            SELECT FROM readings WHERE measured_at >= $1 AND measured_at < $2 AND stored_at >= $3)";
    let [from, to] = part.range();
    let row = transaction.query_typed_one(SELECT, &[from, to, (&older_than, Type::TIMESTAMPTZ)]).await?;
    Ok(row.get(0))
}

async fn count(transaction: &Transaction<'_>, part: &Part) -> anyhow::Result<u64> {
    const SELECT: &str = "
        SELECT CASE WHEN reltuples > $4 THEN reltuples::bigint
               ELSE (SELECT count(*) FROM readings WHERE measured_at >= $1 AND measured_at < $2) END
        FROM pg_class WHERE oid = to_regclass($3)";
    let [from, to] = part.range();
    let params = [from, to, (&part.table as _, Type::TEXT), (&COUNTED_ROWS as _, Type::FLOAT4)];
    Ok(transaction.query_typed_one(SELECT, &params).await?.get::<_, i64>(0).unsigned_abs())
}
