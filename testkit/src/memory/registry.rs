//! Devices and their credentials in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Alias, Credential, Device, DeviceType, Forgetting, Forgotten, Lifecycle, MAX_CREDENTIALS, MAX_TYPES,
    Registry, RegistryHead, Renaming, Result,
};

use telemetry::Attribute;

use super::{Data, MemoryStore, whole_micros};

/// What is stored of devices.
#[derive(Default)]
pub(super) struct Devices {
    devices: BTreeMap<String, Device>,
    credentials: BTreeMap<String, Credential>,
    forgotten: BTreeMap<String, Forgotten>,
    /// By the old name.
    aliases: BTreeMap<String, Alias>,
    types: BTreeMap<String, DeviceType>,
    head: RegistryHead,
}

impl Devices {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.devices.keys().map(String::as_str)
    }

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

    pub(super) fn import(&mut self, added: &[Device], changed: &[Device]) -> Option<u64> {
        let is_taken = added.iter().any(|device| self.devices.contains_key(&device.name));
        let is_as_expected = |device: &Device| {
            self.devices.get(&device.name).is_some_and(|stored| stored.revision == device.revision)
        };
        if is_taken || !changed.iter().all(is_as_expected) {
            return None;
        }
        let revision = self.head.revision;
        for device in added {
            self.add(device);
        }
        for device in changed {
            self.set(device);
        }
        self.head.revision = revision;
        self.counted((added.len() + changed.len()) as u64)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<u64> {
        self.devices.remove(name)?;
        self.credentials.retain(|_, credential| credential.device != name);
        self.counted(1)
    }

    pub(super) fn forget(&mut self, Forgetting { device, at, erase }: &Forgetting) -> Option<u64> {
        let at = whole_micros(*at);
        let before = self.forgotten.get(device).and_then(|forgotten| forgotten.erase_to);
        let erase_to = erase.then_some(at).or(before);
        self.forgotten.insert(device.clone(), Forgotten { device: device.clone(), at, erase_to });
        self.devices.remove(device);
        self.credentials.retain(|_, credential| credential.device != *device);
        self.counted(1)
    }

    /// Gives a device another name; None where that is taken. `has_data` says whether there are readings of the new one.
    pub(super) fn rename(&mut self, renaming: &Renaming, has_data: bool) -> Option<u64> {
        let Renaming { old, new, at, merge } = renaming;
        let at = whole_micros(*at);
        let comes_back = self.aliases.get(new).is_some_and(|alias| alias.device == *old);
        let is_alias = self.aliases.contains_key(old) || (self.aliases.contains_key(new) && !comes_back);
        let is_erased = [old, new]
            .iter()
            .any(|name| self.forgotten.get(*name).is_some_and(|forgotten| forgotten.erase_to.is_some()));
        if is_alias || is_erased || (!merge && (has_data || self.devices.contains_key(new))) {
            return None;
        }
        self.aliases.remove(new);
        self.aliases
            .values_mut()
            .filter(|alias| alias.device == *old)
            .for_each(|alias| alias.device.clone_from(new));
        let alias = Alias { old: old.clone(), device: new.clone(), since: at };
        self.aliases.insert(old.clone(), alias);
        self.forgotten.remove(new);
        if let Some(device) = self.devices.remove(old) {
            let revision = device.revision + 1;
            let renamed = Device { name: new.clone(), changed_at: at, revision, ..device };
            self.devices.entry(new.clone()).or_insert(renamed);
        }
        let own = self.credentials.values_mut().filter(|credential| credential.device == *old);
        own.for_each(|credential| credential.device.clone_from(new));
        self.counted(1)
    }

    /// Whether what was received of a device at a time is forgotten.
    pub(super) fn has_forgotten(&self, device: &str, received_at: Timestamp) -> bool {
        self.forgotten.get(device).is_some_and(|forgotten| forgotten.at >= received_at)
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

#[async_trait]
impl Lifecycle for MemoryStore {
    async fn forgotten_devices(&self) -> Result<Vec<Forgotten>> {
        Ok(self.call("forgotten_devices")?.registry.forgotten.values().cloned().collect())
    }

    async fn erase(&self, device: &str, to: Timestamp) -> Result<u64> {
        let mut data = self.call("erase")?;
        let rows = data.readings.len() + data.attributes.len() + data.announcements.len();
        data.readings
            .retain(|_, stored| stored.reading.series.device() != device || stored.reading.received_at > to);
        data.attributes.retain(|(owner, _), attribute| owner != device || attribute.since > to);
        data.announcements.retain(|announcement| {
            !telemetry::announces(&announcement.subject, device) || announcement.received_at > to
        });
        let others =
            data.rejected.erase(device, to) + data.alerts.erase(device, to) + data.commands.erase(device, to);
        let left = data.readings.len() + data.attributes.len() + data.announcements.len();
        Ok((rows - left + others) as u64)
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        Ok(self.call("aliases")?.registry.aliases.values().cloned().collect())
    }

    async fn aliases_of(&self, device: &str) -> Result<Vec<Alias>> {
        let data = self.call("aliases_of")?;
        let own = data.registry.aliases.values().filter(|alias| alias.device == device);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.old.cmp(&b.old)));
        Ok(own)
    }

    async fn renamed(&self, name: &str) -> Result<Option<String>> {
        Ok(self.call("renamed")?.registry.aliases.get(name).map(|alias| alias.device.clone()))
    }

    async fn move_history(&self, alias: &Alias) -> Result<u64> {
        Ok(self.call("move_history")?.move_history(&alias.old, &alias.device))
    }

    async fn note_erased(&self, device: &str, to: Timestamp) -> Result<()> {
        let mut data = self.call("note_erased")?;
        if let Some(forgotten) = data.registry.forgotten.get_mut(device)
            && forgotten.erase_to == Some(to)
        {
            forgotten.erase_to = None;
        }
        Ok(())
    }
}

impl Data {
    /// Moves all that is stored under an old name to the device; returns how many readings those were.
    pub(super) fn move_history(&mut self, old: &str, device: &str) -> u64 {
        let moved = self.move_readings(old, device);
        let attributes: Vec<_> = self.attributes.extract_if(.., |(owner, _), _| owner == old).collect();
        for ((_, name), attribute) in attributes {
            let attribute = Attribute { device: device.to_owned(), ..attribute };
            self.attributes.entry((device.to_owned(), name)).or_insert(attribute);
        }
        self.alerts.rename(old, device);
        self.commands.rename(old, device);
        for silence in self.silences.iter_mut().filter(|silence| silence.device.as_str() == old) {
            silence.device = device.parse().unwrap();
        }
        moved
    }
}
