//! The registry as a process knows it: which devices are known, and what they log in with.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use store::{Credential, Store};
use telemetry::{Decoded, Message, Reading, Rejected};
use tracing::{debug, info};

use crate::{Metrics, SettingError, Settings};

/// How often it is looked whether the registry was changed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What becomes of readings of devices that nobody has registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownDevices {
    /// They are stored.
    Accept,
    /// They are kept as rejected, and stored with their own times once the device is registered.
    Hold,
    /// They are rejected, and devices without a credential may not connect.
    Refuse,
}

/// What is known of the registry at one time.
#[derive(Debug, Default)]
pub struct Registered {
    devices: HashSet<Box<str>>,
    credentials: HashMap<Box<str>, Credential>,
    /// Devices with credentials: they alone publish what is theirs.
    protected: HashSet<Box<str>>,
    /// Devices that were forgotten, and when.
    forgotten: HashMap<Box<str>, Timestamp>,
}

impl Registered {
    /// The credential with this user name.
    #[must_use]
    pub fn credential(&self, user: &str) -> Option<&Credential> {
        self.credentials.get(user)
    }

    /// All credentials.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.values()
    }

    /// Whether a device is registered, or lies below one that has a credential.
    #[must_use]
    pub fn has_device(&self, device: &str) -> bool {
        self.devices.contains(device) || self.is_protected(device)
    }

    /// Whether a device has a credential, or lies below one that has.
    #[must_use]
    pub fn is_protected(&self, device: &str) -> bool {
        is_or_is_below(device, &self.protected)
    }

    /// Up to when what was received of a device is forgotten; none of a device that never was.
    #[must_use]
    pub fn forgotten_at(&self, device: &str) -> Option<Timestamp> {
        self.forgotten.get(device).copied()
    }

    /// Whether what was received of a device at a time is forgotten.
    #[must_use]
    pub fn has_forgotten(&self, device: &str, received_at: Timestamp) -> bool {
        self.forgotten_at(device).is_some_and(|at| received_at <= at)
    }

    /// User names whose credentials are not in a newer registry, or not the same there.
    pub fn changed_in<'a>(&'a self, newer: &'a Self) -> impl Iterator<Item = &'a str> {
        self.credentials
            .iter()
            .filter(|(user, credential)| newer.credential(user) != Some(credential))
            .map(|(user, _)| &**user)
    }
}

fn is_or_is_below(device: &str, known: &HashSet<Box<str>>) -> bool {
    if known.is_empty() {
        return false;
    }
    let ends = device.match_indices('/').map(|(at, _)| at).chain([device.len()]);
    ends.into_iter().any(|end| known.contains(&device[..end]))
}

/// The registry as this process knows it, at most a second old. Clones share it.
#[derive(Debug, Clone)]
pub struct RegistryView {
    unknown: UnknownDevices,
    known: Arc<RwLock<Arc<Registered>>>,
    /// Whether the registry was ever read.
    is_loaded: Arc<AtomicBool>,
    registered: Gauge,
}

impl RegistryView {
    /// Knows no device yet.
    ///
    /// # Errors
    /// The setting `devices.unknown` is wrong.
    pub fn from_settings(settings: &Settings, metrics: &Metrics) -> Result<Self, SettingError> {
        Ok(Self::new(settings.get("devices.unknown")?, metrics))
    }

    /// Knows no device yet, and does this with readings of unknown ones.
    #[must_use]
    pub fn new(unknown: UnknownDevices, metrics: &Metrics) -> Self {
        let registered = metrics.of("registry").register("devices", "Devices that are registered");
        Self { unknown, known: Arc::default(), is_loaded: Arc::default(), registered }
    }

    /// What becomes of readings of devices that nobody has registered.
    #[must_use]
    pub fn unknown(&self) -> UnknownDevices {
        self.unknown
    }

