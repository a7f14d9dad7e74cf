//! The words of one message, before they are laid out: what templates are given.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::{Incident, NotificationKind, OutgoingMessage, Severity};

use super::words::{about, link, severity};
use super::{facts, headline, sections};
use crate::Rules;

/// Incidents that a message lists, at most; of the others it says how many they are.
pub(super) const MAX_LISTED: usize = 1_000;

/// Red, amber and green that can be read on white and on near black.
const CRITICAL: Tone = Tone { light: "#b42318", dark: "#ff8a7a" };
const WARNING: Tone = Tone { light: "#b54708", dark: "#fdb022" };
const INFO: Tone = Tone { light: "#175cd3", dark: "#84adff" };
const CALM: Tone = Tone { light: "#067647", dark: "#5fd39b" };

/// What a message says. Every field is there for templates, under its name.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    pub state: State,
    /// Whether it is of several rules, or of beginnings and ends.
    pub digest: bool,
    /// The highest of its incidents.
    pub severity: &'static str,
    /// What a subject begins with.
    pub word: &'static str,
    /// All of it in one line.
    pub headline: String,
    /// Device and metric of a single incident, else how many they are.
    pub title: String,
    /// What was measured, and what it is measured against; empty for several incidents.
    pub figure: String,
    pub beside: String,
    pub facts: Vec<Fact>,
    /// How many incidents it tells of.
    pub count: usize,
    /// Empty for a single incident.
    pub sections: Vec<Section>,
    /// Incidents that are not listed.
    pub more: usize,
    pub link: String,
    pub link_text: &'static str,
    pub tone: Tone,
    /// Why somebody gets this.
    pub why: &'static str,
    #[serde(skip)]
    zone: TimeZone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Alert,
    Still,
    /// Began and ended before anybody was told.
    Over,
    Resolved,
}

/// For a light and for a dark background.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Tone {
    pub light: &'static str,
    pub dark: &'static str,
}

/// One line of a message; `utc` is there for a time in another zone.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    pub name: &'static str,
    pub text: String,
    pub utc: Option<String>,
}

/// Incidents of one rule and metric of which the same is said.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// What is measured, and where there are several rules or states, which.
    pub title: String,
    pub tone: Tone,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub device: String,
    /// Value and time in short.
    pub text: String,
    pub link: String,
}

/// What a message says of one incident.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) incident: &'a Incident,
    pub(super) state: State,
    /// What is said: that it began, or that it ended.
    pub(super) judged_at: Timestamp,
}

const WHY: &str = "Millrace tells you when a rule is broken and when it is kept again.";

impl Said {
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

    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The subject as it is without templates of the user's.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{}: {}", self.word, self.headline)
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

pub(super) fn word(state: State, worst: Severity, digest: bool) -> &'static str {
    match (digest, state, worst) {
        (true, State::Alert | State::Still, Severity::Critical) => "Critical digest",
        (true, ..) => "Digest",
        (_, State::Alert, Severity::Critical) => "Critical",
        (_, State::Alert, Severity::Warning) => "Alert",
        (_, State::Alert, Severity::Info) => "Info",
        (_, State::Still, Severity::Critical) => "Still critical",
        (_, State::Still, _) => "Still",
        (_, State::Over, _) => "Already over",
        (_, State::Resolved, _) => "Resolved",
    }
}

pub(super) fn tone(state: State, worst: Severity) -> Tone {
    match (state, worst) {
        (State::Resolved | State::Over, _) => CALM,
        (_, Severity::Critical) => CRITICAL,
        (_, Severity::Warning) => WARNING,
        (_, Severity::Info) => INFO,
    }
}
