//! Resends rejected payloads: once corrected, their readings are published as a device would publish them.

mod selected;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use store::{RejectedMessage, Rejection, Store};
use telemetry::{Inputs, Mapped, Message, Reading, Series, to_payloads};
use tracing::info;

use crate::error::ApiError;
use crate::forms::{Resent, Time};
use crate::requests::Correction;

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
    inputs: Arc<Inputs>,
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
    /// Resends payloads that these inputs read.
    #[must_use]
    pub fn new(publisher: Arc<dyn ReadingPublisher>, inputs: Arc<Inputs>) -> Self {
        Self { publisher, inputs, ack_timeout: ACK_TIMEOUT, under_way: Arc::default() }
    }

    /// Waits for acknowledgements for this time instead of 10 s.
    #[must_use]
    pub fn with_ack_timeout(self, ack_timeout: Duration) -> Self {
        Self { ack_timeout, ..self }
    }

    /// Resends one payload.
    pub(crate) async fn one(
        &self,
        store: &dyn Store,
        id: i64,
        correct: impl FnOnce(&Rejection) -> Result<Correction, String>,
    ) -> Result<Resent, ApiError> {
        let _claim = self.claim(id)?;
        let rejection = find(store, id).await?;
        let correction = correct(&rejection).map_err(ApiError::Unreadable)?;
        let readings =
            self.readings(rejection, correction, Timestamp::now()).map_err(ApiError::Unreadable)?;
        // Published first and marked second: after a crash in between it can be resent again, and the store drops the
        // duplicate.
        self.publish(&readings).await?;
        let resent_at = Timestamp::now();
        if !store.mark_resent(id, resent_at).await? {
            return Err(ApiError::Conflict(
                "somebody else has just resent it, or it is no longer stored".into(),
            ));
        }
        info!(id, readings = readings.len(), "a rejected payload was resent");
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
        let Mapped::Read(decoded) = self.inputs.decode_at(&message, telemetry::Publisher::default(), now)
        else {
            return Err(self.not_read(&message.topic));
        };
        if let Some(rejected) = decoded.rejected.into_iter().next() {
            return Err(rejected.reason);
        }
        // They are published in Millrace's own format, whatever they came in.
        let metrics = self.inputs.metrics();
        match decoded.readings.iter().find(|reading| !metrics.has(reading.series.metric())) {
            Some(reading) => Err(self.not_read(reading.series.as_str())),
            None => Ok(decoded.readings),
        }
    }

    fn not_read(&self, topic: &str) -> String {
        let names: Vec<_> = self.inputs.metrics().names().collect();
        if names.is_empty() {
            return format!("{topic:?} is not collected: no rule reads it; see millrace mappings try");
        }
        format!("the topic's metric is not collected: metrics has {}", names.join(", "))
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
mod tests {
    use super::*;
    use telemetry::MAX_PAYLOAD_BYTES;

    struct Unused;

    #[async_trait]
    impl ReadingPublisher for Unused {
        async fn publish(&self, _: &Series, _: Vec<Bytes>) -> anyhow::Result<()> {
            unreachable!()
        }
    }

    fn received_at() -> Timestamp {
        "2026-01-15T10:30:01.5Z".parse().unwrap()
    }

    fn read(rejected: RejectedMessage, body: &str) -> Result<Vec<Reading>, String> {
        let metrics = vec!["temperature".to_owned(), "humidity".to_owned()].try_into().unwrap();
        let inputs = Arc::new(Inputs::new(metrics, telemetry::Mappings::default()));
        let correction = Correction::read(body.as_bytes()).unwrap();
        let payload_bytes = rejected.payload.len() as u64;
        let rejection = Rejection { id: 1, message: rejected, payload_bytes, resent_at: None };
        Resend::new(Arc::new(Unused), inputs).readings(rejection, correction, received_at())
    }

    fn rejected(topic: &str, reason: &str, payload: &'static [u8]) -> RejectedMessage {
        let payload = Bytes::from_static(payload);
        RejectedMessage { received_at: received_at(), topic: topic.into(), reason: reason.into(), payload }
    }

    #[test]
    fn a_field_that_is_missing_stays_as_it_was_stored() {
        for (topic, payload, body, expected) in [
            ("temperature/lab", &b"23,5"[..], r#"{"payload":"23.5"}"#, ("temperature/lab", 23.5)),
            ("temperature/lab.1", b"23.5", r#"{"topic":"temperature/lab-1"}"#, ("temperature/lab-1", 23.5)),
            ("temperature", b"\xff", r#"{"topic":"humidity/a","payload":"1"}"#, ("humidity/a", 1.0)),
            ("temperature/lab", b"23.5", "{}", ("temperature/lab", 23.5)),
            ("temperature/lab", b"23.5", r#"{"topic":null,"payload":null}"#, ("temperature/lab", 23.5)),
        ] {
            let readings = read(rejected(topic, "x", payload), body).unwrap();
            assert_eq!((readings[0].series.as_str(), readings[0].value), expected, "{body}");
            assert_eq!((readings.len(), readings[0].measured_at), (1, received_at()));
        }
    }

    #[test]
    fn an_error_says_why_a_payload_still_cannot_be_read() {
        for (topic, payload, body, expected) in [
            ("temperature/lab", &b"23,5"[..], "{}", "the payload is not JSON"),
            ("temperature/lab", b"\xff", "{}", "the payload is not UTF-8"),
            ("temperature/lab", b"1", r#"{"payload":""}"#, "the payload is empty"),
            ("temperature/lab.1", b"1", "{}", "the topic has the character '.'"),
            ("temperature/lab", b"1", r#"{"topic":"temperature"}"#, "the topic has no device"),
            ("light/lab", b"1", "{}", "is not collected: metrics has temperature, humidity"),
            ("temperature/lab", b"1", r#"{"topic":""}"#, "is not collected"),
            (
                "temperature/lab",
                b"1",
                r#"{"payload":"[{\"value\":1},{}]"}"#,
                "reading 2 of 2: there is no value",
            ),
            (
                "temperature/lab",
                b"1",
                r#"{"payload":"{\"value\":1,\"measured_at\":\"2026-01-15T10:40:00Z\"}"}"#,
                "5 minutes ahead",
            ),
        ] {
            let reason = read(rejected(topic, "x", payload), body).unwrap_err();
            assert!(reason.contains(expected), "{topic} {body}: {reason}");
        }
    }

    #[test]
    fn a_payload_that_is_not_stored_whole_is_resent_only_with_another_one() {
        let long =
            rejected("temperature/lab", "too long", Box::leak(vec![b'1'; MAX_PAYLOAD_BYTES + 1].into()));
        let reason = read(long.clone(), "{}").unwrap_err();
        assert!(reason.contains("only the first 65536 of its 65537 bytes are stored"), "{reason}");
        assert_eq!(read(long, r#"{"payload":"1"}"#).unwrap().len(), 1);
    }

    #[test]
    fn a_resend_goes_by_the_clock_of_its_own_time() {
        let metrics = vec!["temperature".to_owned()].try_into().unwrap();
        let inputs = Arc::new(Inputs::new(metrics, telemetry::Mappings::default()));
        let resend = Resend::new(Arc::new(Unused), inputs);
        let payload = br#"{"value":1,"measured_at":"2026-01-15T10:40:00Z"}"#;
        let days = Duration::from_secs(1_000 * 86_400);
        let measured_at = |received_at: Timestamp, payload: &'static [u8]| {
            let message = RejectedMessage { received_at, ..rejected("temperature/lab", "x", payload) };
            let payload_bytes = payload.len() as u64;
            let rejection = Rejection { id: 1, message, payload_bytes, resent_at: None };
            let now = self::received_at() + Duration::from_secs(600);
            resend
                .readings(rejection, Correction::read(b"{}").unwrap(), now)
                .map(|readings| readings[0].measured_at)
        };
        let own = "2026-01-15T10:40:00Z".parse().unwrap();
        assert_eq!(measured_at(received_at() - days, payload), Ok(own), "the broker's clock was behind");
        assert_eq!(measured_at(received_at() + days, payload), Ok(own), "the broker's clock was ahead");
        let now = received_at() + Duration::from_secs(600);
        assert_eq!(measured_at(received_at() + days, b"1"), Ok(now), "a stamp from the future is no time");
    }

    #[test]
    fn an_element_of_an_array_keeps_its_place_in_time() {
        let element = rejected("temperature/lab", "reading 3 of 4: there is no value", b"{}");
        let readings = read(element, r#"{"payload":"{\"value\":1}"}"#).unwrap();
        assert_eq!(readings[0].measured_at, received_at() + Duration::from_micros(2));
    }

    #[test]
    fn every_field_survives_in_payloads_that_can_be_read() {
        let many = format!("[{}]", vec![r#"{"value":1}"#; 5_000].join(","));
        for (payload, messages) in
            [("1", 1), (r#"[{"value":1,"boot":7,"seq":9,"unit":"celsius"}]"#, 1), (&many, 5)]
        {
            let body = serde_json::json!({ "payload": payload }).to_string();
            let readings = read(rejected("temperature/lab", "x", b""), &body).unwrap();
            let payloads = to_payloads(&readings);
            assert_eq!(payloads.len(), messages);
            let later = received_at() + Duration::from_secs(3_600);
            let again = payloads.into_iter().flat_map(|payload| {
                assert!(payload.len() <= MAX_PAYLOAD_BYTES);
                let message = Message { topic: "temperature/lab".into(), payload, received_at: later };
                message.decode().readings
            });
            let again: Vec<_> =
                again.map(|reading| Reading { received_at: received_at(), ..reading }).collect();
            assert_eq!(again, readings);
        }
    }
}
