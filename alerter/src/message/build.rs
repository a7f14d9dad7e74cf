//! Notifications → what their message says.

use jiff::Timestamp;
use store::{NotificationKind, OutgoingMessage};

use super::content::{Change, MAX_LISTED, MessageContext, State, tone, word};
use super::words::{about, link, severity};
use super::{facts, headline, sections};
use crate::rules::Rules;

const WHY: &str = "Millrace sends this when a rule is violated and when it recovers.";

impl MessageContext {
    /// The words for the address of the message, in its zone, as they are at this time.
    #[must_use]
    pub fn of(message: &OutgoingMessage, rules: &Rules, page: &str, now: Timestamp) -> Self {
        let zone = rules.zone_of(&message.address.to);
        let mut changes = changes(message);
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
        let (figure, beside) = if single { facts::figure(&changes[0], now) } else { Default::default() };
        Self {
            state,
            digest,
            severity: severity(worst),
            word: word(state, worst, digest),
            title: if single { about(first) } else { headline.clone() },
            headline,
            figure,
            beside,
            facts: if single {
                facts::of_one(&changes[0], rules, now, &zone)
            } else {
                facts::of_many(&changes, now, &zone)
            },
            count: changes.len(),
            sections: if single { Vec::new() } else { sections::of(&changes, page, &zone) },
            more: if single { 0 } else { changes.len().saturating_sub(MAX_LISTED) },
            link: if single { link(page, first) } else { format!("{page}/") },
            link_text: if single { "Show the chart" } else { "Open Millrace" },
            tone: tone(state, worst),
            why: WHY,
            zone,
        }
    }
}

/// One for each incident, in the order in which they were asked for.
fn changes(message: &OutgoingMessage) -> Vec<Change<'_>> {
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
                changes.push(Change { incident, state, judged_at });
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
