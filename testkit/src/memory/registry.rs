//! Devices and their credentials in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{Credential, Device, DeviceType, MAX_CREDENTIALS, MAX_TYPES, Registry, RegistryHead, Result};

use super::{MemoryStore, whole_micros};

/// What is stored of devices.
#[derive(Default)]
pub(super) struct Devices {
    devices: BTreeMap<String, Device>,
    credentials: BTreeMap<String, Credential>,
    types: BTreeMap<String, DeviceType>,
    head: RegistryHead,
}

impl Devices {
    pub(super) fn add(&mut self, device: &Device) -> Option<u64> {
        if self.devices.contains_key(&device.name) {
            return None;
        }
        let at = whole_micros(device.created_at);
        let device = Device { created_at: at, changed_at: at, revision: 0, ..device.clone() };
        self.devices.insert(device.name.clone(), device);
        self.counted(1)
    }

    pub(super) fn set(&mut self, device: &Device) -> Option<u64> {
        let stored =
            self.devices.get_mut(&device.name).filter(|stored| stored.revision == device.revision)?;
        *stored = Device {
            created_at: stored.created_at,
            changed_at: whole_micros(device.changed_at),
            revision: device.revision + 1,
            ..device.clone()
        };
        self.counted(1)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<u64> {
        self.devices.remove(name)?;
        self.credentials.retain(|_, credential| credential.device != name);
        self.counted(1)
    }

    pub(super) fn add_credential(&mut self, credential: &Credential, at: Timestamp) -> Option<u64> {
        let of_device = self.credentials.values().filter(|stored| stored.device == credential.device);
        if self.credentials.contains_key(&credential.user) || of_device.count() >= MAX_CREDENTIALS {
            return None;
        }
        let new = Device::new(&credential.device, whole_micros(at));
        let before = self.devices.len();
        self.devices.entry(credential.device.clone()).or_insert(new);
        let added = (self.devices.len() - before) as u64;
        let credential = Credential { created_at: whole_micros(credential.created_at), ..credential.clone() };
        self.credentials.insert(credential.user.clone(), credential);
        self.counted(1 + added)
    }

    pub(super) fn revoke(&mut self, user: &str) -> Option<u64> {
        self.credentials.remove(user)?;
        self.counted(1)
    }

    pub(super) fn add_type(&mut self, new: &DeviceType) -> Option<u64> {
        if self.types.contains_key(&new.name) || self.types.len() >= MAX_TYPES {
            return None;
        }
        let changed_at = whole_micros(new.changed_at);
        self.types.insert(new.name.clone(), DeviceType { changed_at, revision: 0, ..new.clone() });
        self.counted(1)
    }

    pub(super) fn set_type(&mut self, new: &DeviceType) -> Option<u64> {
        let stored = self.types.get_mut(&new.name).filter(|stored| stored.revision == new.revision)?;
        let changed_at = whole_micros(new.changed_at);
        *stored = DeviceType { changed_at, revision: new.revision + 1, ..new.clone() };
        self.counted(1)
    }

    pub(super) fn remove_type(&mut self, name: &str) -> Option<u64> {
        self.types.remove(name)?;
        self.counted(1)
    }

    /// When the device with this subject was registered.
    pub(super) fn created_at(&self, subject: &str) -> Option<Timestamp> {
        let mut devices = self.devices.values();
        devices
            .find(|device| telemetry::device_subject(&device.name) == subject)
            .map(|device| device.created_at)
    }

    /// The rows of a change, and the one that counts it.
    fn counted(&mut self, rows: u64) -> Option<u64> {
        self.head.revision += 1;
        Some(rows + 1)
    }
}

#[async_trait]
impl Registry for MemoryStore {
    async fn devices(&self, after: &str, limit: usize) -> Result<Vec<Device>> {
        let data = self.call("devices")?;
        let later = data.registry.devices.values().filter(|device| &*device.name > after);
        Ok(later.take(limit).cloned().collect())
    }

    async fn device(&self, name: &str) -> Result<Option<Device>> {
        Ok(self.call("device")?.registry.devices.get(name).cloned())
    }

    async fn credentials(&self, device: Option<&str>) -> Result<Vec<Credential>> {
        let data = self.call("credentials")?;
        let wanted = |stored: &&Credential| device.is_none_or(|device| stored.device == device);
        Ok(data.registry.credentials.values().filter(wanted).cloned().collect())
    }

    async fn device_types(&self) -> Result<Vec<DeviceType>> {
        Ok(self.call("device_types")?.registry.types.values().cloned().collect())
    }

    async fn device_type(&self, name: &str) -> Result<Option<DeviceType>> {
        Ok(self.call("device_type")?.registry.types.get(name).cloned())
    }

    async fn registry_head(&self) -> Result<RegistryHead> {
        Ok(self.call("registry_head")?.registry.head)
    }

    async fn note_applied(&self, revision: i64) -> Result<()> {
        let mut data = self.call("note_applied")?;
        data.registry.head.applied = data.registry.head.applied.max(revision);
        Ok(())
    }
}
