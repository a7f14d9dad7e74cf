//! Which notifications go into which message, and which wait or are dropped: a function of what is known.

mod cap;
mod decide;
mod group;
mod name;

use std::collections::HashMap;

use jiff::Timestamp;
use store::{
    Address, Decisions, Incident, NewMessage, Notification, NotificationKind, Reminder, SilenceIndex,
};

use telemetry::time::saturating_add;

use self::cap::Slots;
use self::decide::Decision;
use self::group::Group;
use crate::rules::Rules;

/// Notifications in one message, at most.
pub(crate) const MAX_NOTIFICATIONS: usize = 1_000;

/// What a plan depends on, beside the notifications.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    pub rules: &'a Rules,
    /// Those that last now; others do no harm.
    pub silences: &'a SilenceIndex,
    /// When messages were made for each address within the last hour, in order.
    pub made: &'a [(Address, Timestamp)],
}

/// What is to be done now, and when there may be more to do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub decisions: Decisions,
    /// None where only a new notification can change anything.
    pub look_again: Option<Timestamp>,
}

/// Decides on notifications that are due, in the order in which they were asked for.
///
/// A notification that is not mentioned in the decisions waits for its group or for room under the cap.
#[must_use]
pub fn plan(now: Timestamp, due: &[(Notification, Incident)], input: &PlanInput<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut groups: HashMap<_, Group<'_>> = HashMap::new();
    let mut along: HashMap<(&str, &Address), &(Notification, Incident)> = HashMap::new();
    for told @ (notification, incident) in due {
        match decide::of(now, notification, incident, input) {
            Decision::Send => groups.entry(group::key(told)).or_default().push(told),
            Decision::Along => drop(along.insert((&incident.id, &notification.address), told)),
            Decision::Defer(deferral) => plan.decisions.held.push(deferral),
            Decision::Drop(numbers, why) => {
                plan.decisions.dropped.extend(numbers.into_iter().map(|number| (number, why.to_owned())));
            }
        }
    }
    plan.decisions.dropped.sort();
    plan.decisions.dropped.dedup_by_key(|(number, _)| *number);
    let mut ready: HashMap<&Address, Vec<Group<'_>>> = HashMap::new();
    for mut group in groups.into_values() {
        let from = group.ready_at(&input.rules.grouping);
        if from > now {
            plan.look_again_at(from);
            continue;
        }
        group.join(&along);
        ready.entry(group.address()).or_default().push(group);
    }
    for (address, groups) in ready {
        plan.tell(now, address, groups, input);
    }
    plan.in_order();
    plan
}

impl Plan {
    fn look_again_at(&mut self, at: Timestamp) {
        self.look_again = Some(self.look_again.map_or(at, |other| other.min(at)));
    }

    /// Makes a message of each group; where they are more than the cap allows, one of all.
    fn tell(&mut self, now: Timestamp, address: &Address, mut groups: Vec<Group<'_>>, input: &PlanInput<'_>) {
        groups.sort_by_key(Group::first);
        let slots = Slots::of(now, address, input);
        let mut messages: Vec<Vec<&(Notification, Incident)>> = groups
            .iter()
            .flat_map(|group| group.notifications.chunks(MAX_NOTIFICATIONS))
            .map(<[_]>::to_vec)
            .collect();
        if messages.len() > slots.free {
            let mut all: Vec<_> = messages.concat();
            all.sort_by_key(|(notification, _)| notification.number);
            messages = all.chunks(MAX_NOTIFICATIONS).take(slots.free).map(<[_]>::to_vec).collect();
            if all.len() > slots.free.saturating_mul(MAX_NOTIFICATIONS)
                && let Some(next) = slots.next
            {
                self.look_again_at(next);
            }
        }
        for notifications in messages {
            self.message(now, address, &notifications, input.rules);
        }
    }

    fn message(
        &mut self,
        now: Timestamp,
        address: &Address,
        told: &[&(Notification, Incident)],
        rules: &Rules,
    ) {
        let [(first, incident), ..] = told else { return };
        self.decisions.messages.push(NewMessage {
            message_id: name::message_id(first, incident),
            address: address.clone(),
            made_at: now,
            notifications: told.iter().map(|(notification, _)| notification.number).collect(),
        });
        let reminders =
            told.iter().filter_map(|(notification, incident)| reminder(now, notification, incident, rules));
        self.decisions.reminders.extend(reminders);
    }

    /// The order of maps is no order.
    fn in_order(&mut self) {
        self.decisions.messages.sort_by_key(|message| message.notifications.first().copied());
        let Decisions { reminders, .. } = &mut self.decisions;
        reminders.sort_by(|a, b| (&a.incident, &a.address).cmp(&(&b.incident, &b.address)));
    }
}

/// The next reminder after this notification, while nobody sees to the incident.
fn reminder(
    now: Timestamp,
    notification: &Notification,
    incident: &Incident,
    rules: &Rules,
) -> Option<Reminder> {
    let repeat = rules.named(&incident.rule)?.repeat?;
    let asked = notification.kind != NotificationKind::Resolved
        && incident.resolved_at.is_none()
        && incident.acknowledged.is_none();
    asked.then(|| Reminder {
        incident: incident.id.clone(),
        address: notification.address.clone(),
        asked_at: now,
        due_at: saturating_add(now, repeat),
    })
}
