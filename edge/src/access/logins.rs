//! Logins over MQTT in the audit.
//!
//! Devices connect again and again, and strangers try without an end, so not every login is a record: the first accepted one of
//! a user from a network, and of refused ones the first of a name and a network and then one a minute with their number.
//! All together they are no more than `mqtt.audited_logins_per_minute`; the others are counted in a metric.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use broker::server::Login;
use prometheus_client::metrics::counter::Counter;
use serde_json::json;
use store::{AuditOutcome, Change, NewRecord, Store, Via};
use telemetry::Clock;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::warn;

/// Between two records of refused logins of a name from a network, and for which time records are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Names and networks of refused logins that are counted separately, at most: all others count as one.
const MAX_REFUSED: usize = 256;

/// Users and networks of accepted logins that are remembered, at most: then all are forgotten, and recorded once more.
const MAX_ACCEPTED: usize = 20_000;

/// Records that wait for the store, at most.
const MAX_QUEUED: usize = 256;

/// Characters of a name or a client id that are recorded, at most.
const MAX_CHARACTERS: usize = 64;

/// Who logs in from where.
type Kind = (Box<str>, IpAddr);

/// Which logins are records.
struct Tally {
    per_minute: u32,
    minute: Option<(Instant, u32)>,
    accepted: HashSet<Kind>,
    /// When the last record was made, and the logins since.
    refused: HashMap<Kind, (Instant, u64)>,
}

impl Tally {
    fn new(per_minute: u32) -> Self {
        Self { per_minute, minute: None, accepted: HashSet::new(), refused: HashMap::new() }
    }

    /// Whether a login that was accepted is the first of its kind.
    fn is_first(&mut self, kind: Kind) -> bool {
        if self.accepted.len() >= MAX_ACCEPTED {
            self.accepted.clear();
        }
        self.accepted.insert(kind)
    }

    /// Notes a refused login; `Some` if a record is due, with how many it stands for.
    fn note_refused(&mut self, mut kind: Kind, now: Instant) -> Option<u64> {
        let is_recent = |last: Instant| now.saturating_duration_since(last) < MINUTE;
        if self.refused.len() >= MAX_REFUSED && !self.refused.contains_key(&kind) {
            self.refused.retain(|_, (last, _)| is_recent(*last));
        }
        if self.refused.len() >= MAX_REFUSED && !self.refused.contains_key(&kind) {
            kind = ("".into(), Ipv4Addr::UNSPECIFIED.into());
        }
        let Some((last, since)) = self.refused.get_mut(&kind) else {
            self.refused.insert(kind, (now, 0));
            return Some(1);
        };
        *since += 1;
        if is_recent(*last) {
            return None;
        }
        *last = now;
        Some(std::mem::take(since))
    }

    /// Whether this minute has room for one more record.
    fn has_room(&mut self, now: Instant) -> bool {
        let current = self.minute.filter(|(begin, _)| now.saturating_duration_since(*begin) < MINUTE);
        let (begin, made) = current.unwrap_or((now, 0));
        let has_room = made < self.per_minute;
        self.minute = Some((begin, made + u32::from(has_room)));
        has_room
    }
}

/// A login, as far as it is recorded.
#[derive(Debug)]
struct Noted {
    /// The user, where there is one of that name.
    user: Option<String>,
    /// What was given as the name.
    name: String,
    client_id: String,
    address: IpAddr,
    outcome: AuditOutcome,
    times: u64,
}

/// Chooses the logins that are recorded, and hands them to a [`LoginRecorder`]. A client that connects does not wait for the store.
pub(super) struct LoginAudit {
    tally: Mutex<Tally>,
    records: Sender<Noted>,
    unaudited: Counter,
}

/// Writes the records.
pub(crate) struct LoginRecorder {
    records: Receiver<Noted>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    unaudited: Counter,
}

