//! A stage, its parts, and how each is doing.

use std::cmp::Reverse;

use serde::Serialize;

/// How a stage is doing, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Ok,
    /// No setting says where to ask, or nothing answers there.
    Unknown,
    Warning,
    Down,
}

/// One instance, or a whole stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) state: State,
    /// Messages or readings per second.
    pub(crate) rate: Option<f64>,
    /// Messages that wait in it.
    pub(crate) depth: Option<u64>,
    /// Seconds by which it is behind.
    pub(crate) behind: Option<f64>,
    /// Words for people, such as `3 connections`.
    pub(crate) says: Vec<String>,
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stage {
    pub(crate) id: &'static str,
    #[serde(flatten)]
    pub(crate) all: Part,
    pub(crate) parts: Vec<Part>,
}

impl Part {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: State::Ok,
            rate: None,
            depth: None,
            behind: None,
            says: Vec::new(),
            problem: None,
        }
    }

    /// Notes a problem: the first one stays, and the state is the worst.
    pub(super) fn wrong(&mut self, state: State, problem: String) {
        self.state = self.state.max(state);
        self.problem.get_or_insert(problem);
    }
}

impl Stage {
    pub(super) fn new(id: &'static str, name: &str) -> Self {
        Self { id, all: Part::new(name), parts: Vec::new() }
    }

    /// A stage for which a setting is missing.
    pub(super) fn unknown(mut self, setting: &str) -> Self {
        self.all.wrong(State::Unknown, format!("set {setting} to see it here"));
        self
    }

    /// Down when all parts are, a warning when some are, else as the worst; a single part is the stage itself.
    pub(super) fn of_parts(mut self, parts: Vec<Part>, kind: &str) -> Self {
        let down = parts.iter().filter(|part| part.state == State::Down).count();
        let worst = parts.iter().filter(|part| part.problem.is_some()).min_by_key(|part| Reverse(part.state));
        let all = &mut self.all;
        all.rate = parts.iter().filter_map(|part| part.rate).reduce(|a, b| a + b);
        all.depth = parts.iter().filter_map(|part| part.depth).reduce(|a, b| a + b);
        all.behind = parts.iter().filter_map(|part| part.behind).reduce(f64::max);
        match (&parts[..], worst) {
            (_, None) => {}
            ([only], _) => (all.state, all.problem) = (only.state, only.problem.clone()),
            (_, Some(_)) if down > 0 => {
                let state = if down == parts.len() { State::Down } else { State::Warning };
                let verb = if down == 1 { "is" } else { "are" };
                all.wrong(state, format!("{down} of {} {kind} {verb} down", parts.len()));
            }
            (_, Some(part)) => {
                let problem = part.problem.as_deref().unwrap_or_default();
                all.wrong(part.state, format!("{}: {problem}", part.name));
            }
        }
        self.parts = parts;
        self
    }
}

/// `1 message`, `2 messages`.
pub(super) fn count(number: f64, thing: &str) -> String {
    if number == 1.0 { format!("1 {thing}") } else { format!("{number:.0} {thing}s") }
}

/// A whole number from a gauge. A difference of two gauges may be below 0 for a moment.
pub(super) fn things(number: f64) -> u64 {
    number.max(0.0).round() as u64
}
