//! No payload panics, none vanishes, and what was read is written and read back the same. The same bytes are read by a rule
//! for each of the other formats.
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use telemetry::{Announcements, Mapped, Mappings, Message, Publisher};

/// A rule for each format, on a topic of its name; Sparkplug has the preset's.
static MAPPINGS: LazyLock<Mappings> = LazyLock::new(|| {
    let rule = |format: &str| {
        let metric = if format == "text" { "metric = \"m\"\n" } else { "time = \"/t\"\n" };
        format!("[[rule]]\ntopic = \"{format}\"\nformat = \"{format}\"\ndevice = \"d{{/id|client}}\"\nlists = true\n{metric}")
    };
    let rules: String = TOPICS[..6].iter().map(|format| rule(format)).collect();
    Mappings::read(&rules).expect("the rules are right")
});

const TOPICS: [&str; 8] = ["json", "text", "csv", "influx", "senml", "ruuvi", "spBv1.0/g/DDATA/n/d", "spBv1.0/g/DBIRTH/n/d"];

/// By any rule, values are finite and refusals have a reason.
fn by_rules(message: &Message) {
    let announcements = Announcements::default();
    for topic in TOPICS {
        let message = Message { topic: topic.into(), ..message.clone() };
        let publisher = Publisher { client: Some("c"), user: None };
        let Mapped::Read(decoded) = MAPPINGS.decode(&message, publisher, &announcements, message.received_at) else {
            panic!("{topic} is not read");
        };
        assert!(decoded.readings.iter().all(|reading| reading.value.is_finite()));
        assert!(decoded.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
    }
}

fuzz_target!(|payload: &[u8]| {
    let message = Message {
        topic: "temperature/lab".into(),
        payload: bytes::Bytes::copy_from_slice(payload),
        received_at: Timestamp::constant(1_768_473_000, 0),
    };
    by_rules(&message);
    let decoded = message.decode();
    assert!(decoded.readings.len() + decoded.rejected.len() > 0);
    for reading in decoded.readings {
        assert!(reading.value.is_finite());
        let again = Message { payload: reading.to_payload().into(), ..message.clone() }.decode();
        assert_eq!(again.readings, [reading]);
    }
});
