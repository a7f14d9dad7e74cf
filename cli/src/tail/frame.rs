//! The readings of a frame, with their times.

use api::forms::{Frame, State};
use jiff::Timestamp;

/// The newest reading of a series, by the series' number on this connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Value {
    pub(super) id: u32,
    pub(super) value: f64,
    pub(super) measured_at: Timestamp,
    pub(super) state: State,
}

/// The server's time.
pub(super) fn at(frame: &Frame<'_>) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_microsecond(frame.at)?)
}

pub(super) fn values(frame: &Frame<'_>) -> impl Iterator<Item = anyhow::Result<Value>> {
    frame.values.iter().map(|&(id, value, age, state)| {
        let measured_at = Timestamp::from_microsecond(frame.at.saturating_sub(age))?;
        let state = State::from_code(state).ok_or_else(|| anyhow::anyhow!("state {state} is unknown"))?;
        Ok(Value { id, value, measured_at, state })
    })
}
