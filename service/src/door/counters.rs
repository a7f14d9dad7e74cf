//! The metrics of doors, by the name of their group.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::Refusal;
use crate::Metrics;

#[derive(Debug, Clone)]
pub(super) struct Counters {
    pub(super) open: Family<Label, Gauge>,
    pub(super) max_connections: Family<Label, Gauge>,
    pub(super) failed: Family<Label, Counter>,
    refused: Family<RefusedLabels, Counter>,
}

/// The group of listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Label {
    pub(super) door: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    door: &'static str,
    reason: &'static str,
}

impl Counters {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("door");
        Self {
            open: metrics.register("connections", "Connections that are open now"),
            max_connections: metrics.register("max_connections", "Connections that may be open"),
            failed: metrics
                .register("accept_failures", "Times that the system could not accept a connection"),
            refused: metrics.register(
                "refused",
                "Connections closed at once, as too many are open in all or from the address",
            ),
        }
    }

    pub(super) fn refused(&self, label: &Label, refusal: Refusal) -> Counter {
        let reason = match refusal {
            Refusal::All => "all",
            Refusal::Address => "address",
        };
        self.refused.get_or_create(&RefusedLabels { door: label.door, reason }).clone()
    }
}