/// Makes no more than so many records a minute. `unaudited` counts the logins for which there was no room.
pub(super) fn audit(
    per_minute: u32,
    (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
    unaudited: Counter,
) -> (LoginAudit, LoginRecorder) {
    let (sender, records) = channel(MAX_QUEUED);
    let tally = Mutex::new(Tally::new(per_minute));
    let audit = LoginAudit { tally, records: sender, unaudited: unaudited.clone() };
    (audit, LoginRecorder { records, store, clock, unaudited })
}

impl LoginAudit {
    /// Notes a login of a user that was accepted.
    pub(super) fn accepted(&self, user: &str, login: &Login) {
        let kind = (user.into(), network(login));
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if tally.is_first(kind) {
            self.record(&mut tally, noted(Some(user), login, AuditOutcome::Done, 1));
        }
    }

    /// Notes a login that was refused; the user is given where there is one of that name.
    pub(super) fn refused(&self, user: Option<&str>, login: &Login) {
        let name = cut(login.user_name.as_deref().unwrap_or_default());
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = tally.note_refused((name.into(), network(login)), Instant::now()) {
            self.record(&mut tally, noted(user, login, AuditOutcome::Refused, times));
        }
    }

    /// Logins for which there was no room.
    #[cfg(test)]
    pub(super) fn unaudited(&self) -> u64 {
        self.unaudited.get()
    }

    fn record(&self, tally: &mut Tally, noted: Noted) {
        let times = noted.times;
        if !tally.has_room(Instant::now()) || self.records.try_send(noted).is_err() {
            self.unaudited.inc_by(times);
        }
    }
}

impl LoginRecorder {
    /// Never ends, but with the process.
    pub(crate) async fn run(mut self) {
        while let Some(noted) = self.records.recv().await {
            let times = noted.times;
            let record = noted.record(self.clock.wall());
            if let Err(e) = self.store.change(&Change::Nothing, &record).await {
                self.unaudited.inc_by(times);
                warn!("a login over MQTT is not in the audit: {e}");
            }
        }
    }
}

impl Noted {
    /// A name without a user may be a mistyped password: it stands in the contents, which can be erased.
    fn record(self, at: jiff::Timestamp) -> NewRecord {
        let after = json!({ "name": self.name, "client_id": self.client_id, "times": self.times });
        NewRecord {
            at,
            actor: self.user.clone(),
            via: Via::Mqtt,
            address: Some(self.address.to_string()),
            action: "connect",
            target: self.user.unwrap_or_else(|| "unknown user".to_owned()),
            outcome: self.outcome,
            before: None,
            after: Some(after.to_string()),
        }
    }
}

fn noted(user: Option<&str>, login: &Login, outcome: AuditOutcome, times: u64) -> Noted {
    Noted {
        user: user.map(str::to_owned),
        name: cut(login.user_name.as_deref().unwrap_or_default()),
        client_id: cut(&login.client_id),
        address: login.peer.address.ip(),
        outcome,
        times,
    }
}

fn network(login: &Login) -> IpAddr {
    ::access::network(login.peer.address.ip())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn the_first_accepted_login_of_a_user_from_a_network_is_a_record() {
        let mut tally = Tally::new(60);
        let first = |tally: &mut Tally, user: &str, last: u8| {
            tally.is_first((user.into(), Ipv4Addr::new(10, 0, 0, last).into()))
        };
        assert_eq!(
            [("a", 1), ("a", 1), ("b", 1), ("a", 2)].map(|(user, last)| first(&mut tally, user, last)),
            [true, false, true, true]
        );
        (0..=MAX_ACCEPTED).for_each(|n| assert!(first(&mut tally, &format!("user{n}"), 1)));
        assert!(tally.accepted.len() <= MAX_ACCEPTED);
    }

    #[test]
    fn a_flood_of_refused_logins_is_a_record_a_minute_that_says_how_many() {
        let (mut tally, start) = (Tally::new(60), Instant::now());
        let mut note = |n: u64| tally.note_refused(("lab".into(), HERE), start + Duration::from_millis(n));
        let records: Vec<u64> = (0..=120_000).filter_map(&mut note).collect();
        assert_eq!(records, [1, 60_000, 60_000]);
    }

    #[test]
    fn however_many_names_are_tried_memory_and_records_are_bounded() {
        let (mut tally, now) = (Tally::new(60), Instant::now());
        let due =
            (0..10_000).filter(|n| tally.note_refused((n.to_string().into(), HERE), now).is_some()).count();
        assert_eq!((due, tally.refused.len()), (MAX_REFUSED + 1, MAX_REFUSED + 1));
        assert_eq!((0..10_000).filter(|_| tally.has_room(now)).count(), 60);
        assert!(tally.has_room(now + MINUTE));
        assert!(!Tally::new(0).has_room(now), "0 records none");
    }
}