    /// What is registered now.
    #[must_use]
    pub fn known(&self) -> Arc<Registered> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the registry was ever read: until then nobody is known, and nothing may be concluded from that.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Relaxed)
    }

    /// Reads the registry, and returns the number of changes it has seen.
    ///
    /// # Errors
    /// The store does not answer: what was known stays.
    pub async fn load(&self, store: &dyn Store) -> store::Result<i64> {
        // The revision first: what is changed while the rest is read is read once more.
        let revision = store.registry_head().await?.revision;
        let devices: HashSet<Box<str>> =
            store.all_devices().await?.into_iter().map(|device| device.name.into()).collect();
        let credentials = store.credentials(None).await?;
        let forgotten = store.forgotten_devices().await?;
        let forgotten = forgotten.into_iter().map(|one| (one.device.into(), one.at)).collect();
        self.registered.set(devices.len() as i64);
        let protected = credentials.iter().map(|credential| credential.device.as_str().into()).collect();
        let credentials =
            credentials.into_iter().map(|credential| (credential.user.as_str().into(), credential)).collect();
        let known = Arc::new(Registered { devices, credentials, protected, forgotten });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        self.is_loaded.store(true, Ordering::Relaxed);
        Ok(revision)
    }

    /// Waits for changes beyond those that were seen, and reads the registry this long after. Returns what was known before
    /// and how many changes are seen now.
    pub async fn changed(
        &self,
        store: &dyn Store,
        delay: Duration,
        seen: Option<i64>,
    ) -> (Arc<Registered>, i64) {
        loop {
            match self.look(store, delay, seen).await {
                Ok(Some(change)) => return change,
                Ok(None) => {}
                Err(e) => debug!("cannot read the registry: {e}"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(
        &self,
        store: &dyn Store,
        delay: Duration,
        seen: Option<i64>,
    ) -> store::Result<Option<(Arc<Registered>, i64)>> {
        if seen == Some(store.registry_head().await?.revision) {
            return Ok(None);
        }
        tokio::time::sleep(delay).await;
        let before = self.known();
        Ok(Some((before, self.load(store).await?)))
    }

    /// Rejects readings of devices that nobody has registered, unless they are accepted.
    pub(crate) fn check(&self, decoded: &mut Decoded, message: &Message) {
        if self.unknown == UnknownDevices::Accept {
            return;
        }
        let known = self.known();
        if let Some(metadata) = &mut decoded.metadata {
            metadata.attributes.retain(|attribute| known.has_device(&attribute.device));
        }
        let mut unknown: Vec<String> = Vec::new();
        decoded.readings.retain(|reading: &Reading| {
            let device = reading.series.device();
            let is_known = known.has_device(device);
            if !is_known && !unknown.iter().any(|name| name == device) {
                unknown.push(device.to_owned());
            }
            is_known
        });
        // A gateway's message may hold readings of known devices, too: resent with the others, they are not stored twice.
        for device in unknown {
            decoded.rejected.extend(message.clone().rejected(self.reason(&device)).rejected);
        }
    }

    fn reason(&self, device: &str) -> String {
        match self.unknown {
            UnknownDevices::Refuse => {
                format!("nobody has registered the device {device}: see devices.unknown")
            }
            _ => Rejected::held(device),
        }
    }
}

/// Says once what the setting means.
pub fn say_unknown(unknown: UnknownDevices) {
    let held = match unknown {
        UnknownDevices::Accept => return,
        UnknownDevices::Hold => "are held until somebody does",
        UnknownDevices::Refuse => "are refused",
    };
    info!("readings of devices that nobody has registered {held}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(devices: &[&str]) -> HashSet<Box<str>> {
        devices.iter().map(|device| (*device).into()).collect()
    }

    #[test]
    fn what_lies_below_a_known_device_is_known() {
        let some = known(&["lab", "site-a/rack-1"]);
        for (device, expected) in [
            ("lab", true),
            ("lab/inside", true),
            ("lab2", false),
            ("site-a", false),
            ("site-a/rack-1", true),
            ("site-a/rack-1/left/top", true),
            ("site-a/rack-10", false),
            ("", false),
        ] {
            assert_eq!(is_or_is_below(device, &some), expected, "{device}");
        }
        assert!(!is_or_is_below("lab", &known(&[])));
    }
}
