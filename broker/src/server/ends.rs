//! How connections end: each is counted by its reason. The log names those that the server ended.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, warn};

use super::counters::{Counters, Ending, EndsFor};
use super::packet::{Fault, Reason};
use super::session::Key;

/// The log names one connection for each reason in this time, and how many ended for it since the one before.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Ends that the log has not named, by their reason.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<HashMap<Ending, Unsaid>>);

#[derive(Debug)]
struct Unsaid {
    since: Instant,
    count: u64,
}

impl Ends {
    /// Notes that a connection has ended; `why` is a sentence about it.
    pub(crate) fn note(&self, counters: &Counters, key: &Key, ending: Ending, why: &str) {
        counters.ends.get_or_create(&EndsFor { reason: ending }).inc();
        let (client_id, user, reason) = (key.client_id.as_str(), key.user.as_deref(), ending.name());
        debug!(client_id, user, reason, "a connection ended: {why}");
        // Two devices with one client id are warned of once, by themselves.
        if matches!(ending, Ending::By(_))
            && let Some(connections) = self.unsaid(ending, Instant::now())
        {
            warn!(client_id, user, reason, connections, "the connection of a client was ended: {why}");
        }
    }

    /// How many ended for this reason since the log named one; `None` if it is not to name this one.
    fn unsaid(&self, ending: Ending, now: Instant) -> Option<u64> {
        let mut all = self.0.lock().expect("no code panics while it holds the ends");
        let Some(unsaid) = all.get_mut(&ending) else {
            all.insert(ending, Unsaid { since: now, count: 0 });
            return Some(1);
        };
        unsaid.count += 1;
        if now - unsaid.since < SAID_EVERY {
            return None;
        }
        unsaid.since = now;
        Some(std::mem::take(&mut unsaid.count))
    }
}

impl From<&Fault> for Ending {
    fn from(fault: &Fault) -> Self {
        match fault.reason {
            Reason::TAKEN_OVER => Self::TakenOver,
            Reason::SHUTTING_DOWN => Self::ServerStopped,
            _ => Self::By(fault.rule()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::counters::Rule;

    #[test]
    fn each_reason_is_named_at_once_and_then_once_a_minute() {
        let (ends, start) = (Ends::default(), Instant::now());
        let unsaid = |rule, seconds| ends.unsaid(Ending::By(rule), start + Duration::from_secs(seconds));
        assert_eq!(unsaid(Rule::Protocol, 0), Some(1));
        assert_eq!((unsaid(Rule::Protocol, 1), unsaid(Rule::Protocol, 59)), (None, None));
        assert_eq!(unsaid(Rule::Access, 59), Some(1), "another reason");
        assert_eq!(unsaid(Rule::Protocol, 60), Some(3));
        assert_eq!((unsaid(Rule::Protocol, 61), unsaid(Rule::Protocol, 120)), (None, Some(2)));
    }
}
