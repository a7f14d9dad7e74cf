//! Readiness: whether a service can do its work now and, if not, why.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

/// The conditions of readiness of one process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Health {
    problems: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
}

/// One condition of readiness, set by the part of the service that it is about.
#[derive(Debug, Clone)]
pub struct Check {
    name: &'static str,
    health: Health,
}

impl Health {
    /// Adds a condition, which fails until it first passes.
    #[must_use]
    pub fn check(&self, name: &'static str) -> Check {
        let check = Check { name, health: self.clone() };
        check.fail("starting");
        check
    }

    /// The conditions that fail, as `name: why`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let problems = self.lock();
        problems.iter().filter_map(|(name, why)| why.as_ref().map(|why| format!("{name}: {why}"))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Option<String>>> {
        self.problems.lock().expect("no code panics while it holds the health")
    }
}

/// As a metric: 1 while everything holds, else 0.
impl EncodeMetric for Health {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&u32::from(self.problems().is_empty()))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

impl Check {
    /// The condition holds.
    pub fn pass(&self) {
        self.health.lock().insert(self.name, None);
    }

    /// The condition does not hold, for this reason.
    pub fn fail(&self, why: impl Into<String>) {
        self.health.lock().insert(self.name, Some(why.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_everything_holds() {
        let health = Health::default();
        let (store, broker) = (health.check("store"), health.check("broker"));
        assert_eq!(health.problems(), ["broker: starting", "store: starting"]);
        store.pass();
        broker.fail("connection refused");
        assert_eq!(health.problems(), ["broker: connection refused"]);
        broker.pass();
        assert!(health.problems().is_empty());
    }

    #[test]
    fn readiness_is_a_metric() {
        let metrics = crate::Metrics::default();
        let health = metrics.add("ready", "Ready", Health::default());
        let store = health.check("store");
        assert!(metrics.text().contains("\nmillrace_ready 0\n"), "{}", metrics.text());
        store.pass();
        assert!(metrics.text().contains("\nmillrace_ready 1\n"), "{}", metrics.text());
    }
}
