//! What a message says, before it is laid out.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::{Incident, Severity};

/// Incidents that a message lists, at most; of the others it says how many they are.
pub(super) const MAX_LISTED: usize = 1_000;

/// Red, amber and green that can be read on white and on near black.
const CRITICAL: Tone = Tone { light: "#b42318", dark: "#ff8a7a" };
const WARNING: Tone = Tone { light: "#b54708", dark: "#fdb022" };
const INFO: Tone = Tone { light: "#175cd3", dark: "#84adff" };
const CALM: Tone = Tone { light: "#067647", dark: "#5fd39b" };

/// What a message says. Every field is there for templates, under its name.
#[derive(Debug, Clone, Serialize)]
pub struct MessageContext {
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
    pub(super) zone: TimeZone,
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

impl MessageContext {
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
