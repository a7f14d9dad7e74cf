//! Decides on one notification: send it now, later or not at all.

use std::time::Duration;

use jiff::Timestamp;
use store::{Deferral, DeliveryStatus, Incident, Notification, NotificationKind};

use telemetry::time::saturating_add;

use super::PlanInput;

/// A deferred notification is decided on again after this long at the latest: a silence may be ended early, or the rules
/// may change.
const RECHECK: Duration = Duration::from_secs(60);

const OVER_BEFORE_NOTIFIED: &str = "the incident resolved before the notification was due";

pub(super) enum Decision {
    /// Send it in the message of its group.
    Send,
    /// Send the end in the same message as its opening.
    Along,
    Defer(Deferral),
    /// Drop the notifications with these numbers, for this reason.
    Drop(Vec<i64>, &'static str),
}

pub(super) fn of(
    now: Timestamp,
    notification: &Notification,
    incident: &Incident,
    input: &PlanInput<'_>,
) -> Decision {
    let drop = |why| Decision::Drop(vec![notification.number], why);
    let decision = match notification.kind {
        NotificationKind::Opened => opened(now, notification, incident, input),
        NotificationKind::Resolved => return resolved(now, notification, incident, input),
        NotificationKind::Reminder if incident.resolved_at.is_some() => drop("the incident is resolved"),
        NotificationKind::Reminder if incident.acknowledged.is_some() => drop("the incident is acknowledged"),
        NotificationKind::Reminder if !reminds(incident, input) => drop("the rule sends no more reminders"),
        NotificationKind::Reminder => Decision::Send,
    };
    match (decision, quiet(now, incident, input)) {
        (Decision::Send, Some((until, why))) => {
            let until = until.min(saturating_add(now, RECHECK));
            Decision::Defer(Deferral { notification: notification.number, until, why: why.to_owned() })
        }
        (decision, _) => decision,
    }
}

fn opened(
    now: Timestamp,
    notification: &Notification,
    incident: &Incident,
    input: &PlanInput<'_>,
) -> Decision {
    if incident.resolved_at.is_none() || !was_quiet(now, notification, incident, input) {
        return Decision::Send;
    }
    let end = sibling(notification, incident, NotificationKind::Resolved).filter(|end| waits(end));
    Decision::Drop(
        [Some(notification), end].into_iter().flatten().map(|notification| notification.number).collect(),
        OVER_BEFORE_NOTIFIED,
    )
}

/// A recipient that was notified of the opening is notified of the end, at any hour; any other is notified of both or of
/// neither.
fn resolved(
    now: Timestamp,
    notification: &Notification,
    incident: &Incident,
    input: &PlanInput<'_>,
) -> Decision {
    match sibling(notification, incident, NotificationKind::Opened) {
        Some(opening) if waits(opening) && was_quiet(now, opening, incident, input) => {
            Decision::Drop(vec![opening.number, notification.number], OVER_BEFORE_NOTIFIED)
        }
        Some(opening) if waits(opening) => Decision::Along,
        Some(Notification { status: DeliveryStatus::Dropped { .. }, .. }) => {
            Decision::Drop(vec![notification.number], "no notification of the opening was sent")
        }
        _ => Decision::Send,
    }
}

/// The notification of this kind about the same incident to the same address.
fn sibling<'a>(
    notification: &Notification,
    incident: &'a Incident,
    kind: NotificationKind,
) -> Option<&'a Notification> {
    incident.notifications.iter().find(|other| other.kind == kind && other.address == notification.address)
}

fn waits(notification: &Notification) -> bool {
    matches!(notification.status, DeliveryStatus::Waiting { .. })
}

fn reminds(incident: &Incident, input: &PlanInput<'_>) -> bool {
    input.rules.named(&incident.rule).is_some_and(|rule| rule.repeat.is_some())
}

/// Whether the notification of an opening was deferred, or would be now.
fn was_quiet(now: Timestamp, opening: &Notification, incident: &Incident, input: &PlanInput<'_>) -> bool {
    matches!(opening.status, DeliveryStatus::Waiting { held: Some(_) })
        || quiet(now, incident, input).is_some()
}

/// Until when no notification about the incident is sent, and why.
fn quiet(now: Timestamp, incident: &Incident, input: &PlanInput<'_>) -> Option<(Timestamp, &'static str)> {
    if let Some(until) = input.silences.until(incident.instance(), now) {
        return Some((until, "silenced"));
    }
    let hours = input.rules.named(&incident.rule)?.active.as_ref()?;
    Some(hours.next(now)).filter(|next| *next > now).map(|next| (next, "outside active hours"))
}
