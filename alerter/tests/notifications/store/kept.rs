//! Incidents, notifications and messages as they are kept, and what changes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{
    Address, Decisions, DeliveryStatus, Incident, LongestWaits, NewMessage, Notification, NotificationKind,
    OutgoingMessage, Reminder, Silence, Transition,
};

/// All that is kept.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) incidents: BTreeMap<String, Incident>,
    /// In the order of their numbers, each with its incident.
    pub(crate) notifications: Vec<(Notification, String)>,
    pub(crate) messages: Vec<Made>,
    pub(crate) silences: Vec<Silence>,
}

#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) message: NewMessage,
    pub(crate) tries: u32,
    pub(crate) again_at: Option<Timestamp>,
    pub(crate) problem: Option<String>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) given_up_at: Option<Timestamp>,
}

impl Kept {
    fn ask(
        &mut self,
        incident: &str,
        kind: NotificationKind,
        address: &Address,
        asked_at: Timestamp,
        due_at: Timestamp,
    ) {
        let number = self.notifications.len() as i64 + 1;
        let status = DeliveryStatus::Waiting { held: None };
        let notification = Notification { number, kind, address: address.clone(), asked_at, due_at, status };
        self.notifications.push((notification, incident.to_owned()));
    }

    pub(crate) fn apply(&mut self, transition: &Transition) {
        match transition {
            Transition::Opened(incident, to) if !self.incidents.contains_key(&incident.id) => {
                self.incidents.insert(incident.id.clone(), (**incident).clone());
                to.iter().for_each(|to| {
                    self.ask(
                        &incident.id,
                        NotificationKind::Opened,
                        to,
                        incident.judged_at,
                        incident.judged_at,
                    );
                });
            }
            Transition::Resolved { id, at, judged_at, value, end } => {
                let Some(incident) = self.incidents.get_mut(id).filter(|it| it.resolved_at.is_none()) else {
                    return;
                };
                (incident.resolved_at, incident.resolved_value, incident.end) =
                    (Some(*at), *value, Some(*end));
                self.end_notifications(id, *judged_at);
            }
            Transition::Opened(..) | Transition::Announced { .. } | Transition::Peaked { .. } => {}
        }
    }

    fn end_notifications(&mut self, id: &str, judged_at: Timestamp) {
        let mut notified = Vec::new();
        for (notification, of) in self.notifications.iter_mut().filter(|(_, of)| of == id) {
            match (notification.kind, &notification.status) {
                (
                    NotificationKind::Opened,
                    DeliveryStatus::Waiting { .. } | DeliveryStatus::InMessage { .. },
                ) => {
                    notified.push((of.clone(), notification.address.clone()));
                }
                (NotificationKind::Reminder, DeliveryStatus::Waiting { .. }) => {
                    notification.status = DeliveryStatus::Dropped { why: "resolved".into() };
                }
                _ => {}
            }
        }
        for (of, address) in notified {
            self.ask(&of, NotificationKind::Resolved, &address, judged_at, judged_at);
        }
    }

    pub(crate) fn incident(&self, id: &str) -> Incident {
        let mut incident = self.incidents[id].clone();
        incident.notifications = self
            .notifications
            .iter()
            .filter(|(_, of)| of == id)
            .map(|(notification, _)| notification.clone())
            .collect();
        incident
    }

    fn waiting(&mut self, number: i64) -> Option<&mut Notification> {
        let notification = self.notifications.get_mut(usize::try_from(number - 1).unwrap())?;
        Some(&mut notification.0)
            .filter(|notification| matches!(notification.status, DeliveryStatus::Waiting { .. }))
    }

    pub(crate) fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> (Vec<(Notification, Incident)>, Option<Timestamp>) {
        let waits = |notification: &&(Notification, String)| {
            matches!(notification.0.status, DeliveryStatus::Waiting { .. })
        };
        let waiting: Vec<_> = self.notifications.iter().filter(waits).collect();
        let (due, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(notification, _)| notification.due_at <= now);
        let due = due
            .into_iter()
            .take(limit)
            .map(|(notification, of)| (notification.clone(), self.incident(of)))
            .collect();
        (due, later.iter().map(|(notification, _)| notification.due_at).min())
    }

    pub(crate) fn decide(&mut self, decisions: &Decisions) {
        for message in &decisions.messages {
            self.make(message);
        }
        for hold in &decisions.held {
            if let Some(notification) = self.waiting(hold.notification) {
                notification.due_at = hold.until;
                notification.status = DeliveryStatus::Waiting { held: Some(hold.why.clone()) };
            }
        }
        for (number, why) in &decisions.dropped {
            if let Some(notification) = self.waiting(*number) {
                notification.status = DeliveryStatus::Dropped { why: why.clone() };
            }
        }
        decisions.reminders.iter().for_each(|reminder| self.remind(reminder));
    }

    pub(super) fn bring_forward(&mut self, now: Timestamp, waits: &LongestWaits) {
        for made in self.messages.iter_mut().filter(|made| Self::owes(made)) {
            made.again_at = made.again_at.map(|at| at.min(now + waits.messages));
        }
        for (notification, incident) in &mut self.notifications {
            let rule = &self.incidents[incident].rule;
            let wait = waits.reminders.iter().find(|(name, _)| name == rule);
            match (notification.kind, wait) {
                (NotificationKind::Reminder, None) => {}
                (NotificationKind::Reminder, Some((_, wait))) => {
                    notification.due_at = notification.due_at.min(now + *wait);
                }
                _ => notification.due_at = notification.due_at.min(now),
            }
        }
    }

    fn make(&mut self, message: &NewMessage) {
        let mut of = Vec::new();
        for number in &message.notifications {
            if let Some(notification) = self.waiting(*number) {
                let message_id = message.message_id.clone();
                notification.status = DeliveryStatus::InMessage { message_id, sent_at: None, problem: None };
                of.push(*number);
            }
        }
        if !of.is_empty() {
            let message = NewMessage { notifications: of, ..message.clone() };
            self.messages.push(Made {
                message,
                tries: 0,
                again_at: None,
                problem: None,
                sent_at: None,
                given_up_at: None,
            });
        }
    }

    fn remind(&mut self, Reminder { incident, address, asked_at, due_at }: &Reminder) {
        let of = &self.incidents[incident];
        let waits = |notification: &Notification| {
            notification.kind == NotificationKind::Reminder
                && matches!(notification.status, DeliveryStatus::Waiting { .. })
        };
        let asked = self.notifications.iter().any(|(notification, of)| {
            of == incident && notification.address == *address && waits(notification)
        });
        if of.resolved_at.is_none() && of.acknowledged.is_none() && !asked {
            self.ask(incident, NotificationKind::Reminder, address, *asked_at, *due_at);
        }
    }

    pub(super) fn message(&self, made: &Made) -> OutgoingMessage {
        let NewMessage { message_id, address, made_at, notifications } = made.message.clone();
        let notification = |number: &i64| {
            let (notification, of) = &self.notifications[usize::try_from(number - 1).unwrap()];
            (notification.clone(), self.incident(of))
        };
        OutgoingMessage {
            message_id,
            address,
            made_at,
            tries: made.tries,
            notifications: notifications.iter().map(notification).collect(),
        }
    }

    pub(super) fn owes(made: &Made) -> bool {
        made.sent_at.is_none() && made.given_up_at.is_none()
    }
}
