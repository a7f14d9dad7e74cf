//! Resends rejected payloads: once corrected, their readings are published as a device would publish them.

mod awaited;
mod selected;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use store::{RejectedMessage, Rejection, Store};
use telemetry::{Clock, Inputs, Mapped, Message, Reading, Scope, Series, to_payloads};
use tokio::sync::watch;
use tracing::info;

use crate::error::ApiError;
use crate::forms::{Resent, Time};
use crate::requests::Correction;

pub use awaited::ResendAwaited;

/// The time within which everything that was published must be acknowledged, unless another one is set.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Publishes readings where devices publish theirs.
#[async_trait]
pub trait ReadingPublisher: Send + Sync {
    /// Publishes payloads of one series, and returns when all of them are acknowledged: what a PUBACK promises holds for
    /// each.
    ///
    /// # Errors
    /// They will not all be acknowledged; some of them may have been accepted.
    async fn publish(&self, series: &Series, payloads: Vec<Bytes>) -> anyhow::Result<()>;
}

/// Resends rejected payloads. Cheap to clone: clones know what the others are resending.
#[derive(Clone)]
pub struct Resend {
    publisher: Arc<dyn ReadingPublisher>,
    inputs: watch::Receiver<Arc<Inputs>>,
    clock: Arc<dyn Clock>,
    ack_timeout: Duration,
    /// Ids being resent: two people at one row would otherwise publish two versions of it.
    under_way: Arc<Mutex<HashSet<i64>>>,
}

/// The sole right to resend a rejected payload, until it is dropped.
struct Claim<'a> {
    id: i64,
    under_way: &'a Mutex<HashSet<i64>>,
}

impl Resend {
    /// Resends payloads that the inputs read that are in force by then, by this clock.
    #[must_use]
    pub fn new(
        publisher: Arc<dyn ReadingPublisher>,
        inputs: watch::Receiver<Arc<Inputs>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { publisher, inputs, clock, ack_timeout: ACK_TIMEOUT, under_way: Arc::default() }
    }

    /// Waits for acknowledgements for this time instead of 10 s.
    #[must_use]
    pub fn with_ack_timeout(self, ack_timeout: Duration) -> Self {
        Self { ack_timeout, ..self }
    }

    /// Resends one payload that a person asks for.
    pub(crate) async fn one(
        &self,
        store: &dyn Store,
        scope: &Scope,
        id: i64,
        correct: impl FnOnce(&Rejection) -> Result<Correction, String>,
    ) -> Result<Resent, ApiError> {
        let resent = self.again(store, scope, id, correct).await?;
        info!(id, readings = resent.readings, "a rejected payload was resent");
        Ok(resent)
    }

    /// Publishes the readings of one payload, and marks it as resent.
    async fn again(
        &self,
        store: &dyn Store,
        scope: &Scope,
        id: i64,
        correct: impl FnOnce(&Rejection) -> Result<Correction, String>,
    ) -> Result<Resent, ApiError> {
        let _claim = self.claim(id)?;
        let rejection = find(store, id).await?;
        let correction = correct(&rejection).map_err(ApiError::Unreadable)?;
        let readings =
            self.readings(rejection, correction, self.clock.wall()).map_err(ApiError::Unreadable)?;
        // Another topic or payload may be of a device that the caller does not see.
        if !readings.iter().all(|reading| scope.holds(reading.series.device())) {
            return Err(not_found());
        }
        // Published first and marked second: after a crash in between it can be resent again, and the store drops the
        // duplicate.
        self.publish(&readings).await?;
        let resent_at = self.clock.wall();
        if !store.mark_resent(id, resent_at).await? {
            return Err(ApiError::Conflict(
                "somebody else has just resent it, or it is no longer stored".into(),
            ));
        }
        Ok(Resent { readings: readings.len(), resent_at: resent_at.into() })
    }

    fn claim(&self, id: i64) -> Result<Claim<'_>, ApiError> {
        let mut under_way = self.under_way.lock().expect("no code panics while it holds the set");
        if !under_way.insert(id) {
            return Err(ApiError::Conflict("somebody else is just resending it".into()));
        }
        Ok(Claim { id, under_way: &self.under_way })
    }

    /// All readings of the payload, or why it still cannot be read: some of them are not enough.
    fn readings(
        &self,
        rejection: Rejection,
        correction: Correction,
        now: Timestamp,
    ) -> Result<Vec<Reading>, String> {
        let (stored, arrived) = (rejection.stored_bytes(), rejection.payload_bytes);
        if stored < arrived && correction.payload.is_none() {
            return Err(format!("only the first {stored} of its {arrived} bytes are stored: send a payload"));
        }
        let RejectedMessage { received_at, topic, reason, payload } = rejection.message;
        let (topic, payload) =
            (correction.topic.unwrap_or(topic), correction.payload.map_or(payload, |payload| payload.into()));
        let message = Message { topic, payload, received_at }.again(&reason, now);
        let inputs = Arc::clone(&self.inputs.borrow());
        let Mapped::Read(decoded) = inputs.decode_at(&message, telemetry::Publisher::default(), now) else {
            return Err(not_read(&message.topic, &inputs));
        };
        if let Some(rejected) = decoded.rejected.into_iter().next() {
            return Err(rejected.reason);
        }
        if decoded.readings.is_empty() {
            return Err("there is no reading in it".into());
        }
        // They are published in Millrace's own format, whatever they came in.
        let metrics = inputs.metrics();
        match decoded.readings.iter().find(|reading| !metrics.has(reading.series.metric())) {
            Some(reading) => Err(not_read(reading.series.as_str(), &inputs)),
            None => Ok(decoded.readings),
        }
    }

    async fn publish(&self, readings: &[Reading]) -> Result<(), ApiError> {
        let published = async {
            for (series, readings) in by_series(readings) {
                self.publisher.publish(&series, to_payloads(&readings)).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        match tokio::time::timeout(self.ack_timeout, published).await {
            Ok(published) => published.map_err(|e| ApiError::NotAccepted(format!("{e:#}"))),
            Err(_) => Err(ApiError::NotAccepted(format!("not acknowledged within {:?}", self.ack_timeout))),
        }
    }
}

fn not_read(topic: &str, inputs: &Inputs) -> String {
    let names: Vec<_> = inputs.metrics().names().collect();
    if names.is_empty() {
        return format!("{topic:?} is not collected: no rule reads it; see millrace mappings try");
    }
    format!("the topic's metric is not collected: metrics has {}", names.join(", "))
}

/// A payload of another format may hold readings of several series.
fn by_series(readings: &[Reading]) -> BTreeMap<Series, Vec<Reading>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for reading in readings {
        groups.entry(reading.series.clone()).or_default().push(reading.clone());
    }
    groups
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.under_way.lock().expect("no code panics while it holds the set").remove(&self.id);
    }
}

/// The error for an id that no rejected payload has.
pub(crate) fn not_found() -> ApiError {
    ApiError::NotFound("there is no rejected payload with this id: GET /api/rejected lists them".into())
}

/// The rejected payload with this id, unless it was resent.
async fn find(store: &dyn Store, id: i64) -> Result<Rejection, ApiError> {
    let rejection = store.rejection(id).await?.ok_or_else(not_found)?;
    match rejection.resent_at {
        Some(at) => Err(ApiError::Conflict(format!("it was resent at {}", Time(at)))),
        None => Ok(rejection),
    }
}

#[cfg(test)]
mod tests;
