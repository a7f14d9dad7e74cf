use super::*;
use telemetry::MAX_PAYLOAD_BYTES;

struct Unused;

#[async_trait]
impl ReadingPublisher for Unused {
    async fn publish(&self, _: &Series, _: Vec<Bytes>) -> anyhow::Result<()> {
        unreachable!()
    }
}

fn fixed(inputs: Inputs) -> watch::Receiver<Arc<Inputs>> {
    watch::channel(Arc::new(inputs)).1
}

fn received_at() -> Timestamp {
    "2026-01-15T10:30:01.5Z".parse().unwrap()
}

fn read(rejected: RejectedMessage, body: &str) -> Result<Vec<Reading>, String> {
    let metrics = vec!["temperature".to_owned(), "humidity".to_owned()].try_into().unwrap();
    let inputs = fixed(Inputs::new(metrics, telemetry::Mappings::default()));
    let correction = Correction::read(body.as_bytes()).unwrap();
    let payload_bytes = rejected.payload.len() as u64;
    let rejection = Rejection { id: 1, message: rejected, payload_bytes, resent_at: None };
    Resend::new(Arc::new(Unused), inputs, Arc::new(telemetry::SystemClock::default())).readings(
        rejection,
        correction,
        received_at(),
    )
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
        ("temperature/lab", b"1", r#"{"payload":"[{\"value\":1},{}]"}"#, "reading 2 of 2: there is no value"),
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
    let long = rejected("temperature/lab", "too long", Box::leak(vec![b'1'; MAX_PAYLOAD_BYTES + 1].into()));
    let reason = read(long.clone(), "{}").unwrap_err();
    assert!(reason.contains("only the first 65536 of its 65537 bytes are stored"), "{reason}");
    assert_eq!(read(long, r#"{"payload":"1"}"#).unwrap().len(), 1);
}

#[test]
fn a_resend_goes_by_the_clock_of_its_own_time() {
    let metrics = vec!["temperature".to_owned()].try_into().unwrap();
    let inputs = fixed(Inputs::new(metrics, telemetry::Mappings::default()));
    let resend = Resend::new(Arc::new(Unused), inputs, Arc::new(telemetry::SystemClock::default()));
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
fn a_payload_is_read_by_the_rules_that_are_in_force_by_then() {
    let rules = |text| Arc::new(Inputs::default().with_mappings(telemetry::Mappings::read(text).unwrap()));
    let (in_force, inputs) = watch::channel(rules(""));
    let resend = Resend::new(Arc::new(Unused), inputs, Arc::new(telemetry::SystemClock::default()));
    let read = || {
        let message = rejected("shed/hatch", "no number", b"AJAR");
        let rejection = Rejection { id: 1, payload_bytes: 4, message, resent_at: None };
        resend.readings(rejection, Correction::read(b"{}").unwrap(), received_at())
    };
    assert!(read().unwrap_err().contains("no rule reads it"));
    in_force.send_replace(rules(
        "[[rule]]\ntopic = \"shed/{d}\"\ndevice = \"{d}\"\nmetric = \"open\"\nwords = { AJAR = 0.5 }",
    ));
    assert_eq!((read().unwrap()[0].series.as_str(), read().unwrap()[0].value), ("open/hatch", 0.5));
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
        let again: Vec<_> = again.map(|reading| Reading { received_at: received_at(), ..reading }).collect();
        assert_eq!(again, readings);
    }
}
