//! What an alerter works with.

use std::sync::Arc;

use store::Store;
use telemetry::Clock;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::rules::Rules;

/// Evaluates deliveries.
#[derive(Clone)]
pub struct Alerter {
    /// What is judged, and who is told; may change at any time.
    pub rules: watch::Receiver<Arc<Rules>>,
    /// Where incidents and notifications are stored.
    pub store: Arc<dyn Store>,
    /// What it counts.
    pub counters: Counters,
    /// Tells it apart from others that share the store: only one of them tells people at a time.
    pub name: String,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}
