//! The alert state of one rule for one series: what evaluations make of it, and when an incident opens and resolves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::Phase;

/// What one reading says of a condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Evaluation {
    /// The condition holds, since this time at the latest.
    Violated { since: Timestamp },
    /// The value is between the limit and the clear limit.
    Between,
    /// The condition is cleared.
    Clear,
    /// It cannot be known yet, such as how fast a value changes that came for the first time.
    Unknown,
}

/// Normal → pending → firing → recovering → normal.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Normal,
    Pending {
        since: Timestamp,
    },
    Firing(Box<Open>),
    Recovering {
        open: Box<Open>,
        since: Timestamp,
    },
}

/// An incident that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: String,
    pub(super) announced: bool,
    /// Furthest beyond the limit; none where there is no limit to be beyond.
    pub(super) peak: Option<f64>,
}

/// What an evaluation changed.
#[derive(Debug)]
pub(super) enum Step {
    Stays,
    Moves,
    /// An incident is to be opened, and the state to be set to it.
    Opens {
        began_at: Timestamp,
    },
    Closes(Box<Open>),
}

/// How long a condition must hold before an incident opens, and be over before it closes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Durations {
    pub(super) pending_for: Duration,
    pub(super) keep_firing_for: Duration,
}

impl State {
    /// Takes the evaluation of a reading; time passes only from reading to reading.
    pub(super) fn step(&mut self, evaluation: Evaluation, at: Timestamp, durations: Durations) -> Step {
        match (&*self, evaluation) {
            (_, Evaluation::Unknown) => Step::Stays,
            (Self::Normal, Evaluation::Between | Evaluation::Clear) => Step::Stays,
            (Self::Normal, Evaluation::Violated { since }) => {
                self.wait(None, since.min(at), at, durations.pending_for)
            }
            (&Self::Pending { since }, Evaluation::Violated { .. }) => {
                self.wait(Some(since), since.min(at), at, durations.pending_for)
            }
            (Self::Pending { .. }, Evaluation::Between | Evaluation::Clear) => {
                *self = Self::Normal;
                Step::Moves
            }
            (Self::Firing(_), Evaluation::Violated { .. } | Evaluation::Between) => Step::Stays,
            (Self::Firing(_) | Self::Recovering { .. }, Evaluation::Clear) => {
                self.recover(at, durations.keep_firing_for)
            }
            (Self::Recovering { .. }, Evaluation::Violated { .. } | Evaluation::Between) => {
                *self = self.take_open().map_or(Self::Normal, Self::Firing);
                Step::Moves
            }
        }
    }

    /// The rule is violated, and no incident is open. A clock that was set back makes an earlier time the first.
    fn wait(
        &mut self,
        before: Option<Timestamp>,
        since: Timestamp,
        at: Timestamp,
        pending_for: Duration,
    ) -> Step {
        if passed(since, at, pending_for) {
            *self = Self::Normal;
            return Step::Opens { began_at: since };
        }
        *self = Self::Pending { since };
        if before == Some(since) { Step::Stays } else { Step::Moves }
    }

    /// The condition is cleared, and an incident is open.
    fn recover(&mut self, at: Timestamp, keep_firing_for: Duration) -> Step {
        let before = if let Self::Recovering { since, .. } = self { Some(*since) } else { None };
        let Some(open) = self.take_open() else { return Step::Stays };
        let since = before.unwrap_or(at).min(at);
        if passed(since, at, keep_firing_for) {
            return Step::Closes(open);
        }
        *self = Self::Recovering { open, since };
        if before == Some(since) { Step::Stays } else { Step::Moves }
    }

    /// Leaves the state normal; returns the incident that was open.
    pub(super) fn take_open(&mut self) -> Option<Box<Open>> {
        match std::mem::take(self) {
            Self::Firing(open) | Self::Recovering { open, .. } => Some(open),
            Self::Normal | Self::Pending { .. } => None,
        }
    }

    pub(super) fn open(&self) -> Option<&Open> {
        match self {
            Self::Firing(open) | Self::Recovering { open, .. } => Some(open),
            Self::Normal | Self::Pending { .. } => None,
        }
    }

    /// The phase to store, in the wall clock's times.
    pub(super) fn phase(&self, stepped: SignedDuration) -> Phase {
        match self {
            Self::Normal => Phase::Normal,
            &Self::Pending { since } => Phase::Pending { since: shifted(since, stepped) },
            Self::Firing(open) => Phase::Firing { incident: open.id.clone(), announced: open.announced },
            Self::Recovering { open, since } => Phase::Recovering {
                incident: open.id.clone(),
                announced: open.announced,
                since: shifted(*since, stepped),
            },
        }
    }

    /// The state of a stored phase.
    pub(super) fn from_phase(phase: Phase, peak: Option<f64>) -> Self {
        let open = |id, announced| Box::new(Open { id, announced, peak });
        match phase {
            Phase::Normal => Self::Normal,
            Phase::Pending { since } => Self::Pending { since },
            Phase::Firing { incident, announced } => Self::Firing(open(incident, announced)),
            Phase::Recovering { incident, announced, since } => {
                Self::Recovering { open: open(incident, announced), since }
            }
        }
    }
}

fn passed(since: Timestamp, at: Timestamp, time: Duration) -> bool {
    Duration::try_from(at.duration_since(since)).is_ok_and(|passed| passed >= time)
}

/// The time, moved by a step of the clock; unchanged where that is out of range.
pub(super) fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}
