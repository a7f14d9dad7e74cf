//! When mails were made: as far as the cap depends on it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use store::{Address, Channel};
use telemetry::time::saturating_add;

/// The cap on mails is one within this time.
pub(crate) const CAPPED: Duration = Duration::from_secs(60 * 60);

/// When mails were made for each address within the last hour; other channels have no cap.
#[derive(Debug, Clone, Default)]
pub struct MadeMails(HashMap<Address, VecDeque<Timestamp>>);

impl MadeMails {
    /// What the store knows, in order.
    #[must_use]
    pub fn new(made: impl IntoIterator<Item = (Address, Timestamp)>) -> Self {
        let mut all = Self::default();
        made.into_iter().for_each(|(address, at)| all.add(&address, at));
        all
    }

    /// Notes a message, and forgets those of its address that the cap no longer counts.
    pub(crate) fn add(&mut self, address: &Address, at: Timestamp) {
        if address.channel != Channel::Mail {
            return;
        }
        let of_address = self.0.entry(address.clone()).or_default();
        while of_address.front().is_some_and(|first| saturating_add(*first, CAPPED) <= at) {
            of_address.pop_front();
        }
        of_address.push_back(at);
    }

    /// When those that count at a time no longer count, in order.
    pub(super) fn leave(&self, address: &Address, now: Timestamp) -> Vec<Timestamp> {
        let of_address = self.0.get(address).into_iter().flatten();
        let leave = of_address.map(|at| saturating_add(*at, CAPPED)).filter(|leaves| *leaves > now);
        let mut leave: Vec<_> = leave.collect();
        leave.sort();
        leave
    }
}
