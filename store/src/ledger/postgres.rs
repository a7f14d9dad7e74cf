//! Counts readings one by one, in the database: only the sums and the gaps travel.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::count::{self, Recount};
use super::counted::{Counted, CountedBoots};
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Span};
use crate::ledger::{Boot, DELAYED_AFTER, Ledger, LedgerQuery, counted_from};
use crate::readings::history::TimeRange;
use crate::unavailable::Result;

#[async_trait]
impl Ledger for Postgres {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        count::completeness(self, &query).await
    }

    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp> {
        counted_from(self, device, readings).await
    }
}

impl Recount for Postgres {
    async fn recount(&self, device: Option<&str>, range: TimeRange) -> Result<CountedBoots> {
        self.pool.call("count readings", async |s| recount(&s.client, device, range).await).await
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
    SELECT device, boot, min(seq), max(seq), sum(readings)::bigint, sum(delayed)::bigint, min(oldest), max(newest),
           array_agg(before ORDER BY seq) FILTER (WHERE before < seq - 1),
           array_agg(seq ORDER BY seq) FILTER (WHERE before < seq - 1)
    FROM steps GROUP BY device, boot";

async fn recount(client: &Client, device: Option<&str>, range: TimeRange) -> Result<CountedBoots, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&device, Type::TEXT),
        (&Micros::bound(range.from), Type::TIMESTAMPTZ),
        (&Micros::bound(range.to), Type::TIMESTAMPTZ),
        (&Span(DELAYED_AFTER.as_micros() as i64), Type::INTERVAL),
    ];
    Ok(client.query_typed(SELECT, &params).await?.iter().map(counted).collect())
}

fn counted(row: &Row) -> ((String, u64), Counted) {
    let number = |column| row.get::<_, i64>(column).unsigned_abs();
    let counted = Counted {
        readings: number(4),
        delayed: number(5),
        oldest: row.get::<_, Micros>(6).time(),
        newest: row.get::<_, Micros>(7).time(),
        runs: runs(number(2), number(3), row.get(8), row.get(9)),
    };
    ((row.get(0), number(1)), counted)
}

/// From the first number to the last one, with the numbers beside each gap.
fn runs(first: u64, last: u64, before: Option<Vec<i64>>, after: Option<Vec<i64>>) -> Vec<(u64, u64)> {
    let [before, after] =
        [before, after].map(|numbers| numbers.unwrap_or_default().into_iter().map(i64::unsigned_abs));
    std::iter::once(first).chain(after).zip(before.chain([last])).collect()
}
