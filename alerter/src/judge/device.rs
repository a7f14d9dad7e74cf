//! One device and metric: what was heard of it, and how it stands towards the rules that concern it.

use jiff::Timestamp;
use store::OrderKey;
use telemetry::Series;

use super::place::Newest;
use super::subject::Subject;
use crate::Rules;

#[derive(Debug)]
pub(super) struct Device {
    pub(super) series: Series,
    pub(super) newest: Option<Newest>,
    /// The latest time at which the broker took a reading; none of a device that never spoke.
    pub(super) last_seen: Option<Timestamp>,
    pub(super) last_value: Option<f64>,
    pub(super) subjects: Box<[Subject]>,
}

impl Device {
    pub(super) fn new(series: Series, rules: &Rules) -> Self {
        let subjects = subjects(&series, rules);
        Self { series: series, newest: None, last_seen: None, last_value: None, subjects }
    }

    /// As it is kept.
    pub(super) fn place(&self) -> Option<OrderKey> {
        self.newest.map(|newest| newest.place)
    }
}

/// All rules that concern a topic, found once.
pub(super) fn subjects(series: &Series, rules: &Rules) -> Box<[Subject]> {
    let indices = 0u32..;
    let concerned = indices.zip(&rules.rules).filter(|(_, rule)| rule.concerns(series));
    concerned.map(|(index, rule)| Subject::new(index, &rule.condition)).collect()
}
