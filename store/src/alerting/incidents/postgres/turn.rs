//! One change of incidents or notifications at a time, over all processes.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

/// The lock for changes of incidents and notifications: "Incident" in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"Incident");

/// A transaction that changes incidents or notifications, after those that others have begun.
///
/// Two alerters that evaluate the same readings at once, each in its own order, would wait for each other without an end; and who
/// is notified of the end depends on what is being decided.
pub(crate) async fn in_turn(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client.transaction().await?;
    transaction.execute_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    Ok(transaction)
}
