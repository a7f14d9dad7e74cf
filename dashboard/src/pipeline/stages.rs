//! From what was seen to the stages that people see; pure. docs/api.md has the rules.

mod queues;
mod services;
mod way_in;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use serde::Serialize;

use super::look::Look;

pub(super) use self::queues::{FAMILIES, QUEUE_METRICS};
pub(super) use self::services::{SERVICE_METRICS, behind};
pub(super) use self::way_in::NODE_METRICS;

/// How a stage is doing, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// Nobody told us where to ask, or nobody there says it.
    Unknown,
    Warning,
    Down,
}

/// One instance, or all of a stage together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) state: State,
    /// Messages or readings a second.
    pub(super) rate: Option<f64>,
    /// Messages that wait there.
    pub(super) depth: Option<u64>,
    /// Seconds.
    pub(super) behind: Option<f64>,
    pub(super) says: Vec<String>,
    pub(super) problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Stage {
    pub(super) id: &'static str,
    #[serde(flatten)]
    pub(super) all: Part,
    pub(super) parts: Vec<Part>,
}

/// The stages that there are, in the order of a reading's way; the history ends with the newest look.
pub(super) fn stages(history: &[Look]) -> Vec<Stage> {
    let Some(now) = history.last() else { return Vec::new() };
    let mut stages = vec![way_in::devices(history, now), way_in::broker(history, now)];
    stages.extend(queues::stage(history, now));
    stages.extend([
        services::writer(history, now),
        services::store(history, now),
        services::alerter(history, now),
        services::pages(history, now),
    ]);
    stages
}

impl Part {
    fn new(name: &str) -> Self {
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

    /// The first problem that is told stays; the state is the worse one.
    fn wrong(&mut self, state: State, problem: String) {
        self.state = self.state.max(state);
        self.problem.get_or_insert(problem);
    }
}

impl Stage {
    fn new(id: &'static str, name: &str) -> Self {
        Self { id, all: Part::new(name), parts: Vec::new() }
    }

    /// One that nobody told us where to ask for.
    fn unknown(mut self, setting: &str) -> Self {
        self.all.wrong(State::Unknown, format!("set {setting} to see it here"));
        self
    }

    /// Down when all parts are, a warning when some are, else as the worst; a single part is the stage itself.
    fn of_parts(mut self, parts: Vec<Part>, kind: &str) -> Self {
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
fn count(number: f64, thing: &str) -> String {
    if number == 1.0 { format!("1 {thing}") } else { format!("{number:.0} {thing}s") }
}

/// A number of things from a gauge, which may be a moment out of step with another.
fn things(number: f64) -> u64 {
    number.max(0.0).round() as u64
}
