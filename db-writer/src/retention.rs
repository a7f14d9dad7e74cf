//! Deletes readings that are older than the retention.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use service::{SettingError, Settings};
use store::ReadingStore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

const EVERY: Duration = Duration::from_secs(10 * 60);

/// How long a reading stays stored, counted from `stored_at`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct Retention(#[serde(with = "humantime_serde")] Duration);

impl Retention {
    /// Reads the setting `store.retention` and checks its bounds.
    ///
    /// # Errors
    /// The setting is out of bounds.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let retention: Self = settings.get("store.retention")?;
        let bounds = Duration::from_secs(60 * 60)..=Duration::from_secs(36_500 * 24 * 60 * 60);
        if !bounds.contains(&retention.0) {
            return Err(SettingError::new("store.retention", "must be 1h to 36500days"));
        }
        Ok(retention)
    }
}

/// Deletes readings older than the retention, now and every ten minutes. A failure is tried again then.
pub async fn forget_old(Retention(age): Retention, store: Arc<dyn ReadingStore>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match store.purge(Timestamp::now() - age).await {
            Ok(0) => {}
            Ok(removed) => info!(removed, ?age, "deleted readings older than store.retention"),
            Err(e) => warn!("cannot delete old readings: {e}"),
        }
    }
}
