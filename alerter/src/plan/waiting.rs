//! Notifications that wait for their group or for room under the cap: numbers, so that none of them is read again
//! before its message can be made; pure.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use store::{Address, Incident, Notification, NotificationKind};

use super::cap::Slots;
use super::made::MadeMails;
use super::{MAX_PLANNED, group};
use crate::rules::Rules;

/// What the notifications of one message have in common.
type Key = (Address, String, NotificationKind);

/// A notification that waits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) number: i64,
    key: Key,
    /// None for an end that comes along with its opening.
    due_at: Option<Timestamp>,
}

impl Waiting {
    pub(super) fn of((notification, incident): &(Notification, Incident)) -> Self {
        let key = (notification.address.clone(), incident.rule.clone(), notification.kind);
        Self { number: notification.number, key, due_at: Some(notification.due_at) }
    }

    /// An end that waits with its opening.
    pub(super) fn along((notification, incident): &(Notification, Incident)) -> Self {
        let key = (notification.address.clone(), incident.rule.clone(), NotificationKind::Opened);
        Self { number: notification.number, key, due_at: None }
    }
}

#[derive(Debug, Default)]
struct Members {
    numbers: Vec<i64>,
    /// The first and the last time at which one of them was due.
    due: Option<(Timestamp, Timestamp)>,
}

/// All that wait, by group.
#[derive(Debug, Default)]
pub(crate) struct WaitingSet(HashMap<Key, Members>);

/// What can be planned now.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ready {
    /// Numbers of notifications.
    pub(crate) numbers: Vec<i64>,
    /// When others can be, if nothing new comes.
    pub(crate) next: Option<Timestamp>,
}

impl WaitingSet {
    pub(crate) fn add(&mut self, waiting: impl IntoIterator<Item = Waiting>) {
        for Waiting { number, key, due_at } in waiting {
            let members = self.0.entry(key).or_default();
            members.numbers.push(number);
            if let Some(at) = due_at {
                members.due =
                    Some(members.due.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
            }
        }
    }

    /// Replaces notifications that were planned by those of them that still wait.
    pub(crate) fn replace(&mut self, planned: &[i64], waiting: Vec<Waiting>) {
        let planned: HashSet<i64> = planned.iter().copied().collect();
        self.0.retain(|_, members| {
            let before = members.numbers.len();
            members.numbers.retain(|number| !planned.contains(number));
            // Where some stay, so do the times: what is planned too early is put off again.
            if members.numbers.len() < before && members.numbers.is_empty() {
                members.due = None;
            }
            !members.numbers.is_empty()
        });
        self.add(waiting);
    }

    /// The notifications of groups that nothing more is waited for, of addresses with room under the cap; the first of
    /// them where they are many.
    pub(crate) fn ready(&self, now: Timestamp, rules: &Rules, made: &MadeMails) -> Ready {
        let mut ready = Ready::default();
        let mut slots: HashMap<&Address, Slots> = HashMap::new();
        for ((address, ..), members) in &self.0 {
            let at = members.due.map_or(Timestamp::MIN, |due| group::ready_at(address, due, &rules.grouping));
            let slots = slots.entry(address).or_insert_with(|| Slots::of(now, address, made, rules));
            match slots.next {
                _ if at > now => ready.look_again_at(at),
                Some(next) if slots.free == 0 => ready.look_again_at(next),
                _ => ready.numbers.extend_from_slice(&members.numbers),
            }
        }
        ready.numbers.sort_unstable();
        ready.numbers.truncate(MAX_PLANNED);
        ready
    }
}

impl Ready {
    fn look_again_at(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |other| other.min(at)));
    }
}
