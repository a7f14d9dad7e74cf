//! A group: the notifications that belong in one message, of one address, rule and kind.

use std::collections::HashMap;

use jiff::Timestamp;
use store::{Address, Channel, Incident, Notification, NotificationKind};
use telemetry::time::saturating_add;

use crate::rules::Grouping;

/// Notifications in the order in which they were asked for; never empty once it is made.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) notifications: Vec<&'a (Notification, Incident)>,
}

pub(super) fn key((notification, incident): &(Notification, Incident)) -> (&Address, &str, NotificationKind) {
    (&notification.address, &incident.rule, notification.kind)
}

/// When nothing more is waited for in a group whose first and last notifications were due at these times.
pub(super) fn ready_at(
    address: &Address,
    (oldest, newest): (Timestamp, Timestamp),
    grouping: &Grouping,
) -> Timestamp {
    if address.channel == Channel::Mqtt {
        return Timestamp::MIN;
    }
    saturating_add(newest, grouping.group_wait).min(saturating_add(oldest, grouping.group_max))
}

impl<'a> Group<'a> {
    pub(super) fn push(&mut self, notification: &'a (Notification, Incident)) {
        self.notifications.push(notification);
    }

    pub(super) fn address(&self) -> &'a Address {
        &self.notifications[0].0.address
    }

    pub(super) fn first(&self) -> i64 {
        self.notifications[0].0.number
    }

    /// When nothing more is waited for: nothing was added for a while, or the first has waited for long enough.
    ///
    /// By `due_at`, so that what was held, or is a reminder, comes together as well.
    pub(super) fn ready_at(&self, grouping: &Grouping) -> Timestamp {
        let due = || self.notifications.iter().map(|(notification, _)| notification.due_at);
        match (due().min(), due().max()) {
            (Some(oldest), Some(newest)) => ready_at(self.address(), (oldest, newest), grouping),
            _ => Timestamp::MIN,
        }
    }

    /// Takes the ends of its incidents along.
    pub(super) fn join(&mut self, ends: &HashMap<(&str, &Address), &'a (Notification, Incident)>) {
        if self.notifications[0].0.kind != NotificationKind::Opened {
            return;
        }
        let joined = self.notifications.iter().filter_map(|(notification, incident)| {
            ends.get(&(incident.id.as_str(), &notification.address)).copied()
        });
        let joined: Vec<_> = joined.collect();
        self.notifications.extend(joined);
        self.notifications.sort_by_key(|(notification, _)| notification.number);
    }
}
