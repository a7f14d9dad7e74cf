//! The planner: which notifications go into which message, and which wait or are dropped; pure.

mod cap;
mod decide;
mod group;
mod made;
mod name;
mod waiting;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use store::{
    Address, Channel, Decisions, Incident, NewMessage, Notification, NotificationKind, Reminder, SilenceIndex,
};

use telemetry::time::saturating_add;

use self::cap::Slots;
use self::decide::Decision;
use self::group::Group;
use crate::rules::Rules;

pub(crate) use self::made::CAPPED;
pub use self::made::MadeMails;
pub(crate) use self::waiting::{Ready, Waiting, WaitingSet};

/// Notifications in one mail, at most: it sums them up. So many are planned at a time.
pub(crate) const MAX_PLANNED: usize = 10_000;

/// Notifications in one message over another channel, at most: it has each of them.
pub(crate) const MAX_NOTIFICATIONS: usize = 1_000;

/// What a plan depends on, beside the notifications.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The rules in force.
    pub rules: &'a Rules,
    /// The silences that last now; others do no harm.
    pub silences: &'a SilenceIndex,
    /// When mails were made within the last hour.
    pub made: &'a MadeMails,
}

/// What the planner decides now, and when there may be more to decide.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The decisions to store.
    pub decisions: Decisions,
    /// When to plan again; none where only a new notification can change anything.
    pub look_again: Option<Timestamp>,
    /// Those that no decision mentions: they wait for their group or for room under the cap.
    pub(crate) waiting: Vec<Waiting>,
}

/// Due notifications, sorted by the decision on each.
#[derive(Default)]
struct Sorted<'a> {
    decisions: Decisions,
    sent: Vec<&'a (Notification, Incident)>,
    along: Vec<&'a (Notification, Incident)>,
}

impl<'a> Sorted<'a> {
    fn of(now: Timestamp, due: &'a [(Notification, Incident)], input: &PlanInput<'_>) -> Self {
        let mut sorted = Self::default();
        let Self { decisions, sent, along } = &mut sorted;
        for one @ (notification, incident) in due {
            match decide::of(now, notification, incident, input) {
                Decision::Send => sent.push(one),
                Decision::Along => along.push(one),
                Decision::Defer(deferral) => decisions.held.push(deferral),
                Decision::Drop(numbers, why) => {
                    decisions.dropped.extend(numbers.into_iter().map(|number| (number, why.to_owned())));
                }
            }
        }
        decisions.dropped.sort();
        decisions.dropped.dedup_by_key(|(number, _)| *number);
        sorted
    }

    fn waiting(&self) -> impl Iterator<Item = Waiting> {
        let sent = self.sent.iter().map(|one| Waiting::of(one));
        sent.chain(self.along.iter().map(|one| Waiting::along(one)))
    }
}

/// Decides on new notifications alone, as far as that depends on no other: the rest waits with its group.
pub(crate) fn sort(now: Timestamp, new: &[(Notification, Incident)], input: &PlanInput<'_>) -> Plan {
    let sorted = Sorted::of(now, new, input);
    let waiting = sorted.waiting().collect();
    Plan { decisions: sorted.decisions, look_again: None, waiting }
}

/// Decides on notifications that are due, in the order in which they were asked for; of each group all or the first.
///
/// A notification that is not mentioned in the decisions waits for its group or for room under the cap.
#[must_use]
pub fn plan(now: Timestamp, due: &[(Notification, Incident)], input: &PlanInput<'_>) -> Plan {
    let sorted = Sorted::of(now, due, input);
    let mut waiting: Vec<_> = sorted.waiting().collect();
    let Sorted { decisions, sent, along } = sorted;
    let mut plan = Plan { decisions, ..Plan::default() };
    let mut groups: HashMap<_, Group<'_>> = HashMap::new();
    sent.into_iter().for_each(|one| groups.entry(group::key(one)).or_default().push(one));
    let along: HashMap<_, _> = along.into_iter().map(|one| ((&*one.1.id, &one.0.address), one)).collect();
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
        plan.make_messages(now, address, groups, input);
    }
    let messages = plan.decisions.messages.iter();
    let planned: HashSet<i64> = messages.flat_map(|message| message.notifications.iter().copied()).collect();
    waiting.retain(|one| !planned.contains(&one.number));
    plan.waiting = waiting;
    plan.in_order();
    plan
}

impl Plan {
    fn look_again_at(&mut self, at: Timestamp) {
        self.look_again = Some(self.look_again.map_or(at, |other| other.min(at)));
    }

    /// Makes a message of each group; where they are more than the cap allows, one of all.
    fn make_messages(
        &mut self,
        now: Timestamp,
        address: &Address,
        mut groups: Vec<Group<'_>>,
        input: &PlanInput<'_>,
    ) {
        groups.sort_by_key(Group::first);
        let slots = Slots::of(now, address, input.made, input.rules);
        let most = if address.channel == Channel::Mail { MAX_PLANNED } else { MAX_NOTIFICATIONS };
        let mut messages: Vec<Vec<&(Notification, Incident)>> =
            groups.iter().flat_map(|group| group.notifications.chunks(most)).map(<[_]>::to_vec).collect();
        if messages.len() > slots.free {
            let mut all: Vec<_> = messages.concat();
            all.sort_by_key(|(notification, _)| notification.number);
            messages = all.chunks(most).take(slots.free).map(<[_]>::to_vec).collect();
            if all.len() > slots.free.saturating_mul(most)
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
        notifications: &[&(Notification, Incident)],
        rules: &Rules,
    ) {
        let [(first, incident), ..] = notifications else { return };
        self.decisions.messages.push(NewMessage {
            message_id: name::message_id(first, incident),
            address: address.clone(),
            made_at: now,
            notifications: notifications.iter().map(|(notification, _)| notification.number).collect(),
        });
        let reminders = notifications
            .iter()
            .filter_map(|(notification, incident)| reminder(now, notification, incident, rules));
        self.decisions.reminders.extend(reminders);
    }

    /// Sorts what came out of maps, so that equal input gives an equal plan.
    fn in_order(&mut self) {
        self.decisions.messages.sort_by_key(|message| message.notifications.first().copied());
        let Decisions { reminders, .. } = &mut self.decisions;
        reminders.sort_by(|a, b| (&a.incident, &a.address).cmp(&(&b.incident, &b.address)));
    }
}

/// The next reminder after this notification, unless the incident is acknowledged.
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
