//! The metrics of a process, in Prometheus' format.

use std::sync::{Arc, Mutex};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Metric, Registry};

/// The registry of a process' metrics. Clones share it.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    prefix: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { registry: Arc::new(Mutex::new(Registry::with_prefix("millrace"))), prefix: "" }
    }
}

impl Metrics {
    /// The same registry for one service: the names of its metrics begin with `millrace_<service>_`.
    #[must_use]
    pub fn of(&self, service: &'static str) -> Self {
        Self { registry: Arc::clone(&self.registry), prefix: service }
    }

    /// Adds a metric and returns it, at zero.
    #[must_use]
    pub fn register<M: Metric + Clone + Default>(&self, name: &str, help: &str) -> M {
        self.add(name, help, M::default())
    }

    /// Adds this metric and returns it.
    #[must_use]
    pub fn add<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        let mut registry = self.registry.lock().expect("no code panics while it holds the registry");
        registry.sub_registry_with_prefix(self.prefix).register(name, help, metric.clone());
        metric
    }

    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        let registry = self.registry.lock().expect("no code panics while it holds the registry");
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a string does not fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::counter::Counter;

    #[test]
    fn a_metric_is_there_at_zero_with_its_help() {
        let metrics = Metrics::default();
        let stored: Counter = metrics.of("db_writer").register("stored", "Readings that were stored");
        assert!(metrics.text().contains("# HELP millrace_db_writer_stored Readings that were stored.\n"));
        assert!(metrics.text().contains("millrace_db_writer_stored_total 0\n"), "{}", metrics.text());
        stored.inc();
        assert!(metrics.text().contains("millrace_db_writer_stored_total 1\n"));
    }
}
