//! How many mails an address may get within an hour.

use jiff::Timestamp;
use store::{Address, Channel};
use telemetry::time::saturating_add;

use super::made::{CAPPED, MadeMails};
use crate::rules::Rules;

/// Messages that may be made for an address now.
pub(super) struct Slots {
    pub(super) free: usize,
    /// When one more is free; none where there is no cap.
    pub(super) next: Option<Timestamp>,
}

impl Slots {
    pub(super) fn of(now: Timestamp, address: &Address, made: &MadeMails, rules: &Rules) -> Self {
        if address.channel != Channel::Mail {
            return Self { free: usize::MAX, next: None };
        }
        let cap = rules.grouping.max_mails_per_hour.max(1) as usize;
        let leave = made.leave(address, now);
        let free = cap.saturating_sub(leave.len());
        // With room, all of it is used before one more is asked for; what is made now leaves after an hour.
        let next = leave
            .get(leave.len().saturating_sub(cap))
            .copied()
            .unwrap_or_else(|| saturating_add(now, CAPPED));
        Self { free, next: Some(next) }
    }
}
