//! Silences as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use crate::alerting::silences::{Silence, Silences};
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Param, text};
use crate::unavailable::Result;

#[async_trait]
impl Silences for Postgres {
    async fn add_silence(&self, silence: &Silence) -> Result<()> {
        self.pool.call("keep a silence", async |s| add(&s.client, silence).await).await
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        self.pool.call("end a silence", async |s| end(&s.client, id, at).await).await
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        self.pool.call("read silences", async |s| ending_after(&s.client, after).await).await
    }
}

/// One that is there already stays as it is.
pub(crate) async fn add(client: &Client, silence: &Silence) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO silences (id, rule, metric, device, starts_at, ends_at, reason, made_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (id) DO NOTHING";
    let Silence { id, rule, metric, device, from, until, reason, by } = silence;
    let params: [Param<'_>; 8] = [
        (&text(id), Type::TEXT),
        (&rule.as_deref().map(text), Type::TEXT),
        (&metric.as_deref().map(text), Type::TEXT),
        (&device.as_str(), Type::TEXT),
        (&Micros::of(*from), Type::TIMESTAMPTZ),
        (&Micros::of(*until), Type::TIMESTAMPTZ),
        (&text(reason), Type::TEXT),
        (&text(by), Type::TEXT),
    ];
    client.execute_typed(INSERT, &params).await?;
    Ok(())
}

/// Returns whether there is such a silence.
pub(crate) async fn end(client: &Client, id: &str, at: Timestamp) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE silences SET ends_at = least(ends_at, $2) WHERE id = $1";
    let params: [Param<'_>; 2] = [(&text(id), Type::TEXT), (&Micros::of(at), Type::TIMESTAMPTZ)];
    Ok(client.execute_typed(UPDATE, &params).await? == 1)
}

/// One whose pattern is none was not made by Millrace.
pub(crate) async fn ending_after(client: &Client, after: Timestamp) -> Result<Vec<Silence>, Error> {
    const SELECT: &str = "
        SELECT id, rule, metric, device, starts_at, ends_at, reason, made_by FROM silences
        WHERE ends_at > $1 ORDER BY starts_at, number";
    let rows = client.query_typed(SELECT, &[(&Micros::of(after), Type::TIMESTAMPTZ)]).await?;
    Ok(rows.iter().filter_map(read).collect())
}

fn read(row: &Row) -> Option<Silence> {
    Some(Silence {
        id: row.get(0),
        rule: row.get(1),
        metric: row.get(2),
        device: row.get::<_, &str>(3).parse().ok()?,
        from: row.get::<_, Micros>(4).time(),
        until: row.get::<_, Micros>(5).time(),
        reason: row.get(6),
        by: row.get(7),
    })
}
