//! The registry: devices that people know, and what they log in with.
//!
//! It is changed by [`AccessStore::change`](crate::AccessStore::change), with a record in the audit.

pub(crate) mod aliases;
pub(crate) mod credentials;
pub(crate) mod devices;
mod erasure;
pub(crate) mod forgotten;
pub(crate) mod lifecycle;
mod moving;
pub(crate) mod types;

use async_trait::async_trait;

use self::credentials::Credential;
use self::devices::Device;
use self::types::DeviceType;
use crate::engine::columns::at_most;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Devices that are read at once.
const AT_ONCE: usize = 1_000;

/// How often the registry was changed, and up to which change the brokers have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistryHead {
    /// Changes so far.
    pub revision: i64,
    /// Changes that the brokers have.
    pub applied: i64,
}

/// Where devices and their credentials are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Devices after this name, by name, at most `limit`.
    async fn devices(&self, after: &str, limit: usize) -> Result<Vec<Device>>;

    /// All devices, by name.
    async fn all_devices(&self) -> Result<Vec<Device>> {
        let mut all: Vec<Device> = Vec::new();
        loop {
            let after = all.last().map(|last| last.name.clone()).unwrap_or_default();
            let page = self.devices(&after, AT_ONCE).await?;
            let is_last = page.len() < AT_ONCE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// One device.
    async fn device(&self, name: &str) -> Result<Option<Device>>;

    /// All credentials, or those of a device, by their user name.
    async fn credentials(&self, device: Option<&str>) -> Result<Vec<Credential>>;

    /// All types of devices, by name.
    async fn device_types(&self) -> Result<Vec<DeviceType>>;

    /// One type of devices.
    async fn device_type(&self, name: &str) -> Result<Option<DeviceType>>;

    /// How often the registry was changed, and up to which change the brokers have it.
    async fn registry_head(&self) -> Result<RegistryHead>;

    /// Notes that the brokers have the registry as it was after this many changes.
    async fn note_applied(&self, revision: i64) -> Result<()>;
}

#[async_trait]
impl<E: Engine> Registry for E {
    async fn devices(&self, after: &str, limit: usize) -> Result<Vec<Device>> {
        self.query(devices::select_after(after, at_most(limit)), devices::read).await
    }

    async fn device(&self, name: &str) -> Result<Option<Device>> {
        Ok(self.query(devices::select(name), devices::read).await?.pop())
    }

    async fn credentials(&self, device: Option<&str>) -> Result<Vec<Credential>> {
        self.query(credentials::select(device), credentials::read).await
    }

    async fn device_types(&self) -> Result<Vec<DeviceType>> {
        self.query(types::select(), types::read).await
    }

    async fn device_type(&self, name: &str) -> Result<Option<DeviceType>> {
        Ok(self.query(types::select_one(name), types::read).await?.pop())
    }

    async fn registry_head(&self) -> Result<RegistryHead> {
        const SELECT: &str = "SELECT revision, applied FROM registry_head WHERE id = 1";
        let read = |row: &crate::engine::row::Row<'_>| {
            Ok(RegistryHead { revision: row.get(0)?, applied: row.get(1)? })
        };
        let heads = self.query(Statement::new("read the registry's revision", SELECT, []), read).await?;
        Ok(heads.into_iter().next().unwrap_or_default())
    }

    async fn note_applied(&self, revision: i64) -> Result<()> {
        const UPDATE: &str = "UPDATE registry_head SET applied = $1 WHERE id = 1 AND applied < $1";
        let note = Statement::new("note what the brokers have", UPDATE, [revision.into()]);
        self.execute(note).await.map(drop)
    }
}

/// Counts a change, so that the brokers get it.
pub(crate) fn count() -> Statement {
    const UPDATE: &str = "UPDATE registry_head SET revision = revision + 1 WHERE id = 1";
    Statement::new("count a change of the registry", UPDATE, [])
}
