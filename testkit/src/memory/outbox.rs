//! Notifications and messages in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Address, Attempt, Decisions, DeliveryStatus, DueNotifications, DueQuery, Incident, LongestWaits,
    NewMessage, Notification, NotificationKind, Notifications, OutgoingMessage, Postponed, QueuedMessage,
    Reminder, Result,
};
use telemetry::time::saturating_add;

use super::{Data, MemoryStore};

#[derive(Default)]
pub(super) struct AlertingOutbox {
    /// By number.
    notifications: BTreeMap<i64, Asked>,
    /// In the order in which they were made.
    messages: Vec<Made>,
    last_number: i64,
}

/// A notification as it is stored: its delivery status follows from its message.
struct Asked {
    incident: String,
    notification: Notification,
}

struct Made {
    message: NewMessage,
    tries: u32,
    again_at: Option<Timestamp>,
    problem: Option<String>,
    sent_at: Option<Timestamp>,
    given_up_at: Option<Timestamp>,
}

impl Made {
    fn is_queued(&self) -> bool {
        self.sent_at.is_none() && self.given_up_at.is_none()
    }
}

impl AlertingOutbox {
    /// Asks for notifications of an opening.
    pub(super) fn opened(&mut self, incident: &str, at: Timestamp, to: &[Address]) {
        to.iter().for_each(|to| self.ask(incident, NotificationKind::Opened, to, (at, at)));
    }

    /// Asks for notifications of an end, to all who were notified of the opening; drops reminders that wait.
    pub(super) fn over(&mut self, incident: &str, at: Timestamp) {
        let is_dropped = |asked: &&Asked| matches!(asked.notification.status, DeliveryStatus::Dropped { .. });
        let opened = |asked: &&Asked| asked.notification.kind == NotificationKind::Opened;
        let of = self.notifications.values().filter(|asked| asked.incident == incident);
        let to: Vec<_> = of
            .filter(|asked| opened(asked) && !is_dropped(asked))
            .map(|asked| asked.notification.address.clone())
            .collect();
        to.iter().for_each(|to| self.ask(incident, NotificationKind::Resolved, to, (at, at)));
        for asked in self.notifications.values_mut().filter(|asked| asked.incident == incident) {
            if asked.notification.kind == NotificationKind::Reminder && asked.is_waiting() {
                asked.notification.status = DeliveryStatus::Dropped { why: RESOLVED.into() };
            }
        }
    }

    /// Once for each incident, kind and address; of reminders, once while one waits.
    fn ask(
        &mut self,
        incident: &str,
        kind: NotificationKind,
        address: &Address,
        (asked_at, due_at): (Timestamp, Timestamp),
    ) {
        let is_asked = self.notifications.values().any(|asked| {
            let Asked { incident: of, notification } = asked;
            of == incident
                && (notification.kind, &notification.address) == (kind, address)
                && (is_once(kind) || asked.is_waiting())
        });
        if is_asked {
            return;
        }
        self.last_number += 1;
        let (number, status) = (self.last_number, DeliveryStatus::Waiting { held: None });
        let notification = Notification { number, kind, address: address.clone(), asked_at, due_at, status };
        self.notifications.insert(number, Asked { incident: incident.into(), notification });
    }

    fn waiting(&mut self, number: i64) -> Option<&mut Notification> {
        let asked = self.notifications.get_mut(&number).filter(|asked| asked.is_waiting())?;
        Some(&mut asked.notification)
    }

    fn make(&mut self, message: &NewMessage) {
        if self.messages.iter().any(|made| made.message.message_id == message.message_id) {
            return;
        }
        let mut notifications = Vec::new();
        for number in &message.notifications {
            if let Some(notification) = self.waiting(*number) {
                let message_id = message.message_id.clone();
                notification.status = DeliveryStatus::InMessage { message_id, sent_at: None, problem: None };
                notifications.push(*number);
            }
        }
        if !notifications.is_empty() {
            notifications.sort_unstable();
            let message = NewMessage { notifications, ..message.clone() };
            let (again_at, problem, sent_at, given_up_at) = (None, None, None, None);
            self.messages.push(Made { message, tries: 0, again_at, problem, sent_at, given_up_at });
        }
    }

