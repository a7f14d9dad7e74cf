//! Client ids that two devices use at once: each of them cuts the other one off.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::session::Key;

/// So many take-overs ...
const TIMES: usize = 3;

/// ... within this time are no device that lost its connection and came back.
const WITHIN: Duration = Duration::from_secs(60);

/// After this time without one the client id counts as settled.
const SETTLED_AFTER: Duration = Duration::from_secs(5 * 60);

/// Client ids that are watched at once, at most.
const MAX_WATCHED: usize = 256;

/// Take-overs of sessions, by client.
#[derive(Debug, Default)]
pub(crate) struct Contested(Mutex<HashMap<Key, TakeOvers>>);

#[derive(Debug, Default)]
struct TakeOvers {
    /// The last of them, oldest first.
    recent: VecDeque<Instant>,
    is_contested: bool,
}

/// What a take-over says of its client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A device may have lost its connection and come back.
    Once,
    /// Two devices use it, which was not known before.
    Contested,
    /// They still do.
    StillContested,
}

impl Contested {
    /// Notes that a connection was cut off by another one with its client id.
    pub(crate) fn note(&self, key: &Key, now: Instant) -> Verdict {
        let mut watched = self.watched();
        if !watched.contains_key(key) {
            make_room(&mut watched, now);
        }
        let take_overs = watched.entry(key.clone()).or_default();
        take_overs.forget_if_settled(now);
        take_overs.recent.push_back(now);
        if take_overs.recent.len() > TIMES {
            take_overs.recent.pop_front();
        }
        let is_quick = take_overs.recent.len() == TIMES
            && take_overs.recent.front().is_some_and(|first| now - *first <= WITHIN);
        let was_contested = take_overs.is_contested;
        take_overs.is_contested |= is_quick;
        match (is_quick, was_contested) {
            (_, true) => Verdict::StillContested,
            (true, false) => Verdict::Contested,
            (false, false) => Verdict::Once,
        }
    }

    /// The client ids that two devices use now, in order.
    pub(crate) fn client_ids(&self, now: Instant) -> Vec<String> {
        let mut watched = self.watched();
        watched.values_mut().for_each(|take_overs| take_overs.forget_if_settled(now));
        let contested = watched.iter().filter(|(_, take_overs)| take_overs.is_contested);
        let mut ids: Vec<_> = contested.map(|(key, _)| key.client_id.clone()).collect();
        ids.sort();
        ids
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<Key, TakeOvers>> {
        self.0.lock().expect("no code panics while it holds the take-overs")
    }
}

impl TakeOvers {
    fn forget_if_settled(&mut self, now: Instant) {
        if self.recent.back().is_some_and(|last| now - *last > SETTLED_AFTER) {
            *self = Self::default();
        }
    }
}

/// Forgets what is settled; where that is not enough, the client whose last take-over is longest ago.
fn make_room(watched: &mut HashMap<Key, TakeOvers>, now: Instant) {
    if watched.len() < MAX_WATCHED {
        return;
    }
    let last = |take_overs: &TakeOvers| take_overs.recent.back().copied();
    watched.retain(|_, take_overs| last(take_overs).is_some_and(|last| now - last <= SETTLED_AFTER));
    if watched.len() >= MAX_WATCHED
        && let Some(oldest) =
            watched.iter().min_by_key(|(_, take_overs)| last(take_overs)).map(|(key, _)| key.clone())
    {
        watched.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(client_id: &str) -> Key {
        Key { user: None, client_id: client_id.into() }
    }

    #[test]
    fn a_device_that_comes_back_contests_nothing_and_two_that_alternate_do() {
        let (contested, start) = (Contested::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for minute in 0..10 {
            assert_eq!(contested.note(&key("roams"), at(minute * 40)), Verdict::Once);
        }
        let said: Vec<_> = (0..5).map(|n| contested.note(&key("twins"), at(n * 5))).collect();
        let (once, first, still) = (Verdict::Once, Verdict::Contested, Verdict::StillContested);
        assert_eq!(said, [once, once, first, still, still]);
        assert_eq!(contested.client_ids(at(200)), ["twins"]);
        assert_eq!(contested.client_ids(at(20 + 301)), [] as [&str; 0]);
        assert_eq!(contested.note(&key("twins"), at(1_000)), once, "it begins anew");
    }

    #[test]
    fn however_many_clients_alternate_few_are_watched_and_the_latest_of_them() {
        let (contested, start) = (Contested::default(), Instant::now());
        for n in 0..10_000_u64 {
            contested.note(&key(&format!("c{n}")), start + Duration::from_micros(n));
        }
        assert_eq!(contested.watched().len(), MAX_WATCHED);
        assert!(contested.watched().contains_key(&key("c9999")));
    }
}
