//! Silences: times during which nobody is notified of some incidents.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::Filter;

use super::incidents::Incident;
use crate::unavailable::Result;

/// While it lasts, nobody is told of the incidents it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    pub id: String,
    /// All rules where none is named; likewise for metrics.
    pub rule: Option<String>,
    pub metric: Option<String>,
    /// Of the device's name.
    pub device: Filter,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub by: String,
}

impl Silence {
    #[must_use]
    pub fn covers(&self, incident: &Incident, at: Timestamp) -> bool {
        let named = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
        (self.from..self.until).contains(&at)
            && named(&self.rule, &incident.rule)
            && named(&self.metric, &incident.metric)
            && self.device.matches(&incident.device)
    }
}

/// Where silences are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Silences: Send + Sync {
    /// Stores a silence, if there is none with its id.
    async fn add_silence(&self, silence: &Silence) -> Result<()>;

    /// Ends a silence at a time, unless it ends earlier; false where there is none.
    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool>;

    /// Silences that end after this time, by their start.
    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>>;
}
