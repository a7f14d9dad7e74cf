//! A store in memory.

mod access;
mod alerting;
mod announcements;
mod attributes;
mod clock_runs;
mod commands;
mod idempotency;
mod leases;
mod ledger;
mod notices;
mod outbox;
mod readings;
mod registry;
mod rejections;
mod uplinks;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use store::{OwnReaders, Result, RetentionClock, Silence, Store, StoredReading, Unavailable, UplinkRun};
use telemetry::{Announcement, Attribute, Clock, ClockRun, SystemClock};

use self::access::Access;
use self::alerting::Alerts;
use self::commands::Commanded;
use self::idempotency::Keys;
use self::leases::Held;
use self::notices::Kept;
use self::outbox::AlertingOutbox;
use self::readings::Key;
use self::registry::Devices;
use self::rejections::Rejected;

/// A store in memory. Cheap to clone: clones share what is stored, as processes share a database.
#[derive(Clone, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    clock: StoreClock,
}

/// The clock by which leases run and rows are stored.
#[derive(Clone)]
struct StoreClock(Arc<dyn Clock>);

impl Default for StoreClock {
    fn default() -> Self {
        Self(Arc::new(SystemClock::default()))
    }
}

#[derive(Default)]
struct Data {
    access: Access,
    registry: Devices,
    commands: Commanded,
    readings: BTreeMap<Key, StoredReading>,
    rejected: Rejected,
    alerts: Alerts,
    outbox: AlertingOutbox,
    silences: Vec<Silence>,
    leases: Vec<Held>,
    notices: Vec<Kept>,
    retention: Option<RetentionClock>,
    clock_runs: Vec<ClockRun>,
    announcements: Vec<Announcement>,
    /// By device and name.
    attributes: BTreeMap<(String, String), Attribute>,
    /// When each was last written, by device and name.
    attributes_seen: BTreeMap<(String, String), Timestamp>,
    keys: Keys,
    uplinks: Vec<UplinkRun>,
    failing: HashMap<&'static str, usize>,
}

impl MemoryStore {
    /// A store that goes by this clock instead of the machine's.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock: StoreClock(clock), ..Self::default() }
    }

    /// Lets the next calls of a method fail, which is named as in its trait: `record_attempt`.
    pub fn fail_next(&self, method: &'static str, times: usize) {
        self.data().failing.insert(method, times);
    }

    /// The time, as databases store it.
    fn now(&self) -> Timestamp {
        whole_micros(self.clock.0.wall())
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is stored, for a call of this method; an error where it is to fail.
    fn call(&self, method: &'static str) -> Result<MutexGuard<'_, Data>> {
        let mut data = self.data();
        match data.failing.get_mut(method) {
            Some(times) if *times > 0 => {
                *times -= 1;
                Err(Unavailable(std::io::Error::other("the disk is full").into()))
            }
            _ => Ok(data),
        }
    }
}

impl OwnReaders for MemoryStore {
    fn with_own_readers(&self) -> Arc<dyn Store> {
        Arc::new(self.clone())
    }
}

/// A time as databases store it.
fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap()
}
