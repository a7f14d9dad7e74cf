//! One device and metric: what was heard of it, and how it stands towards the rules that concern it.

use jiff::Timestamp;
use store::OrderKey;
use telemetry::Topic;

use super::place::Newest;
use super::subject::Subject;
use crate::Rules;

#[derive(Debug)]
pub(super) struct Device {
    pub(super) topic: Topic,
    pub(super) newest: Option<Newest>,
    /// The latest time at which the broker took a reading; none of a device that never spoke.
    pub(super) last_seen: Option<Timestamp>,
    pub(super) last_value: Option<f64>,
    pub(super) subjects: Box<[Subject]>,
}

impl Device {
    pub(super) fn new(topic: Topic, rules: &Rules) -> Self {
        let subjects = subjects(&topic, rules);
        Self { topic, newest: None, last_seen: None, last_value: None, subjects }
    }

    /// As it is kept.
    pub(super) fn place(&self) -> Option<OrderKey> {
        self.newest.map(|newest| newest.place)
    }
}

/// All rules that concern a topic, found once.
pub(super) fn subjects(topic: &Topic, rules: &Rules) -> Box<[Subject]> {
    let indices = 0u32..;
    let concerned = indices.zip(&rules.rules).filter(|(_, rule)| rule.concerns(topic));
    concerned.map(|(index, rule)| Subject::new(index, &rule.condition)).collect()
}
