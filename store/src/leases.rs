//! Leases: jobs that one process at a time may do, for a limited time.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::time::Duration;

use async_trait::async_trait;

use crate::text_codec::text_codec;
use crate::unavailable::Result;

/// A job for one process at a time: the one that holds its lease, which ends unless it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Sending notifications.
    Outbox,
    /// Opening incidents for series that are silent.
    Absence,
    /// Giving devices their users in the broker.
    Provision,
    /// Sending notices about Millrace itself.
    Notices,
    /// Sending commands to devices.
    Commands,
    /// Asking edges for what does not arrive.
    Uplinks,
}

/// Where leases are stored.
///
/// # Errors
/// Every call: nothing is known of who holds the lease; repeat the call.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Acquires or renews a lease, by the store's clock; false while another process holds it.
    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool>;

    /// Takes a lease over from any holder.
    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()>;

    /// Gives a lease up at once; does nothing where another process holds it.
    async fn release(&self, lease: Lease, holder: &str) -> Result<()>;
}

text_codec!(Lease: Outbox "outbox", Absence "absence", Provision "provision", Notices "notices", Commands "commands", Uplinks "uplinks");
