//! What is known of one series: its newest reading, and its state under each rule that concerns it.

use analytics::Rolling;
use jiff::{SignedDuration, Timestamp};
use store::OrderKey;
use telemetry::Series;

use super::instance::RuleInstance;
use super::order::Newest;
use crate::rules::Rules;

/// When the broker took a reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// As it says.
    pub(super) received_at: Timestamp,
    /// By the clock that goes on evenly.
    pub(super) steady: Timestamp,
}

#[derive(Debug)]
pub(super) struct SeriesState {
    pub(super) series: Series,
    pub(super) newest: Option<Newest>,
    /// When the broker last took a reading; none of a device that never spoke.
    pub(super) last_seen: Option<Seen>,
    /// How old the reading was that came last, when it came.
    pub(super) last_age: SignedDuration,
    pub(super) last_value: Option<f64>,
    /// Its last values, once there is one.
    pub(super) rolling: Option<Box<Rolling>>,
    pub(super) instances: Box<[RuleInstance]>,
}

impl SeriesState {
    pub(super) fn new(series: Series, rules: &Rules) -> Self {
        let instances = instances(&series, rules);
        Self {
            series,
            newest: None,
            last_seen: None,
            last_age: SignedDuration::ZERO,
            last_value: None,
            rolling: None,
            instances,
        }
    }

    /// Returns when the device was last seen, now that the broker took this reading of it too.
    pub(super) fn see(last_seen: &mut Option<Seen>, seen: Seen) -> Timestamp {
        match last_seen {
            Some(last) if last.steady > seen.steady => last.steady,
            last => last.insert(seen).steady,
        }
    }

    /// As it is kept.
    pub(super) fn place(&self) -> Option<OrderKey> {
        self.newest.map(|newest| newest.place)
    }
}

/// All rules that concern a series, found once.
pub(super) fn instances(series: &Series, rules: &Rules) -> Box<[RuleInstance]> {
    let indices = 0u32..;
    let concerned = indices.zip(&rules.rules).filter(|(_, rule)| rule.concerns(series));
    concerned.map(|(index, rule)| RuleInstance::new(index, &rule.condition)).collect()
}
