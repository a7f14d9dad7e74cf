//! The newest reading of a series.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Time;

/// The newest reading of a series, which is one metric of one device: a row of `GET /api/series`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series<'a> {
    /// The device.
    pub device: Cow<'a, str>,
    /// The metric.
    pub metric: Cow<'a, str>,
    /// The newest value.
    pub value: f64,
    /// The unit, where the device sent one.
    pub unit: Option<Cow<'a, str>>,
    /// When the device measured the value.
    pub measured_at: Time,
    /// How far the value can be trusted to be today's.
    pub state: State,
}

/// How far the newest value of a series can be trusted to be today's, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The value is younger than the setting `dashboard.stale_after`.
    Fresh,
    /// The value is older than that, and younger than `dashboard.offline_after`.
    Stale,
    /// The value is older than `dashboard.offline_after`.
    Offline,
}

impl State {
    const ALL: [Self; 3] = [Self::Fresh, Self::Stale, Self::Offline];

    /// The number that stands for the state in a frame of the live view.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The state that this number stands for in a frame of the live view.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The word for the state, as JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Offline => "offline",
        }
    }
}

impl<'a> Series<'a> {
    /// The row of a series with this newest reading.
    #[must_use]
    pub fn new(reading: &'a telemetry::Reading, state: State) -> Self {
        Self {
            device: reading.series.device().into(),
            metric: reading.series.metric().into(),
            value: reading.value,
            unit: reading.unit.as_deref().map(Cow::from),
            measured_at: reading.measured_at.into(),
            state,
        }
    }

    /// The same row, which borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Series<'static> {
        Series {
            device: Cow::Owned(self.device.into_owned()),
            metric: Cow::Owned(self.metric.into_owned()),
            unit: self.unit.map(|unit| Cow::Owned(unit.into_owned())),
            value: self.value,
            measured_at: self.measured_at,
            state: self.state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_one_word_and_one_number() {
        for (code, state) in (0..).zip(State::ALL) {
            assert_eq!((state.code(), State::from_code(code)), (code, Some(state)));
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        assert_eq!(State::from_code(3), None);
    }
}