    /// A notification as it is now.
    fn current(&self, asked: &Asked) -> Notification {
        let mut notification = asked.notification.clone();
        if let DeliveryStatus::InMessage { message_id, sent_at, problem } = &mut notification.status
            && let Some(made) = self.messages.iter().find(|made| made.message.message_id == *message_id)
        {
            (*sent_at, *problem) = (made.sent_at, made.problem.clone());
        }
        notification
    }

    pub(super) fn of_incident(&self, incident: &str) -> Vec<Notification> {
        let of = self.notifications.values().filter(|asked| asked.incident == incident);
        of.map(|asked| self.current(asked)).collect()
    }

    /// Whether notifications of this incident are still to be sent.
    pub(super) fn is_waiting(&self, incident: &str) -> bool {
        self.notifications.values().filter(|asked| asked.incident == incident).any(|asked| {
            match &asked.notification.status {
                DeliveryStatus::Waiting { .. } => true,
                DeliveryStatus::Dropped { .. } => false,
                DeliveryStatus::InMessage { message_id, .. } => self
                    .messages
                    .iter()
                    .any(|made| made.message.message_id == *message_id && made.is_queued()),
            }
        })
    }

    /// Removes the notifications of incidents that are gone, and old messages that have none left.
    pub(super) fn retain(&mut self, older_than: Timestamp, is_there: impl Fn(&str) -> bool) {
        self.notifications.retain(|_, asked| is_there(&asked.incident));
        let notifications = &self.notifications;
        self.messages.retain(|made| {
            made.message.made_at >= older_than
                || made.message.notifications.iter().any(|number| notifications.contains_key(number))
        });
    }
}

impl Asked {
    fn is_waiting(&self) -> bool {
        matches!(self.notification.status, DeliveryStatus::Waiting { .. })
    }
}

impl Data {
    fn pair(&self, asked: &Asked) -> Option<(Notification, Incident)> {
        let incident = self.alerts.get(&asked.incident)?;
        Some((self.outbox.current(asked), self.whole(incident)))
    }

    fn outgoing(&self, made: &Made) -> OutgoingMessage {
        let NewMessage { message_id, address, made_at, notifications } = made.message.clone();
        let asked = notifications.iter().filter_map(|number| self.outbox.notifications.get(number));
        let notifications = asked.filter_map(|asked| self.pair(asked)).collect();
        OutgoingMessage { message_id, address, made_at, tries: made.tries, notifications }
    }

    fn remind(&mut self, Reminder { incident, address, asked_at, due_at }: &Reminder) {
        if self.alerts.open(incident).is_some_and(|incident| incident.acknowledged.is_none()) {
            self.outbox.ask(incident, NotificationKind::Reminder, address, (*asked_at, *due_at));
        }
    }
}

#[async_trait]
impl Notifications for MemoryStore {
    async fn notifications_due(&self, query: &DueQuery) -> Result<DueNotifications> {
        let data = self.call("due_notifications")?;
        let DueQuery { now, known, after, limit } = *query;
        let waiting = data.outbox.notifications.values().filter(|asked| asked.is_waiting());
        let (due, later): (Vec<_>, Vec<_>) = waiting.partition(|asked| asked.notification.due_at <= now);
        let is_new = |asked: &&Asked| {
            let Notification { number, due_at, .. } = asked.notification;
            (number > known.number || due_at > known.at) && number > after
        };
        let due = due.into_iter().filter(is_new).take(limit).filter_map(|asked| data.pair(asked)).collect();
        Ok((due, later.into_iter().map(|asked| asked.notification.due_at).min()))
    }

