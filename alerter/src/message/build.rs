//! Notifications → what their message says.

use jiff::Timestamp;
use store::{NotificationKind, OutgoingMessage};
use telemetry::{Filter, Words};

use super::content::{Action, Change, MessageContext, State, tone, word};
use super::sections::{self, Listed};
use super::words::{about, link, link_to_form, link_to_group, severity};
use super::{facts, headline};
use crate::rules::Rules;

const WHY: &str = "Millrace sends this when a rule is violated and when it recovers.";

impl MessageContext {
    /// The words for the address of the message, in its zone, as they are at this time.
    #[must_use]
    pub fn of(message: &OutgoingMessage, rules: &Rules, page: &str, now: Timestamp) -> Self {
        Self::in_words(message, rules, page, &Words::default(), now)
    }

    /// The same, with these words for values.
    #[must_use]
    pub fn in_words(
        message: &OutgoingMessage,
        rules: &Rules,
        page: &str,
        words: &Words,
        now: Timestamp,
    ) -> Self {
        let zone = rules.zone_of(&message.address.to);
        let mut changes = changes(message, words);
        let first = changes[0].incident;
        let state = overall(&changes);
        let digest = state.is_none();
        if digest {
            changes.sort_by_key(|change| (change.state, std::cmp::Reverse(change.incident.severity)));
        }
        let worst = changes.iter().map(|change| change.incident.severity).max().unwrap_or_default();
        let single = changes.len() == 1;
        let state = state.unwrap_or(changes[0].state);
        let headline = match (single, digest) {
            (true, _) => headline::of_one(&changes[0], now),
            (_, true) => headline::of_digest(&changes),
            _ => headline::of_group(&changes, state),
        };
        let Listed { sections, more } =
            if single { Listed::default() } else { sections::of(&changes, page, &zone) };
        let (value, caption) =
            if single { facts::value_and_caption(&changes[0], now) } else { Default::default() };
        Self {
            state,
            digest,
            severity: severity(worst),
            word: word(state, worst, digest),
            title: if single { about(first) } else { headline.clone() },
            headline,
            value,
            caption,
            facts: if single {
                facts::of_one(&changes[0], rules, now, &zone)
            } else {
                facts::of_many(&changes, now, &zone)
            },
            count: changes.len(),
            sections,
            more,
            link: if single { link(page, first) } else { group_link(page, &changes) },
            link_text: if single { "Show the chart" } else { "Show these devices" },
            actions: if single { actions(page, &changes[0]) } else { Vec::new() },
            tone: tone(state, worst),
            why: WHY,
            zone,
        }
    }
}

/// Where the page shows the devices of several incidents.
fn group_link(page: &str, changes: &[Change<'_>]) -> String {
    let metric = changes[0].incident.metric.as_str();
    let is_one = changes.iter().all(|change| change.incident.metric == metric);
    let devices = Filter::covering(changes.iter().map(|change| change.incident.device.as_str()));
    let devices = devices.unwrap_or_else(Filter::all);
    let is_open = changes.iter().any(|change| matches!(change.state, State::Alert | State::Still));
    link_to_group(page, is_one.then_some(metric), devices.as_str(), is_open)
}

/// What can be done about an open incident.
fn actions(page: &str, change: &Change<'_>) -> Vec<Action> {
    if !matches!(change.state, State::Alert | State::Still) {
        return Vec::new();
    }
    let action = |(text, form)| Action { text, link: link_to_form(page, form, change.incident) };
    [("Acknowledge", "acknowledge"), ("Silence", "silence")].map(action).into()
}

/// One for each incident, in the order in which they were asked for.
fn changes<'a>(message: &'a OutgoingMessage, words: &'a Words) -> Vec<Change<'a>> {
    let mut at = std::collections::HashMap::new();
    let mut changes: Vec<Change<'_>> = Vec::new();
    for (notification, incident) in &message.notifications {
        let state = match notification.kind {
            NotificationKind::Opened => State::Alert,
            NotificationKind::Reminder => State::Still,
            NotificationKind::Resolved => State::Resolved,
        };
        match at.get(&incident.id) {
            Some(known) if state == State::Resolved => {
                let known: &mut Change<'_> = &mut changes[*known];
                known.state = if known.state == State::Alert { State::Over } else { State::Resolved };
                known.judged_at = notification.asked_at;
            }
            Some(_) => {}
            None => {
                at.insert(&incident.id, changes.len());
                let judged_at =
                    if state == State::Resolved { notification.asked_at } else { incident.judged_at };
                changes.push(Change { incident, state, judged_at, words });
            }
        }
    }
    changes
}

/// What is said of all of them, if it is one thing of one rule; what is over already came as an alert.
fn overall(changes: &[Change<'_>]) -> Option<State> {
    let first = changes[0];
    let one_rule = changes.iter().all(|change| change.incident.rule == first.incident.rule);
    let came_as = |state| if state == State::Over { State::Alert } else { state };
    let one_state = changes.iter().all(|change| came_as(change.state) == came_as(first.state));
    (one_rule && one_state).then(|| changes.iter().map(|change| change.state).min().unwrap_or(first.state))
}
