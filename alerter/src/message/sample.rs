//! Made-up messages: templates are tried with them before they are used.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use store::{
    Address, Bucket, Channel, Condition, ConditionKind, DeliveryStatus, End, Incident, Notification,
    NotificationKind, OutgoingMessage, Severity, TimeRange,
};

use super::{Chart, ChartCaption, MessageContext};
use crate::rules::{Grouping, Rules};

/// What there can be to say: one incident or several, of one rule or two, begun and over, with a picture and without.
pub(super) fn all() -> Vec<(MessageContext, Option<ChartCaption>)> {
    let group = |kind| (0..150).map(|number| notification(number, "silent", kind)).collect();
    let digest = vec![
        notification(1, "temperature-high", NotificationKind::Opened),
        notification(2, "silent", NotificationKind::Opened),
        notification(3, "silent", NotificationKind::Resolved),
    ];
    let single = |kind| vec![notification(1, "temperature-high", kind)];
    let kinds = [NotificationKind::Opened, NotificationKind::Reminder, NotificationKind::Resolved];
    let mut messages: Vec<Vec<_>> = kinds.into_iter().flat_map(|kind| [single(kind), group(kind)]).collect();
    messages.push(digest);
    messages
        .into_iter()
        .flat_map(|notifications| [with_words(notifications.clone(), true), with_words(notifications, false)])
        .collect()
}

fn with_words(
    notifications: Vec<(Notification, Incident)>,
    chart: bool,
) -> (MessageContext, Option<ChartCaption>) {
    let grouping = Grouping { group_wait: Duration::ZERO, group_max: Duration::ZERO, max_mails_per_hour: 1 };
    let rules = Rules { rules: Vec::new(), recipients: BTreeMap::new(), grouping, max_unusual: 0 };
    let message = OutgoingMessage {
        message_id: "sample@millrace".into(),
        address: address(),
        made_at: at(60),
        tries: 0,
        notifications,
    };
    let content = MessageContext::of(&message, &rules, "http://localhost:8080", at(60));
    let (_, incident) = &message.notifications[0];
    let range = TimeRange { from: at(0), to: at(60) };
    let bucket = Bucket { from: at(10), to: at(11), min: 20.0, max: 26.0, mean: 23.0, count: 9 };
    let drawn = chart.then(|| Chart::drawn(incident, range, &[bucket])).flatten();
    (content.clone(), drawn.map(|drawn| drawn.words(content.zone(), "chart")))
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_768_473_000 + minute * 60).unwrap_or_default()
}

fn address() -> Address {
    Address { channel: Channel::Mail, to: "ann@localhost".into() }
}

fn notification(number: i64, rule: &str, kind: NotificationKind) -> (Notification, Incident) {
    let (asked_at, status) = (at(31), DeliveryStatus::Waiting { held: None });
    let notification = Notification { number, kind, address: address(), asked_at, due_at: asked_at, status };
    let over = kind == NotificationKind::Resolved;
    let absent = rule == "silent";
    let incident = Incident {
        id: format!("{rule}/temperature/rack-{number}/1"),
        rule: rule.into(),
        severity: Severity::Critical,
        device: format!("rack-{number}"),
        metric: "temperature".into(),
        condition: Condition {
            kind: if absent { ConditionKind::Absent } else { ConditionKind::Above },
            text: if absent { "absent for 2m".into() } else { "above 25".into() },
            threshold: (!absent).then_some(25.0),
        },
        began_at: at(30),
        opened_at: at(31),
        judged_at: at(31),
        value: Some(26.1),
        unit: Some("celsius".into()),
        peak: Some(27.0),
        peak_at: Some(at(32)),
        resolved_at: over.then(|| at(40)),
        resolved_value: over.then_some(24.0),
        end: over.then_some(End::Cleared),
        acknowledged: None,
        late: false,
        notifications: Vec::new(),
    };
    (notification, incident)
}
