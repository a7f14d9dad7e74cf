//! What an alerter works with.

use std::sync::Arc;

use service::Decoder;
use store::Store;
use telemetry::Clock;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::rules::Rules;

/// Evaluates deliveries.
#[derive(Clone)]
pub struct Alerter {
    /// The rules in force; they may change at any time.
    pub rules: watch::Receiver<Arc<Rules>>,
    /// Where incidents and notifications are stored.
    pub store: Arc<dyn Store>,
    /// What it counts.
    pub counters: Counters,
    /// This alerter's name among those that share the store: only one of them sends notifications at a time.
    pub name: String,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What its deliveries were decoded by.
    pub decoder: Decoder,
}
