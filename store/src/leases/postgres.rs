//! Leases: exclusive jobs that one process holds for a limited time.

use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use crate::engine::columns::Word;
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Param, Span, text};
use crate::leases::{Lease, Leases};
use crate::unavailable::Result;

#[async_trait]
impl Leases for Postgres {
    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool> {
        self.pool.call("acquire a lease", async |s| acquire(&s.client, lease, holder, ttl).await).await
    }

    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()> {
        self.pool.call("take over a lease", async |s| take_over(&s.client, lease, holder, ttl).await).await
    }

    async fn release(&self, lease: Lease, holder: &str) -> Result<()> {
        self.pool.call("release a lease", async |s| release(&s.client, lease, holder).await).await
    }
}

/// The longest lease, some thirty years, in microseconds: beyond any use, within any date.
const MAX_LEASE: i64 = 1_000_000_000_000_000;

/// Returns whether the holder has it now.
pub(crate) async fn acquire(
    client: &Client,
    lease: Lease,
    holder: &str,
    ttl: Duration,
) -> Result<bool, Error> {
    const ACQUIRE: &str = "
        INSERT INTO leases AS held (name, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE held.holder = excluded.holder OR held.until <= clock_timestamp()";
    take(client, ACQUIRE, lease, holder, ttl).await
}

pub(crate) async fn take_over(
    client: &Client,
    lease: Lease,
    holder: &str,
    ttl: Duration,
) -> Result<(), Error> {
    const TAKE_OVER: &str = "
        INSERT INTO leases (name, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until";
    take(client, TAKE_OVER, lease, holder, ttl).await.map(drop)
}

async fn take(client: &Client, sql: &str, lease: Lease, holder: &str, ttl: Duration) -> Result<bool, Error> {
    let until = Span(i64::try_from(ttl.as_micros()).unwrap_or(MAX_LEASE).min(MAX_LEASE));
    let params: [Param<'_>; 3] =
        [(&Word(lease), Type::TEXT), (&text(holder), Type::TEXT), (&until, Type::INTERVAL)];
    Ok(client.execute_typed(sql, &params).await? == 1)
}

pub(crate) async fn release(client: &Client, lease: Lease, holder: &str) -> Result<(), Error> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = $1 AND holder = $2";
    let params: [Param<'_>; 2] = [(&Word(lease), Type::TEXT), (&text(holder), Type::TEXT)];
    client.execute_typed(RELEASE, &params).await?;
    Ok(())
}
