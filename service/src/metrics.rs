//! The metrics of a process, as OpenMetrics and in Prometheus' older text format.

mod format;
mod histogram;
mod process;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use self::process::Process;

pub use self::format::MetricsFormat;
pub use self::histogram::{Durations, Sizes};

/// The registry of a process' metrics. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    prefix: &'static str,
    shared: Arc<Mutex<HashMap<TypeId, Box<dyn Any + Send>>>>,
}

impl Metrics {
    /// The same registry for one service: the names of its metrics begin with `millrace_<service>_`.
    #[must_use]
    pub fn of(&self, service: &'static str) -> Self {
        Self { prefix: service, ..self.clone() }
    }

    /// Adds a metric and returns it, at zero.
    #[must_use]
    pub fn register<M: Metric + Clone + Default>(&self, name: &str, help: &str) -> M {
        self.add(name, help, M::default())
    }

    /// Adds this metric and returns it.
    #[must_use]
    pub fn add<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        let prefix = match self.prefix {
            "" => "millrace".to_owned(),
            service => format!("millrace_{service}"),
        };
        self.registry().sub_registry_with_prefix(prefix).register(name, help, metric.clone());
        metric
    }

    /// The metrics of this type, which are registered the first time: two servers of one process count together.
    #[must_use]
    pub fn shared<T: Clone + Send + 'static>(&self, register: impl FnOnce(&Self) -> T) -> T {
        let mut shared = self.shared.lock().expect("no code panics while it holds the shared metrics");
        let known = shared.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(register(self)));
        known.downcast_ref::<T>().expect("each type has its own entry").clone()
    }

    /// Adds the version, and what the system says about this process.
    pub(crate) fn describe_process(&self, started_at: Timestamp) {
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        let mut registry = self.registry();
        registry.sub_registry_with_prefix("millrace").register("build", "The version that runs", build);
        registry.register_collector(Box::new(Process::started(started_at)));
    }

    /// All metrics as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry()).expect("writing to a string does not fail");
        text
    }

    /// All metrics in this format.
    #[must_use]
    pub fn text_in(&self, format: MetricsFormat) -> String {
        format.of_openmetrics(self.text())
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().expect("no code panics while it holds the registry")
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

    #[test]
    fn metrics_of_one_type_are_registered_once() {
        let metrics = Metrics::default();
        let register = |metrics: &Metrics| -> Counter { metrics.of("door").register("refused", "Refused") };
        metrics.shared(register).inc();
        metrics.of("other").shared(register).inc();
        assert_eq!(
            metrics.text().matches("millrace_door_refused_total 2\n").count(),
            1,
            "{}",
            metrics.text()
        );
    }

    #[test]
    fn a_process_has_its_version_and_what_the_system_says_of_it() {
        let metrics = Metrics::default();
        metrics.describe_process("2026-01-15T10:30:00Z".parse().unwrap());
        let text = metrics.text();
        let version = concat!("\nmillrace_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n");
        assert!(text.contains(version), "{text}");
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1_000_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!((value("process_start_time_seconds") - 1_768_473_000.0).abs() < 0.001);
    }
}
