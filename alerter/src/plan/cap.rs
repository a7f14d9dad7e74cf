//! How many mails an address may get within an hour.

use std::time::Duration;

use jiff::Timestamp;
use store::{Address, Channel};

use telemetry::time::saturating_add;

use super::PlanInput;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Messages that may be made for an address now.
pub(super) struct Slots {
    pub(super) free: usize,
    /// When one more is free; none where there is no cap.
    pub(super) next: Option<Timestamp>,
}

impl Slots {
    pub(super) fn of(now: Timestamp, address: &Address, input: &PlanInput<'_>) -> Self {
        if address.channel != Channel::Mail {
            return Self { free: usize::MAX, next: None };
        }
        let cap = input.rules.grouping.max_mails_per_hour.max(1) as usize;
        let mut leave: Vec<Timestamp> = input
            .made
            .iter()
            .filter(|(made_for, _)| made_for == address)
            .map(|(_, at)| saturating_add(*at, HOUR))
            .filter(|leaves| *leaves > now)
            .collect();
        leave.sort();
        let free = cap.saturating_sub(leave.len());
        // With room, all of it is used before one more is asked for; what is made now leaves after an hour.
        let next =
            leave.get(leave.len().saturating_sub(cap)).copied().unwrap_or_else(|| saturating_add(now, HOUR));
        Self { free, next: Some(next) }
    }
}
