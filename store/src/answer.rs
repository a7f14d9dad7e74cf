//! How alerts and silences are written as JSON, in the API and on the command line.

use jiff::Timestamp;
use serde::Serialize;

use crate::text_codec::TextCodec;
use crate::{Channel, DeliveryStatus, Severity};

/// RFC 3339 in UTC with microseconds.
#[must_use]
pub fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// An incident.
#[derive(Debug, PartialEq, Serialize)]
pub struct Incident {
    id: String,
    rule: String,
    severity: &'static str,
    device: String,
    metric: String,
    kind: &'static str,
    condition: String,
    threshold: Option<f64>,
    began_at: String,
    opened_at: String,
    judged_at: String,
    resolved_at: Option<String>,
    end: Option<&'static str>,
    value: Option<f64>,
    unit: Option<String>,
    peak: Option<f64>,
    peak_at: Option<String>,
    resolved_value: Option<f64>,
    acknowledged: Option<Acknowledgement>,
    late: bool,
    notifications: Vec<Notification>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Acknowledgement {
    at: String,
    by: Option<String>,
    note: Option<String>,
}

/// Who is told of an alert, by mail or otherwise, and what became of that.
#[derive(Debug, PartialEq, Serialize)]
struct Notification {
    kind: &'static str,
    channel: &'static str,
    to: String,
    asked_at: String,
    sent_at: Option<String>,
    message_id: Option<String>,
    state: &'static str,
    why: Option<String>,
    problem: Option<String>,
}

/// A silence.
#[derive(Debug, PartialEq, Serialize)]
pub struct Silence {
    id: String,
    device: String,
    metric: Option<String>,
    rule: Option<String>,
    from: String,
    until: String,
    reason: String,
    by: Option<String>,
}

impl Incident {
    #[must_use]
    pub fn of(incident: &crate::Incident) -> Self {
        Self {
            id: incident.id.clone(),
            rule: incident.rule.clone(),
            severity: incident.severity.word(),
            device: incident.device.clone(),
            metric: incident.metric.clone(),
            kind: incident.condition.kind.word(),
            condition: incident.condition.text.clone(),
            threshold: incident.condition.threshold,
            began_at: time(incident.began_at),
            opened_at: time(incident.opened_at),
            judged_at: time(incident.judged_at),
            resolved_at: incident.resolved_at.map(time),
            end: incident.end.map(|end| end.word()),
            value: incident.value,
            unit: incident.unit.clone(),
            peak: incident.peak,
            peak_at: incident.peak_at.map(time),
            resolved_value: incident.resolved_value,
            acknowledged: incident.acknowledged.as_ref().map(Acknowledgement::of),
            late: incident.late,
            notifications: incident.notifications.iter().map(Notification::of).collect(),
        }
    }
}

impl Acknowledgement {
    fn of(said: &crate::Acknowledgement) -> Self {
        Self { at: time(said.at), by: known(&said.by), note: known(&said.note) }
    }
}

impl Notification {
    fn of(notification: &crate::Notification) -> Self {
        let plain = Self {
            kind: notification.kind.word(),
            channel: notification.address.channel.word(),
            to: notification.address.to.clone(),
            asked_at: time(notification.asked_at),
            sent_at: None,
            message_id: None,
            state: "waiting",
            why: None,
            problem: None,
        };
        plain.with(&notification.status)
    }

    fn with(self, status: &DeliveryStatus) -> Self {
        match status {
            DeliveryStatus::Waiting { held: None } => self,
            DeliveryStatus::Waiting { held: Some(why) } => {
                Self { state: "held", why: Some(why.clone()), ..self }
            }
            DeliveryStatus::Dropped { why } => Self { state: "dropped", why: Some(why.clone()), ..self },
            DeliveryStatus::InMessage { message_id, sent_at, problem } => {
                let state = match (sent_at, problem) {
                    (Some(_), _) => "sent",
                    (None, Some(_)) => "failed",
                    (None, None) => "waiting",
                };
                let (message_id, problem) = (Some(message_id.clone()), problem.clone());
                Self { state, message_id, sent_at: sent_at.map(time), problem, ..self }
            }
        }
    }
}

impl Silence {
    #[must_use]
    pub fn of(silence: &crate::Silence) -> Self {
        Self {
            id: silence.id.clone(),
            device: silence.device.to_string(),
            metric: silence.metric.clone(),
            rule: silence.rule.clone(),
            from: time(silence.from),
            until: time(silence.until),
            reason: silence.reason.clone(),
            by: known(&silence.by),
        }
    }
}

/// The word for a severity.
#[must_use]
pub fn severity(severity: Severity) -> &'static str {
    severity.word()
}

/// The word for a way to tell.
#[must_use]
pub fn channel(channel: Channel) -> &'static str {
    channel.word()
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, NotificationKind};

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
            let notification = crate::Notification {
                number: 1,
                kind: NotificationKind::Reminder,
                address,
                asked_at,
                due_at,
                status,
            };
            let expected = Notification {
                kind: "reminder",
                channel: "webhook",
                to: "pager".into(),
                asked_at: "1970-01-01T00:00:00.000000Z".into(),
                sent_at: is_sent.then(|| "1970-01-01T00:00:00.000000Z".into()),
                message_id: is_in_message.then(|| "m@millrace".into()),
                state,
                why,
                problem,
            };
            assert_eq!(Notification::of(&notification), expected);
        }
    }

    #[test]
    fn who_has_no_name_is_not_known() {
        let silence = crate::Silence {
            id: "1".into(),
            rule: None,
            metric: Some("temperature".into()),
            device: telemetry::Filter::all(),
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            reason: "moving".into(),
            by: String::new(),
        };
        let json = Silence::of(&silence);
        assert_eq!((json.by, json.device.as_str(), json.metric.as_deref()), (None, "#", Some("temperature")));
    }
}
