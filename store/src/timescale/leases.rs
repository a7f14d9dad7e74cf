//! Rights that one process has for a time.

use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::columns::Span;

/// The right to send mails.
const OUTBOX: &str = "outbox";

/// The longest lease, some thirty years, in microseconds: beyond any use, within any date.
const MAX_LEASE: i64 = 1_000_000_000_000_000;

/// Returns whether the holder has it now.
pub(super) async fn hold_outbox(client: &Client, holder: &str, lease: Duration) -> Result<bool, Error> {
    const TAKE: &str = "
        INSERT INTO leases AS held (name, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE held.holder = excluded.holder OR held.until <= clock_timestamp()";
    let lease = Span(i64::try_from(lease.as_micros()).unwrap_or(MAX_LEASE).min(MAX_LEASE));
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&OUTBOX, Type::TEXT), (&holder, Type::TEXT), (&lease, Type::INTERVAL)];
    Ok(client.execute_typed(TAKE, &params).await? == 1)
}

pub(super) async fn release_outbox(client: &Client, holder: &str) -> Result<(), Error> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = $1 AND holder = $2";
    client.execute_typed(RELEASE, &[(&OUTBOX, Type::TEXT), (&holder, Type::TEXT)]).await?;
    Ok(())
}
