//! The retry schedule: when a destination that failed, and an address whose earlier message waits, may be tried again.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::{Address, Channel, OutgoingMessage, Postponed, QueuedMessage};
use telemetry::fnv1a_64;
use telemetry::time::saturating_add;

/// Between two tries of a message: doubling, with jitter.
const FIRST: Duration = Duration::from_secs(1);
pub(super) const LONGEST: Duration = Duration::from_secs(5 * 60);

/// After so many tries, about a quarter of an hour, what comes after a message to the same address goes ahead of it.
const IN_ORDER: u32 = 10;

/// Messages that go to one server, one after the other: all mails, or one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Destination(Channel, Option<String>);

impl Destination {
    pub(super) fn of(address: &Address) -> Self {
        Self(address.channel, (address.channel == Channel::Webhook).then(|| address.to.clone()))
    }
}

/// When what has failed may be tried again. Pure: time is an argument.
#[derive(Debug, Default)]
pub(super) struct RetrySchedule {
    /// Until when each is left alone, and how often in a row it was unavailable.
    destinations: HashMap<Destination, (Timestamp, u32)>,
    /// Until when each waits, and for which message.
    addresses: HashMap<Address, (Timestamp, String)>,
}

impl RetrySchedule {
    pub(super) fn may_try(&self, destination: &Destination, message: &QueuedMessage, now: Timestamp) -> bool {
        let free = self.destinations.get(destination).is_none_or(|(until, _)| *until <= now);
        let first = self.addresses.get(&message.address);
        free && first.is_none_or(|(until, id)| *until <= now || *id == message.message_id)
    }

    /// The server answered: it is there, and this message holds back no other.
    pub(super) fn answered(&mut self, destination: &Destination, message: &OutgoingMessage) {
        self.destinations.remove(destination);
        if self.addresses.get(&message.address).is_some_and(|(_, id)| *id == message.message_id) {
            self.addresses.remove(&message.address);
        }
    }

    /// Goes on from what was kept, oldest first: after a restart, too, no end is sent before its opening.
    ///
    /// A message that is put off for longer was refused, and holds back no other.
    pub(super) fn remember(&mut self, postponed: Vec<Postponed>, now: Timestamp) {
        let waits = |it: &Postponed| it.tries <= IN_ORDER && it.again_at <= saturating_add(now, LONGEST);
        for Postponed { message_id, address, again_at, .. } in postponed.into_iter().filter(waits) {
            self.addresses.entry(address).or_insert((again_at, message_id));
        }
    }

    /// Returns when the message is tried again.
    ///
    /// Its destination is free in half of that time, so that a message that alone fails does not keep others waiting.
    pub(super) fn unavailable(
        &mut self,
        destination: &Destination,
        message: &OutgoingMessage,
        now: Timestamp,
    ) -> Timestamp {
        let (_, failures) = self.destinations.get(destination).copied().unwrap_or((now, 0));
        let wait = doubled(message.tries.max(failures)).mul_f64(jitter(message));
        self.destinations
            .insert(destination.clone(), (saturating_add(now, wait / 2), failures.saturating_add(1)));
        let again_at = saturating_add(now, wait);
        if message.tries < IN_ORDER {
            self.addresses.insert(message.address.clone(), (again_at, message.message_id.clone()));
        } else {
            self.addresses.remove(&message.address);
        }
        again_at
    }

    /// A notifier that panicked is likely to do so again: its destination waits for the longest time.
    pub(super) fn failed(&mut self, destination: Destination, now: Timestamp) {
        self.destinations.insert(destination, (saturating_add(now, LONGEST), 0));
    }

    /// Lets waits last as long as they would have without this step of the clock.
    pub(super) fn shift(&mut self, step: SignedDuration) {
        let destinations = self.destinations.values_mut().map(|(until, _)| until);
        for until in destinations.chain(self.addresses.values_mut().map(|(until, _)| until)) {
            *until = until.saturating_add(step).unwrap_or(*until);
        }
    }

