//! What becomes of devices beyond the registry: which were forgotten, and their history.

use async_trait::async_trait;
use jiff::Timestamp;

use super::erasure;
use super::forgotten::{self, Forgotten};
use crate::engine::statement::Engine;
use crate::unavailable::Result;

/// Where it is stored which devices were forgotten.
///
/// They are forgotten by [`AccessStore::change`](crate::AccessStore::change), with a record in the audit.
///
/// # Errors
/// Every call: repeat it; unless it says more, nothing was changed.
#[async_trait]
pub trait Lifecycle: Send + Sync {
    /// All devices that were forgotten, by name.
    async fn forgotten_devices(&self) -> Result<Vec<Forgotten>>;

    /// Deletes what was received of a device up to a time, a chunk at a time: live writes go on in between. Returns how many
    /// rows those were.
    ///
    /// # Errors
    /// Some may be left: repeat the call.
    async fn erase(&self, device: &str, to: Timestamp) -> Result<u64>;

    /// Notes that all that was received of a device up to this time is deleted.
    async fn note_erased(&self, device: &str, to: Timestamp) -> Result<()>;
}

#[async_trait]
impl<E: Engine> Lifecycle for E {
    async fn forgotten_devices(&self) -> Result<Vec<Forgotten>> {
        self.query(forgotten::select(), forgotten::read).await
    }

    async fn erase(&self, device: &str, to: Timestamp) -> Result<u64> {
        erasure::erase(self, device, to).await
    }

    async fn note_erased(&self, device: &str, to: Timestamp) -> Result<()> {
        self.execute(forgotten::note_erased(device, to)).await.map(drop)
    }
}
