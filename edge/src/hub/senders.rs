//! By which client each device speaks.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use broker::server::PublishingClient;
use telemetry::Reading;

/// Devices that are noted, at most.
const MAX_DEVICES: usize = 100_000;

/// The client that published the last reading of each device, as long as it is connected.
#[derive(Default)]
pub(super) struct Senders(Mutex<HashMap<Box<str>, Weak<PublishingClient>>>);

impl Senders {
    /// Notes who published these readings.
    pub(super) fn note(&self, readings: &[Reading], client: &Arc<PublishingClient>) {
        let mut known = self.0.lock().expect("no code panics while it holds the senders");
        for reading in readings {
            let device = reading.series.device();
            match known.get_mut(device) {
                Some(noted) if std::ptr::eq(noted.as_ptr(), Arc::as_ptr(client)) => {}
                Some(noted) => *noted = Arc::downgrade(client),
                None => {
                    // It fills by itself again: each device says something soon.
                    if known.len() >= MAX_DEVICES {
                        known.clear();
                    }
                    known.insert(device.into(), Arc::downgrade(client));
                }
            }
        }
    }

    /// By whom a device speaks; none if that client is gone.
    pub(super) fn of(&self, device: &str) -> Option<Arc<PublishingClient>> {
        self.0.lock().expect("no code panics while it holds the senders").get(device)?.upgrade()
    }
}

impl fmt::Debug for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Senders")
    }
}
