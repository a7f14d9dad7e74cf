//! Rights that one process has for a time.

use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::columns::{Param, Span, Word, text};
use crate::Right;

/// The longest lease, some thirty years, in microseconds: beyond any use, within any date.
const MAX_LEASE: i64 = 1_000_000_000_000_000;

/// Returns whether the holder has it now.
pub(super) async fn hold(
    client: &Client,
    right: Right,
    holder: &str,
    lease: Duration,
) -> Result<bool, Error> {
    const TAKE: &str = "
        INSERT INTO leases AS held (name, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE held.holder = excluded.holder OR held.until <= clock_timestamp()";
    take(client, TAKE, right, holder, lease).await
}

pub(super) async fn seize(client: &Client, right: Right, holder: &str, lease: Duration) -> Result<(), Error> {
    const SEIZE: &str = "
        INSERT INTO leases (name, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until";
    take(client, SEIZE, right, holder, lease).await.map(drop)
}

async fn take(
    client: &Client,
    sql: &str,
    right: Right,
    holder: &str,
    lease: Duration,
) -> Result<bool, Error> {
    let lease = Span(i64::try_from(lease.as_micros()).unwrap_or(MAX_LEASE).min(MAX_LEASE));
    let params: [Param<'_>; 3] =
        [(&Word(right), Type::TEXT), (&text(holder), Type::TEXT), (&lease, Type::INTERVAL)];
    Ok(client.execute_typed(sql, &params).await? == 1)
}

pub(super) async fn release(client: &Client, right: Right, holder: &str) -> Result<(), Error> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = $1 AND holder = $2";
    let params: [Param<'_>; 2] = [(&Word(right), Type::TEXT), (&text(holder), Type::TEXT)];
    client.execute_typed(RELEASE, &params).await?;
    Ok(())
}
