//! Incidents and the notifications about them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{DeliveryStatus, SilenceIndex, TextCodec};

use super::{Time, given};

/// One of a few words, which docs/api.md lists.
type Word = Cow<'static, str>;

/// An incident: a row of `GET /api/incidents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// The incident's id, which begins with the rule.
    pub id: String,
    /// The rule that opened the incident.
    pub rule: String,
    /// `info`, `warning` or `critical`.
    pub severity: Word,
    /// The device.
    pub device: String,
    /// The metric.
    pub metric: String,
    /// The kind of condition: `above`, `below`, `outside`, `rate`, `absent`, `stuck` or
    /// `unusual`.
    pub kind: Word,
    /// The condition in words, such as `above 25`.
    pub condition: String,
    /// The limit of the condition that was violated.
    pub threshold: Option<f64>,
    /// When the condition began to hold, by the readings' own times.
    pub began_at: Time,
    /// When the incident opened, by the readings' own times.
    pub opened_at: Time,
    /// When the alerter decided to open it, by the alerter's clock.
    pub judged_at: Time,
    /// When the incident resolved; `null` while it is open.
    pub resolved_at: Option<Time>,
    /// Why it is over: `cleared` or `rule removed`.
    pub end: Option<Word>,
    /// The value that opened it.
    pub value: Option<f64>,
    /// The unit of the values.
    pub unit: Option<String>,
    /// The worst value so far.
    pub peak: Option<f64>,
    /// When the worst value was measured.
    pub peak_at: Option<Time>,
    /// The value that resolved it.
    pub resolved_value: Option<f64>,
    /// Its acknowledgement.
    pub acknowledged: Option<Acknowledgement>,
    /// Until when its notifications are held back by a silence; `null` where none matches now, or it is resolved.
    pub silenced_until: Option<Time>,
    /// Whether it was opened by a reading that was old when it arrived.
    pub late: bool,
    /// Who is notified of it, and what came of that.
    pub notifications: Vec<Notification>,
}

/// An acknowledgement of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Since when.
    pub at: Time,
    /// Who, where that is known.
    pub by: Option<String>,
    /// What they wrote about it.
    pub note: Option<String>,
}

/// One notification of an incident, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// What it is about: `opened`, `reminder` or `resolved`.
    pub kind: Word,
    /// How it is sent: `mail`, `webhook` or `mqtt`.
    pub channel: Word,
    /// The address: who or what receives it.
    pub to: String,
    /// When it was queued.
    pub asked_at: Time,
    /// When it was sent.
    pub sent_at: Option<Time>,
    /// The id of the message that it is part of.
    pub message_id: Option<String>,
    /// `waiting`, `held`, `dropped`, `sent` or `failed`.
    pub state: Word,
    /// Why it is held or was dropped.
    pub why: Option<String>,
    /// Why the last attempt to send it failed.
    pub problem: Option<String>,
}

impl Incident {
    /// An incident as it is at a time, under the silences of that time.
    #[must_use]
    pub fn under(incident: &store::Incident, silences: &SilenceIndex, now: Timestamp) -> Self {
        let is_open = incident.resolved_at.is_none();
        let until = is_open.then(|| silences.until(incident.instance(), now)).flatten();
        Self { silenced_until: until.map(Time), ..Self::from(incident) }
    }
}

/// An incident where no silence is known.
impl From<&store::Incident> for Incident {
    fn from(incident: &store::Incident) -> Self {
        Self {
            id: incident.id.clone(),
            rule: incident.rule.clone(),
            severity: incident.severity.word().into(),
            device: incident.device.clone(),
            metric: incident.metric.clone(),
            kind: incident.condition.kind.word().into(),
            condition: incident.condition.text.clone(),
            threshold: incident.condition.threshold,
            began_at: incident.began_at.into(),
            opened_at: incident.opened_at.into(),
            judged_at: incident.judged_at.into(),
            resolved_at: incident.resolved_at.map(Time),
            end: incident.end.map(|end| end.word().into()),
            value: incident.value,
            unit: incident.unit.clone(),
            peak: incident.peak,
            peak_at: incident.peak_at.map(Time),
            resolved_value: incident.resolved_value,
            acknowledged: incident.acknowledged.as_ref().map(Acknowledgement::from),
            silenced_until: None,
            late: incident.late,
            notifications: incident.notifications.iter().map(Notification::from).collect(),
        }
    }
}

impl From<&store::Acknowledgement> for Acknowledgement {
    fn from(acknowledgement: &store::Acknowledgement) -> Self {
        let store::Acknowledgement { at, by, note } = acknowledgement;
        Self { at: (*at).into(), by: given(by), note: given(note) }
    }
}

impl From<&store::Notification> for Notification {
    fn from(notification: &store::Notification) -> Self {
        let waiting = Self {
            kind: notification.kind.word().into(),
            channel: notification.address.channel.word().into(),
            to: notification.address.to.clone(),
            asked_at: notification.asked_at.into(),
            sent_at: None,
            message_id: None,
            state: "waiting".into(),
            why: None,
            problem: None,
        };
        waiting.with(&notification.status)
    }
}

impl Notification {
    fn with(self, status: &DeliveryStatus) -> Self {
        match status {
            DeliveryStatus::Waiting { held: None } => self,
            DeliveryStatus::Waiting { held: Some(why) } => {
                Self { state: "held".into(), why: Some(why.clone()), ..self }
            }
            DeliveryStatus::Dropped { why } => {
                Self { state: "dropped".into(), why: Some(why.clone()), ..self }
            }
            DeliveryStatus::InMessage { message_id, sent_at, problem } => {
                let state = match (sent_at, problem) {
                    (Some(_), _) => "sent",
                    (None, Some(_)) => "failed",
                    (None, None) => "waiting",
                };
                let (message_id, problem) = (Some(message_id.clone()), problem.clone());
                Self { state: state.into(), message_id, sent_at: sent_at.map(Time), problem, ..self }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{Address, Channel, NotificationKind};

    #[test]
    fn what_became_of_a_notification_is_one_word_and_why() {
        let at = Timestamp::UNIX_EPOCH;
        let text = |text: &str| Some(text.to_owned());
        let message = |sent_at, problem| DeliveryStatus::InMessage {
            message_id: "m@millrace".into(),
            sent_at,
            problem,
        };
        for (status, state, why, problem) in [
            (DeliveryStatus::Waiting { held: None }, "waiting", None, None),
            (DeliveryStatus::Waiting { held: text("silenced") }, "held", text("silenced"), None),
            (DeliveryStatus::Dropped { why: "resolved".into() }, "dropped", text("resolved"), None),
            (message(None, None), "waiting", None, None),
            (message(None, text("no answer")), "failed", None, text("no answer")),
            (message(Some(at), text("b was refused")), "sent", None, text("b was refused")),
        ] {
            let is_in_message = matches!(status, DeliveryStatus::InMessage { .. });
            let is_sent = state == "sent";
            let address = Address { channel: Channel::Webhook, to: "pager".into() };
            let (asked_at, due_at) = (at, at);
            let notification = store::Notification {
                number: 1,
                kind: NotificationKind::Reminder,
                address,
                asked_at,
                due_at,
                status,
            };
            let expected = Notification {
                kind: "reminder".into(),
                channel: "webhook".into(),
                to: "pager".into(),
                asked_at: Time(at),
                sent_at: is_sent.then_some(Time(at)),
                message_id: is_in_message.then(|| "m@millrace".into()),
                state: state.into(),
                why,
                problem,
            };
            assert_eq!(Notification::from(&notification), expected);
        }
    }
}
