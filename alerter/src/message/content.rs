//! What a message says, before it is laid out.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::{Incident, Severity};
use telemetry::Words;

use super::words;

/// Red, amber and green that can be read on white and on near black.
const CRITICAL: Tone = Tone { light: "#b42318", dark: "#ff8a7a" };
const WARNING: Tone = Tone { light: "#b54708", dark: "#fdb022" };
const INFO: Tone = Tone { light: "#175cd3", dark: "#84adff" };
const CALM: Tone = Tone { light: "#067647", dark: "#5fd39b" };

/// What a message says. Every field is there for templates, under its name.
#[derive(Debug, Clone, Serialize)]
pub struct MessageContext {
    /// The state of its incidents.
    pub state: State,
    /// Whether it is about several rules, or about both openings and ends.
    pub digest: bool,
    /// The highest severity of its incidents.
    pub severity: &'static str,
    /// The word that a subject begins with.
    pub word: &'static str,
    /// The whole message in one line.
    pub headline: String,
    /// Device and metric of a single incident, else how many they are.
    pub title: String,
    /// What was measured, in large type; empty for several incidents.
    pub value: String,
    /// The line under the value: the limit, or for how long.
    pub caption: String,
    /// Times and other facts, a line each.
    pub facts: Vec<Fact>,
    /// How many incidents it is about.
    pub count: usize,
    /// Empty for a single incident.
    pub sections: Vec<Section>,
    /// Incidents that are not listed.
    pub more: usize,
    /// Where the page shows it.
    pub link: String,
    /// What the link is called.
    pub link_text: &'static str,
    /// Links to what can be done about a single open incident.
    pub actions: Vec<Action>,
    /// The colour of its severity.
    pub tone: Tone,
    /// Why the recipient gets the message.
    pub why: &'static str,
    #[serde(skip)]
    pub(super) zone: TimeZone,
}

/// What a message says of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Alert,
    Still,
    /// Opened and resolved before a notification was sent.
    Over,
    Resolved,
}

/// For a light and for a dark background.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Tone {
    /// On a light background.
    pub light: &'static str,
    /// On a dark background.
    pub dark: &'static str,
}

/// One line of a message; `utc` is there for a time in another zone.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// Its text.
    pub text: String,
    /// A time in UTC, where the reader is in another zone.
    pub utc: Option<String>,
}

/// A link to a form on the page.
#[derive(Debug, Clone, Serialize)]
pub struct Action {
    /// What it does.
    pub text: &'static str,
    /// Where it leads.
    pub link: String,
}

/// Incidents of one rule and metric in the same state.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// What is measured, and where there are several rules or states, which.
    pub title: String,
    /// The colour of its severity.
    pub tone: Tone,
    /// Its lines.
    pub items: Vec<Item>,
}

/// A series, or several whose names begin alike.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The device, or what the names of several begin with.
    pub device: String,
    /// Value and time in short.
    pub text: String,
    /// Where the page shows it.
    pub link: String,
}

/// What a message says of one incident.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) incident: &'a Incident,
    pub(super) state: State,
    /// When the change was evaluated: the opening, or the end.
    pub(super) judged_at: Timestamp,
    /// The words for values.
    pub(super) words: &'a Words,
}

impl Change<'_> {
    /// A value of the incident, as people read it.
    pub(super) fn value(&self, value: f64) -> String {
        words::value(value, self.incident, self.words)
    }

    /// What was violated, as people read it.
    pub(super) fn limit(&self) -> String {
        words::limit(self.incident, self.words)
    }
}

impl MessageContext {
    /// The zone in which its times are written.
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

pub(super) fn word(state: State, worst: Severity, digest: bool) -> &'static str {
    match (digest, state, worst) {
        (true, State::Alert | State::Still, Severity::Critical) => "Critical digest",
        (true, ..) => "Digest",
        (_, State::Alert, Severity::Critical) => "Critical",
        (_, State::Alert, Severity::Warning) => "Alert",
        (_, State::Alert, Severity::Info) => "Info",
        (_, State::Still, Severity::Critical) => "Critical reminder",
        (_, State::Still, _) => "Reminder",
        (_, State::Over, _) => "Resolved before notice",
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