    async fn waiting_notifications(&self, numbers: &[i64]) -> Result<Vec<(Notification, Incident)>> {
        let data = self.call("waiting_notifications")?;
        let asked = data.outbox.notifications.iter().filter(|(number, _)| numbers.contains(number));
        Ok(asked.filter(|(_, asked)| asked.is_waiting()).filter_map(|(_, asked)| data.pair(asked)).collect())
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        let mut data = self.call("decide")?;
        decisions.messages.iter().for_each(|message| data.outbox.make(message));
        for deferral in &decisions.held {
            if let Some(notification) = data.outbox.waiting(deferral.notification) {
                notification.due_at = deferral.until;
                notification.status = DeliveryStatus::Waiting { held: Some(deferral.why.clone()) };
            }
        }
        for (number, why) in &decisions.dropped {
            if let Some(notification) = data.outbox.waiting(*number) {
                notification.status = DeliveryStatus::Dropped { why: why.clone() };
            }
        }
        decisions.reminders.iter().for_each(|reminder| data.remind(reminder));
        Ok(())
    }

    async fn queued_heads(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>> {
        let data = self.call("queued_heads")?;
        let due = |made: &&Made| made.is_queued() && made.again_at.is_none_or(|at| at <= now);
        let head = |Made { message, .. }: &Made| QueuedMessage {
            message_id: message.message_id.clone(),
            address: message.address.clone(),
        };
        Ok(data.outbox.messages.iter().filter(due).take(limit).map(head).collect())
    }

    async fn outgoing_message(&self, message_id: &str) -> Result<Option<OutgoingMessage>> {
        let data = self.call("outgoing_message")?;
        let made = data.outbox.messages.iter().find(|made| made.message.message_id == message_id);
        Ok(made.map(|made| data.outgoing(made)))
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        let data = self.call("postponed_messages")?;
        let postponed = data.outbox.messages.iter().filter(|made| made.is_queued()).filter_map(|made| {
            Some(Postponed {
                message_id: made.message.message_id.clone(),
                address: made.message.address.clone(),
                tries: made.tries,
                again_at: made.again_at.filter(|at| *at > now)?,
            })
        });
        Ok(postponed.collect())
    }

    async fn bring_forward(&self, now: Timestamp, waits: &LongestWaits) -> Result<()> {
        let mut data = self.call("bring_forward")?;
        let Data { outbox, alerts, .. } = &mut *data;
        let latest = saturating_add(now, waits.messages);
        for made in outbox.messages.iter_mut().filter(|made| made.is_queued()) {
            made.again_at = made.again_at.map(|at| at.min(latest));
        }
        for Asked { incident, notification } in outbox.notifications.values_mut().filter(|it| it.is_waiting())
        {
            let rule = alerts.get(incident).map(|incident| &incident.rule);
            let wait = waits.reminders.iter().find(|(name, _)| Some(name) == rule).map(|(_, wait)| *wait);
            let latest = match notification.kind {
                NotificationKind::Reminder => wait.map(|wait| saturating_add(now, wait)),
                _ => Some(now),
            };
            notification.due_at = notification.due_at.min(latest.unwrap_or(Timestamp::MAX));
        }
        Ok(())
    }

    async fn queued_count(&self) -> Result<u64> {
        Ok(self.call("queued_count")?.outbox.messages.iter().filter(|made| made.is_queued()).count() as u64)
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        let mut data = self.call("record_attempt")?;
        let made = data.outbox.messages.iter_mut().find(|made| made.message.message_id == message_id);
        let Some(made) = made.filter(|made| made.is_queued()) else { return Ok(()) };
        made.tries += 1;
        made.again_at = None;
        match attempt.clone() {
            Attempt::Sent { at, problem } => (made.sent_at, made.problem) = (Some(at), problem),
            Attempt::Failed { again_at, problem } => {
                (made.again_at, made.problem) = (Some(again_at), Some(problem));
            }
            Attempt::GivenUp { at, problem } => (made.given_up_at, made.problem) = (Some(at), Some(problem)),
        }
        Ok(())
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        let data = self.call("messages_since")?;
        let messages = data.outbox.messages.iter().map(|made| &made.message);
        let mut made: Vec<_> = messages
            .filter(|message| message.made_at >= since)
            .map(|message| (message.address.clone(), message.made_at))
            .collect();
        made.sort_by_key(|(_, at)| *at);
        Ok(made)
    }
}

/// Why a reminder that waits when its incident is over is dropped.
const RESOLVED: &str = "resolved";

/// Whether a notification of this kind is asked for once for each incident and address.
fn is_once(kind: NotificationKind) -> bool {
    kind != NotificationKind::Reminder
}
