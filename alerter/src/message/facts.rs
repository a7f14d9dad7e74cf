//! What there is to know of incidents, line by line.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::ConditionKind;

use super::content::{Change, Fact, State};
use super::headline;
use super::words::{duration, severity, time, time_utc};
use crate::rules::Rules;

/// What to look at first, and what it is measured against.
pub(super) fn value_and_caption(change: &Change<'_>, now: Timestamp) -> (String, String) {
    let incident = change.incident;
    let lasted = duration(incident.began_at, incident.resolved_at.unwrap_or(now));
    let said = incident.value.map(|of| change.value(of));
    let absent = incident.condition.kind == ConditionKind::Absent;
    match (change.state, said) {
        (State::Resolved, _) => (headline::end(change), format!("after {lasted}, was {}", change.limit())),
        (State::Still, _) if absent => (format!("silent for {lasted}"), change.limit()),
        (State::Still, Some(said)) => (change.limit(), format!("for {lasted}, {said} when it began")),
        (State::Over, Some(said)) if !absent => (said, format!("{}, for {lasted}", change.limit())),
        (State::Over, _) => ("heard again".into(), format!("after {lasted}, was {}", change.limit())),
        (_, Some(said)) if !absent => (said, change.limit()),
        _ => (change.limit(), String::new()),
    }
}

fn text(name: &'static str, text: impl Into<String>) -> Fact {
    Fact { name, text: text.into(), utc: None }
}

fn moment(name: &'static str, at: Timestamp, zone: &TimeZone) -> Fact {
    Fact { name, text: time(at, zone), utc: time_utc(at, zone) }
}

/// When one incident began, was evaluated and announced, and what else is known of it.
pub(super) fn of_one(change: &Change<'_>, rules: &Rules, now: Timestamp, zone: &TimeZone) -> Vec<Fact> {
    let incident = change.incident;
    let absent = incident.condition.kind == ConditionKind::Absent;
    let mut facts = vec![moment(if absent { "Last heard" } else { "Began" }, incident.began_at, zone)];
    if absent {
        facts.extend(incident.value.map(|last| text("Last value", change.value(last))));
    }
    if let Some(peak) = incident.peak.filter(|peak| Some(*peak) != incident.value && !absent) {
        let at = incident.peak_at.unwrap_or(incident.opened_at);
        let peak = change.value(peak);
        facts.push(Fact { text: format!("{peak} at {}", time(at, zone)), ..moment("Peak", at, zone) });
    }
    if let Some(end) = incident.resolved_at.filter(|_| change.state > State::Still) {
        facts.push(moment("Ended", end, zone));
    }
    facts.push(moment("Evaluated", change.judged_at, zone));
    facts.push(moment("Sent", now, zone));
    facts.push(text("Rule", rule(change, rules)));
    facts.push(text("Severity", severity(incident.severity)));
    if incident.late {
        facts.push(text("Late", "the readings that opened this arrived late; it still holds"));
    }
    facts
}

/// The rule's name, and what it asks for beyond the limit.
fn rule(change: &Change<'_>, rules: &Rules) -> String {
    let name = &change.incident.rule;
    let lasts = rules.named(name).map(|rule| rule.pending_for).filter(|lasts| !lasts.is_zero());
    let lasts = lasts.and_then(|lasts| Timestamp::UNIX_EPOCH.checked_add(lasts).ok());
    let lasts = lasts.map(|end| format!(" for {}", duration(Timestamp::UNIX_EPOCH, end))).unwrap_or_default();
    format!("{name}: {}{lasts}", change.limit())
}

/// The times of several incidents.
pub(super) fn of_many(changes: &[Change<'_>], now: Timestamp, zone: &TimeZone) -> Vec<Fact> {
    let began = || changes.iter().map(|change| change.incident.began_at);
    let mut facts = Vec::new();
    if let (Some(first), Some(last)) = (began().min(), began().max()) {
        facts.push(moment(if first == last { "Began" } else { "First began" }, first, zone));
        if first != last {
            facts.push(moment("Last began", last, zone));
        }
    }
    facts.extend(changes.iter().map(|it| it.judged_at).max().map(|at| moment("Evaluated", at, zone)));
    facts.push(moment("Sent", now, zone));
    facts
}
