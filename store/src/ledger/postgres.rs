//! Counts what is there of each boot, in the database: only the sums travel.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Span};
use crate::ledger::{Boot, DELAYED_AFTER, Ledger, LedgerQuery, MAX_MISSING_RANGES, counted_from};
use crate::unavailable::Result;

#[async_trait]
impl Ledger for Postgres {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.pool.call("count readings", async |s| completeness(&s.client, &query).await).await
    }

    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp> {
        counted_from(self, device, readings).await
    }
}

/// A gap is where the number before a number is not the one below it.
const SELECT: &str = "
    WITH numbers AS (
        SELECT s.device, r.boot, r.seq, count(*) AS readings, max(r.measured_at) AS newest,
               min(r.measured_at) AS oldest,
               count(*) FILTER (WHERE r.received_at > r.measured_at + $4) AS delayed
        FROM readings r JOIN series s ON s.id = r.series
        WHERE r.measured_at >= $2 AND r.measured_at < $3 AND r.boot >= 0 AND r.seq >= 0
            AND ($1 IS NULL OR s.device = $1)
        GROUP BY s.device, r.boot, r.seq
    ), steps AS (
        SELECT *, lag(seq, 1, seq - 1) OVER (PARTITION BY device, boot ORDER BY seq) AS before FROM numbers
    )
    SELECT device, boot, min(seq), max(seq), count(*), sum(readings)::bigint, sum(delayed)::bigint, max(newest),
           (array_agg(before + 1 ORDER BY seq) FILTER (WHERE before < seq - 1))[1:$5],
           (array_agg(seq - 1 ORDER BY seq) FILTER (WHERE before < seq - 1))[1:$5],
           min(oldest)
    FROM steps GROUP BY device, boot ORDER BY device, boot";

pub(crate) async fn completeness(client: &Client, query: &LedgerQuery) -> Result<Vec<Boot>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&query.device, Type::TEXT),
        (&Micros::bound(query.range.from), Type::TIMESTAMPTZ),
        (&Micros::bound(query.range.to), Type::TIMESTAMPTZ),
        (&Span(DELAYED_AFTER.as_micros() as i64), Type::INTERVAL),
        (&(MAX_MISSING_RANGES as i32), Type::INT4),
    ];
    Ok(client.query_typed(SELECT, &params).await?.iter().map(boot).collect())
}

fn boot(row: &Row) -> Boot {
    let number = |column| row.get::<_, i64>(column).unsigned_abs();
    let (first, last, stored) = (number(2), number(3), number(4));
    Boot {
        device: row.get(0),
        boot: number(1),
        first,
        last,
        stored,
        repeated: number(5) - stored,
        delayed: number(6),
        missing: last - first + 1 - stored,
        missing_ranges: ranges(row.get(8), row.get(9)),
        oldest_measured_at: row.get::<_, Micros>(10).time(),
        newest_measured_at: row.get::<_, Micros>(7).time(),
    }
}

fn ranges(starts: Option<Vec<i64>>, ends: Option<Vec<i64>>) -> Vec<RangeInclusive<u64>> {
    let (starts, ends) = (starts.unwrap_or_default(), ends.unwrap_or_default());
    starts.into_iter().zip(ends).map(|(start, end)| start.unsigned_abs()..=end.unsigned_abs()).collect()
}
