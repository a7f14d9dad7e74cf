//! What is known of one series: its newest reading, and its state under each rule that concerns it.

use jiff::Timestamp;
use store::OrderKey;
use telemetry::Series;

use super::instance::RuleInstance;
use super::order::Newest;
use crate::rules::Rules;

#[derive(Debug)]
pub(super) struct SeriesState {
    pub(super) series: Series,
    pub(super) newest: Option<Newest>,
    /// The latest time at which the broker took a reading; none of a device that never spoke.
    pub(super) last_seen: Option<Timestamp>,
    pub(super) last_value: Option<f64>,
    pub(super) instances: Box<[RuleInstance]>,
}

impl SeriesState {
    pub(super) fn new(series: Series, rules: &Rules) -> Self {
        let instances = instances(&series, rules);
        Self { series, newest: None, last_seen: None, last_value: None, instances }
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
