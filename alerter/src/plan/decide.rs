//! Whether somebody is to hear of one change of one incident now, later or not at all.

use std::time::Duration;

use jiff::Timestamp;
use store::{Deferral, DeliveryStatus, Incident, Notification, NotificationKind};

use telemetry::time::saturating_add;

use super::PlanInput;

/// What is held is looked at again after this long at the latest: a silence may be ended early, or the rules change.
const RECHECK: Duration = Duration::from_secs(60);

const OVER_BEFORE_NOTIFIED: &str = "over before anybody was to be told";

pub(super) enum Decision {
    /// In the message of its group.
    Send,
    /// An end in the same message as its opening.
    Along,
    Defer(Deferral),
    /// Notifications by number, with why.
    Drop(Vec<i64>, &'static str),
}

pub(super) fn of(
    now: Timestamp,
    notification: &Notification,
    incident: &Incident,
    input: &PlanInput<'_>,
) -> Decision {
    let drop = |why| Decision::Drop(vec![notification.number], why);
    let told = match notification.kind {
        NotificationKind::Opened => opened(now, notification, incident, input),
        NotificationKind::Resolved => return resolved(now, notification, incident, input),
        NotificationKind::Reminder if incident.resolved_at.is_some() => drop("it is over"),
        NotificationKind::Reminder if incident.acknowledged.is_some() => drop("somebody sees to it"),
        NotificationKind::Reminder if !reminds(incident, input) => drop("its rule reminds nobody any more"),
        NotificationKind::Reminder => Decision::Send,
    };
    match (told, quiet(now, incident, input)) {
        (Decision::Send, Some((until, why))) => {
            let until = until.min(saturating_add(now, RECHECK));
            Decision::Defer(Deferral { notification: notification.number, until, why: why.to_owned() })
        }
        (told, _) => told,
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

/// Who heard of an opening hears of its end, at any hour; who did not hears of both or of neither.
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
            Decision::Drop(vec![notification.number], "nobody was told of its opening")
        }
        _ => Decision::Send,
    }
}

/// The notification of another kind of the same incident to the same address.
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

/// Whether an opening was held, or would be now.
fn was_quiet(now: Timestamp, opening: &Notification, incident: &Incident, input: &PlanInput<'_>) -> bool {
    matches!(opening.status, DeliveryStatus::Waiting { held: Some(_) })
        || quiet(now, incident, input).is_some()
}

/// Until when nobody is told, and why.
fn quiet(now: Timestamp, incident: &Incident, input: &PlanInput<'_>) -> Option<(Timestamp, &'static str)> {
    if let Some(until) = input.silences.until(incident.instance(), now) {
        return Some((until, "silenced"));
    }
    let hours = input.rules.named(&incident.rule)?.active.as_ref()?;
    Some(hours.next(now)).filter(|next| *next > now).map(|next| (next, "outside active hours"))
}
