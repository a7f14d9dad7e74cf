//! What happened, in one line: the subject of a mail.

use jiff::Timestamp;
use store::{ConditionKind, End, Incident};

use super::content::{Change, State};
use super::words::{self, about, duration};

/// Names in a subject, at most, and the characters of each.
const NAMES: usize = 2;
const NAME_CHARS: usize = 40;

/// One incident: device, metric, value and rule.
pub(super) fn of_one(change: &Change<'_>, now: Timestamp) -> String {
    let incident = change.incident;
    let (about, limit, rule) = (about(incident), change.limit(), &incident.rule);
    let lasted = duration(incident.began_at, incident.resolved_at.unwrap_or(now));
    let said = incident.value.map(|of| change.value(of));
    let absent = incident.condition.kind == ConditionKind::Absent;
    match (change.state, said) {
        (State::Resolved, _) => format!("{about} {} after {lasted} ({rule})", end(change)),
        (State::Alert, Some(said)) if !absent => format!("{about} {said}, {limit} ({rule})"),
        (State::Alert, _) => format!("{about} {limit} ({rule})"),
        (State::Still, _) if absent => format!("{about} silent for {lasted} ({rule})"),
        (State::Still, Some(said)) if incident.condition.kind == ConditionKind::Stuck => {
            format!("{about} stuck at {said} for {lasted} ({rule})")
        }
        (State::Still, _) => format!("{about} {limit} for {lasted} ({rule})"),
        (State::Over, Some(said)) if !absent => format!("{about} was {said}, {limit}, for {lasted} ({rule})"),
        (State::Over, _) => format!("{about} was {limit}, heard again after {lasted} ({rule})"),
    }
}

/// How an incident ended: `back at 24 °C`.
pub(super) fn end(change: &Change<'_>) -> String {
    let incident = change.incident;
    let last = incident.resolved_value.map(|of| change.value(of));
    match (incident.end, incident.condition.kind, last) {
        (Some(End::RuleRemoved), ..) => "no longer watched".into(),
        (_, ConditionKind::Absent, _) => "heard again".into(),
        (_, ConditionKind::Stuck, Some(last)) => format!("changed to {last}"),
        (_, _, Some(last)) => format!("back at {last}"),
        (_, _, None) => "over".into(),
    }
}

/// Several incidents of one rule: how many devices, what, and the first of their names.
pub(super) fn of_group(changes: &[Change<'_>], state: State) -> String {
    let first = changes[0].incident;
    let devices = distinct(changes, |incident| &incident.device);
    let metrics = distinct(changes, |incident| &incident.metric);
    let is_removed = changes.iter().all(|change| change.incident.end == Some(End::RuleRemoved));
    let what = match (state, first.condition.kind) {
        (State::Resolved, _) if is_removed => end(&changes[0]),
        (State::Resolved, ConditionKind::Absent) => "heard again".to_owned(),
        (State::Resolved, _) => format!("no longer {}", changes[0].limit()),
        _ => changes[0].limit(),
    };
    let rule = &first.rule;
    let metric = |few: usize| {
        if metrics.len() <= few { listed(&metrics) } else { format!("{} metrics", metrics.len()) }
    };
    match (&devices[..], first.condition.kind) {
        ([device], _) => format!("{}: {} {what} ({rule})", words::name(device), metric(NAMES)),
        (_, ConditionKind::Absent) => {
            format!("{} devices {what} ({rule}): {}", devices.len(), listed(&devices))
        }
        _ => format!("{} devices: {} {what} ({rule}): {}", devices.len(), metric(NAMES), listed(&devices)),
    }
}

/// Of several rules, or beginnings and ends.
pub(super) fn of_digest(changes: &[Change<'_>]) -> String {
    let counted = [
        (State::Alert, "alert", "alerts"),
        (State::Still, "reminder", "reminders"),
        (State::Resolved, "resolved", "resolved"),
        (State::Over, "resolved before notice", "resolved before notice"),
    ];
    let parts: Vec<_> = counted
        .into_iter()
        .map(|(state, one, many)| (changes.iter().filter(|change| change.state == state).count(), one, many))
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    format!("{} ({})", parts.join(", "), listed(&distinct(changes, |incident| &incident.rule)))
}

fn distinct<'a>(changes: &[Change<'a>], name: fn(&'a Incident) -> &'a String) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    changes.iter().map(|change| name(change.incident).as_str()).filter(|name| seen.insert(*name)).collect()
}

/// `a`, `a and b`, `a, b and 498 more`.
fn listed(names: &[&str]) -> String {
    let short = |name: &&str| match name.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => (*name).to_owned(),
    };
    let shown: Vec<_> = names.iter().take(NAMES).map(short).collect();
    match names.len() {
        0..=NAMES => shown.join(" and "),
        all => format!("{} and {} more", shown.join(", "), all - NAMES),
    }
}
