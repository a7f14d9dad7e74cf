//! The registry as a process knows it: which devices are known, and what they log in with.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use store::{Credential, Store};
use telemetry::{Decoded, Message, Reading, Rejected, Series};
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
    /// Devices whose readings are neither awaited nor taken.
    retired: HashSet<Box<str>>,
    credentials: HashMap<Box<str>, Credential>,
    /// Devices with credentials: they alone publish what is theirs.
    protected: HashSet<Box<str>>,
    /// Devices that were forgotten, and when.
    forgotten: HashMap<Box<str>, Timestamp>,
    /// What devices are called now, by names that they had.
    aliases: HashMap<Box<str>, Box<str>>,
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
        is_or_is_below(self.current_name(device), &self.protected) || is_or_is_below(device, &self.protected)
    }

    /// What the device is called now that has, or had, this name.
    #[must_use]
    pub fn current_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, |device| device)
    }

    /// The name of a device and all that it had.
    pub fn names_of<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a str> {
        let had = self.aliases.iter().filter(move |(_, current)| ***current == *device);
        std::iter::once(device).chain(had.map(|(old, _)| &**old))
    }

    /// Whether devices have the same names as in another registry.
    #[must_use]
    pub fn has_names_of(&self, other: &Self) -> bool {
        self.aliases == other.aliases
    }

    /// Up to when what was received of a device is no reason to wait for it: it was forgotten, or is retired. None of other devices.
    #[must_use]
    pub fn unwatched_until(&self, device: &str) -> Option<Timestamp> {
        // No device has an old name any more.
        if self.aliases.contains_key(device) || self.retired.contains(device) {
            return Some(Timestamp::MAX);
        }
        self.forgotten.get(device).copied()
    }

    /// Whether what was received of a device at a time is not evaluated.
    #[must_use]
    pub fn is_unwatched(&self, device: &str, received_at: Timestamp) -> bool {
        self.unwatched_until(device).is_some_and(|at| received_at <= at)
    }

    /// User names whose credentials are not in a newer registry, or not the same there. That their device was given another name
    /// changes nothing for who has connected with them.
    pub fn changed_in<'a>(&'a self, newer: &'a Self) -> impl Iterator<Item = &'a str> {
        let is_same = |old: &Credential| {
            let named = |new: &Credential| Credential { device: old.device.clone(), ..new.clone() };
            newer.credential(&old.user).map(named).as_ref() == Some(old)
        };
        let changed = self.credentials.iter().filter(move |(_, credential)| !is_same(credential));
        changed.map(|(user, _)| &**user)
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
    /// Whether any device had another name, or is retired: mostly there is none, and then no reading is looked at.
    has_aliases: Arc<AtomicBool>,
    has_retired: Arc<AtomicBool>,
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
        let (known, is_loaded, has_aliases, has_retired) = Default::default();
        Self { unknown, known, is_loaded, has_aliases, has_retired, registered }
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
        let devices = store.all_devices().await?;
        let retired: HashSet<Box<str>> = devices
            .iter()
            .filter(|device| device.retired)
            .map(|device| device.name.as_str().into())
            .collect();
        self.has_retired.store(!retired.is_empty(), Ordering::Relaxed);
        let devices: HashSet<Box<str>> = devices.into_iter().map(|device| device.name.into()).collect();
        let credentials = store.credentials(None).await?;
        let forgotten = store.forgotten_devices().await?;
        let forgotten = forgotten.into_iter().map(|one| (one.device.into(), one.at)).collect();
        let aliases: HashMap<_, _> =
            store.aliases().await?.into_iter().map(|alias| (alias.old.into(), alias.device.into())).collect();
        self.has_aliases.store(!aliases.is_empty(), Ordering::Relaxed);
        self.registered.set(devices.len() as i64);
        let protected = credentials.iter().map(|credential| credential.device.as_str().into()).collect();
        let credentials =
            credentials.into_iter().map(|credential| (credential.user.as_str().into(), credential)).collect();
        let known = Arc::new(Registered { devices, retired, credentials, protected, forgotten, aliases });
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

    /// Gives what came under an old name of a device to the device.
    pub(crate) fn rename(&self, decoded: &mut Decoded) {
        if !self.has_aliases.load(Ordering::Relaxed) {
            return;
        }
        let known = self.known();
        for reading in &mut decoded.readings {
            if let Some(device) = known.aliases.get(reading.series.device())
                && let Ok(series) = Series::new(reading.series.metric(), device)
            {
                reading.series = series;
            }
        }
        for attribute in decoded.metadata.iter_mut().flat_map(|metadata| &mut metadata.attributes) {
            if let Some(device) = known.aliases.get(&*attribute.device) {
                attribute.device = device.to_string();
            }
        }
    }

    /// Rejects readings of devices that are retired, and of such that nobody has registered, unless they are accepted.
    pub(crate) fn check(&self, decoded: &mut Decoded, message: &Message) {
        if self.unknown == UnknownDevices::Accept && !self.has_retired.load(Ordering::Relaxed) {
            return;
        }
        let known = self.known();
        let is_taken = |device: &str| {
            !known.retired.contains(device)
                && (self.unknown == UnknownDevices::Accept || known.has_device(device))
        };
        if let Some(metadata) = &mut decoded.metadata {
            metadata.attributes.retain(|attribute| is_taken(&attribute.device));
        }
        let is_other = |reading: &mut Reading| !is_taken(reading.series.device());
        let mut others: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
        for reading in decoded.readings.extract_if(.., is_other) {
            others.entry(reading.series.device().to_owned()).or_default().push(reading);
        }
        // A gateway's message may hold readings of known devices, too: resent with the others, they are not stored twice.
        for (device, readings) in others {
            let reason = self.reason(&device, known.retired.contains(&*device));
            decoded.reject(message, &readings, &reason);
        }
    }

    fn reason(&self, device: &str, is_retired: bool) -> String {
        match self.unknown {
            _ if is_retired => {
                format!(
                    "the device {device} is retired: millrace device retire {device} --undo takes its readings again"
                )
            }
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

    fn view(unknown: UnknownDevices, registered: Registered) -> RegistryView {
        let view = RegistryView::new(unknown, &Metrics::default());
        view.has_aliases.store(!registered.aliases.is_empty(), Ordering::Relaxed);
        view.has_retired.store(!registered.retired.is_empty(), Ordering::Relaxed);
        *view.known.write().unwrap() = Arc::new(registered);
        view
    }

    #[test]
    fn what_comes_under_an_old_name_is_the_devices() {
        let aliases = [("old".into(), "site/new".into())].into();
        let registered = Registered { aliases, protected: known(&["site/new"]), ..Registered::default() };
        assert!(registered.is_protected("old") && !registered.is_protected("other"));
        assert_eq!(registered.names_of("site/new").collect::<Vec<_>>(), ["site/new", "old"]);
        assert_eq!(registered.unwatched_until("old"), Some(Timestamp::MAX));
        let view = view(UnknownDevices::Accept, registered);
        for (topic, expected) in
            [("temperature/old", "temperature/site/new"), ("temperature/old/x", "temperature/old/x")]
        {
            let message =
                Message { topic: topic.into(), payload: "1".into(), received_at: Timestamp::UNIX_EPOCH };
            let mut decoded = message.decode();
            view.rename(&mut decoded);
            assert_eq!(decoded.readings[0].series.as_str(), expected);
        }
    }

    #[test]
    fn readings_of_a_retired_device_are_rejected_whatever_becomes_of_unknown_ones() {
        for unknown in [UnknownDevices::Accept, UnknownDevices::Hold] {
            let registered = Registered {
                devices: known(&["lab", "on"]),
                retired: known(&["lab"]),
                ..Registered::default()
            };
            let view = view(unknown, registered);
            for (topic, is_taken) in [("temperature/lab", false), ("temperature/on", true)] {
                let message =
                    Message { topic: topic.into(), payload: "1".into(), received_at: Timestamp::UNIX_EPOCH };
                let mut decoded = message.decode();
                view.check(&mut decoded, &message);
                assert_eq!(decoded.readings.len(), usize::from(is_taken), "{topic}");
                assert!(decoded.rejected.iter().all(|rejected| rejected.reason.contains("is retired")));
                assert_eq!(decoded.rejected.len(), usize::from(!is_taken));
            }
        }
    }
}
