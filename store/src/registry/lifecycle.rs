//! What becomes of devices beyond the registry: which were forgotten, which got other names, and their history.

use async_trait::async_trait;
use jiff::Timestamp;

use super::aliases::{self, Alias};
use super::forgotten::{self, Forgotten};
use super::{erasure, moving};
use crate::engine::statement::Engine;
use crate::unavailable::Result;

/// Where it is stored which devices were forgotten, and which got other names.
///
/// They are forgotten and renamed by [`AccessStore::change`](crate::AccessStore::change), with a record in the audit.
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

    /// All names that devices had.
    async fn aliases(&self) -> Result<Vec<Alias>>;

    /// The names that a device had, the newest first.
    async fn aliases_of(&self, device: &str) -> Result<Vec<Alias>>;

    /// What the device is called now that had this name; none where no device had it.
    async fn renamed(&self, name: &str) -> Result<Option<String>>;

    /// Moves what is stored under an old name to the device, a chunk at a time; returns how many rows those were.
    ///
    /// # Errors
    /// Some may be left: repeat the call.
    async fn move_history(&self, alias: &Alias) -> Result<u64>;
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

    async fn aliases(&self) -> Result<Vec<Alias>> {
        self.query(aliases::select(), aliases::read).await
    }

    async fn aliases_of(&self, device: &str) -> Result<Vec<Alias>> {
        self.query(aliases::select_of(device), aliases::read).await
    }

    async fn renamed(&self, name: &str) -> Result<Option<String>> {
        let found = self.query(aliases::select_one(name), aliases::read).await?.pop();
        Ok(found.map(|alias| alias.device))
    }

    async fn move_history(&self, alias: &Alias) -> Result<u64> {
        moving::move_history(self, alias).await
    }
}
