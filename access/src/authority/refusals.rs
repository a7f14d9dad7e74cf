//! What was refused, counted: an audit that grows with every try of a stranger would be a way to fill the disk.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two records of one kind.
const RECORD_EVERY: Duration = Duration::from_secs(60);

/// Kinds that are told apart, at most: all others count as one.
const MAX_KINDS: usize = 64;

type Kind = (Box<str>, &'static str);

/// By user and action: when the last record was made, and how many tries came since.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    kinds: Mutex<HashMap<Kind, (Instant, u64)>>,
}

impl Refusals {
    /// Notes one more; `Some` if it is time for a record, with how often it happened since the one before.
    pub(super) fn note(&self, actor: Option<&str>, action: &'static str) -> Option<u64> {
        self.note_at(actor, action, Instant::now())
    }

    fn note_at(&self, actor: Option<&str>, action: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().expect("no code panics while it counts");
        let mut kind: Kind = (actor.unwrap_or_default().into(), action);
        if kinds.len() >= MAX_KINDS && !kinds.contains_key(&kind) {
            kinds.retain(|_, (last, _)| now.saturating_duration_since(*last) < RECORD_EVERY);
        }
        if kinds.len() >= MAX_KINDS && !kinds.contains_key(&kind) {
            kind = ("".into(), "try");
        }
        match kinds.get_mut(&kind) {
            Some((last, since)) if now.saturating_duration_since(*last) < RECORD_EVERY => {
                *since += 1;
                None
            }
            Some((last, since)) => {
                *last = now;
                Some(std::mem::take(since) + 1)
            }
            None => {
                kinds.insert(kind, (now, 0));
                Some(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_tries_is_a_record_a_minute() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let records: Vec<_> = (0..100_000)
            .filter_map(|n| refusals.note_at(Some("ann"), "log in", start + Duration::from_millis(n)))
            .collect();
        assert_eq!(records, [1, 60_000]);
        assert_eq!(
            refusals.note_at(Some("ben"), "log in", start),
            Some(1),
            "others are recorded all the same"
        );
    }

    #[test]
    fn however_many_names_are_tried_few_records_are_made() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let records = (0..10_000).filter_map(|n| refusals.note_at(Some(&format!("user{n}")), "log in", now));
        assert_eq!(records.count(), MAX_KINDS + 1);
    }
}