    /// When something may be tried that may not now.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let destinations = self.destinations.values().map(|(until, _)| *until);
        let addresses = self.addresses.values().map(|(until, _)| *until);
        destinations.chain(addresses).filter(|until| *until > now).min()
    }
}

fn doubled(times: u32) -> Duration {
    FIRST.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(LONGEST)
}

/// From 0.5 to 1, and not the same for all messages and tries.
fn jitter(message: &OutgoingMessage) -> f64 {
    let hash = fnv1a_64(message.message_id.bytes().chain(message.tries.to_le_bytes()));
    0.5 + (hash >> 11) as f64 / (1_u64 << 54) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, id: &str, tries: u32) -> OutgoingMessage {
        let address = Address { channel: Channel::Mail, to: to.into() };
        OutgoingMessage {
            message_id: id.into(),
            address,
            made_at: Timestamp::UNIX_EPOCH,
            tries,
            notifications: Vec::new(),
        }
    }

    fn head(message: &OutgoingMessage) -> QueuedMessage {
        QueuedMessage { message_id: message.message_id.clone(), address: message.address.clone() }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        for (tries, seconds) in
            [(0, 1), (1, 2), (5, 32), (8, 256), (9, 300), (31, 300), (32, 300), (u32::MAX, 300)]
        {
            let message = message("ann", "one", tries);
            let again =
                RetrySchedule::default().unavailable(&Destination::of(&message.address), &message, at(0));
            let wait = again.as_millisecond();
            assert!((seconds * 500..=seconds * 1_000).contains(&wait), "{tries}: {wait}");
        }
    }

    #[test]
    fn a_server_that_is_away_is_asked_by_one_message_at_a_time_and_each_address_gets_its_own_in_order() {
        let mut patience = RetrySchedule::default();
        let (one, two, other) = (message("ann", "1", 0), message("ann", "2", 0), message("ben", "3", 0));
        let destination = Destination::of(&one.address);
        let again = patience.unavailable(&destination, &one, at(0));
        assert!([&one, &two, &other].iter().all(|it| !patience.may_try(&destination, &head(it), at(1))));
        let free = patience.next(at(0)).unwrap();
        assert!(
            free < again
                && patience.may_try(&destination, &head(&other), free)
                && !patience.may_try(&destination, &head(&two), free)
        );
        assert!(patience.may_try(&destination, &head(&one), again) && patience.next(again).is_none());
        patience.answered(&destination, &one);
        assert!(patience.may_try(&destination, &head(&two), at(1)));
    }

    #[test]
    fn a_restart_changes_no_order() {
        let mut patience = RetrySchedule::default();
        let postponed = |to: &str, id: &str, tries, again| Postponed {
            message_id: id.into(),
            address: message(to, id, tries).address,
            tries,
            again_at: at(again),
        };
        let kept = vec![
            postponed("ann", "1", 3, 8_000),
            postponed("ann", "2", 1, 9_000),
            // Attempt in vain for long, and refused.
            postponed("ben", "3", IN_ORDER + 1, 9_000),
            postponed("cat", "4", 1, 3_600_000),
        ];
        patience.remember(kept, at(0));
        let destination = Destination(Channel::Mail, None);
        for (to, id, at_0, at_8) in [
            ("ann", "1", true, true),
            ("ann", "5", false, true),
            ("ben", "5", true, true),
            ("cat", "5", true, true),
        ] {
            let message = message(to, id, 0);
            let may = [0, 8_000].map(|millis| patience.may_try(&destination, &head(&message), at(millis)));
            assert_eq!(may, [at_0, at_8], "{to} {id}");
        }
        assert_eq!(patience.next(at(0)), Some(at(8_000)));
    }

    #[test]
    fn a_message_that_never_goes_does_not_hold_back_the_others_for_ever() {
        let mut patience = RetrySchedule::default();
        let destination = Destination(Channel::Mail, None);
        patience.unavailable(&destination, &message("ann", "1", IN_ORDER), at(0));
        let free = patience.next(at(0)).unwrap();
        assert!(patience.may_try(&destination, &head(&message("ann", "2", 0)), free));
    }
}
