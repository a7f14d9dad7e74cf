//! The part `decode`: how many readings a second one core makes of messages in several formats, and what finding the rule
//! for a topic costs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use telemetry::{Inputs, Mapped, Mappings, Message, Publisher};

/// How often each step is measured; the median counts.
const RUNS: usize = 5;

/// How long a run lasts, at least.
const LONG: Duration = Duration::from_millis(400);

/// Messages that are decoded before the clock is looked at.
const AT_ONCE: usize = 1_000;

/// Rules of a person beside the presets, in the step that finds the last one of them.
pub(crate) const RULES: usize = 100;

/// Readings a second of an object with ten fields, at least.
pub(crate) const AIM: f64 = 300_000.0;

/// Ten fields that are readings.
const TEN_FIELDS: &str = r#"{"battery":97,"contact":false,"current":0.52,"energy":12.4,"humidity":55.3,"illuminance":120,"linkquality":120,"power":119.5,"temperature":21.5,"voltage":230.1}"#;

/// Messages of one kind, and what they cost.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) what: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) readings_by_message: usize,
    /// The median of the runs, the lowest and the highest.
    pub(crate) readings_per_second: (f64, f64, f64),
}

#[derive(Debug, Serialize)]
pub(crate) struct Decoding {
    pub(crate) steps: Vec<Step>,
    /// Millrace's own format without the question which rule it is for: what it cost before there were mappings.
    pub(crate) own_alone: (f64, f64, f64),
    /// Ten fields by the last of so many rules of a person.
    pub(crate) by_last_rule: (f64, f64, f64),
}

/// What is measured: the name, the topic, and the payload.
const MESSAGES: [(&str, &str, &str); 8] = [
    ("own format", OWN.0, OWN.1),
    ("own format, a bare number", "temperature/lab", "21.5"),
    ("JSON with 10 fields (Zigbee2MQTT)", "zigbee2mqtt/desk", TEN_FIELDS),
    (
        "JSON in groups (Tasmota)",
        "tele/plug/SENSOR",
        r#"{"Time":"2026-11-29T12:00:10","ENERGY":{"TotalStartTime":"2026-01-01T00:00:00","Total":12.3,"Power":119,"Factor":0.98,"Voltage":231,"Current":0.52},"DS18B20":{"Id":"00000A1B2C3D","Temperature":21.5},"TempUnit":"C"}"#,
    ),
    ("text (ESPHome)", "board/sensor/living_room_temperature/state", "21.5"),
    (
        "line protocol (Telegraf)",
        "telegraf/host/cpu",
        "cpu,host=a usage_idle=90.5,usage_user=3.5,usage_system=2.25 1764417600000000000",
    ),
    (
        "SenML",
        "senml/lab",
        r#"[{"bn":"dev:","bt":1764417600,"n":"temp","u":"Cel","v":21.5},{"n":"hum","u":"%RH","v":55}]"#,
    ),
    ("own format, a metric of no dictionary", "energy2/meter", "21.5"),
];

const OWN: (&str, &str) = (
    "temperature/lab",
    r#"{"value":21.5,"unit":"celsius","measured_at":"2025-10-09T08:53:20.000Z","boot":1,"seq":17}"#,
);

pub(crate) fn measure() -> anyhow::Result<Decoding> {
    let presets = Inputs::default();
    let steps = MESSAGES.iter().map(|(what, topic, payload)| step(&presets, what, topic, payload));
    let own = message(OWN.0, OWN.1)?;
    let rule = |number: usize| {
        format!("[[rule]]\ntopic = \"plant/line-{number}/{{device}}\"\ndevice = \"{{device}}\"\n")
    };
    let rules: String = (1..=RULES).map(rule).collect();
    let inputs = Inputs::default().with_mappings(Mappings::read(&rules)?);
    let last = message(&format!("plant/line-{RULES}/desk"), TEN_FIELDS)?;
    Ok(Decoding {
        steps: steps.collect::<anyhow::Result<_>>()?,
        own_alone: rates(1, || own.decode().readings.len())?,
        by_last_rule: rates(10, || count(&inputs, &last))?,
    })
}

fn step(inputs: &Inputs, what: &'static str, topic: &'static str, payload: &str) -> anyhow::Result<Step> {
    let message = message(topic, payload)?;
    let readings = count(inputs, &message);
    ensure!(readings > 0, "{what}: no reading");
    let readings_per_second = rates(readings, || count(inputs, &message))?;
    Ok(Step { what, topic, readings_by_message: readings, readings_per_second })
}

fn message(topic: &str, payload: &str) -> anyhow::Result<Message> {
    let received_at = Timestamp::from_second(1_764_417_700).context("a time")?;
    Ok(Message { topic: topic.to_owned(), payload: Bytes::copy_from_slice(payload.as_bytes()), received_at })
}

fn count(inputs: &Inputs, message: &Message) -> usize {
    match inputs.decode(message, Publisher::default()) {
        Mapped::Read(decoded) if decoded.rejected.is_empty() => decoded.readings.len(),
        _ => 0,
    }
}

/// Readings a second: the median of some runs, the lowest and the highest.
fn rates(expected: usize, decode: impl Fn() -> usize) -> anyhow::Result<(f64, f64, f64)> {
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let (started, mut readings) = (Instant::now(), 0);
        while started.elapsed() < LONG {
            let now: usize = (0..AT_ONCE).map(|_| std::hint::black_box(decode())).sum();
            ensure!(now == expected * AT_ONCE, "{now} readings of {AT_ONCE} messages");
            readings += now;
        }
        rates.push(readings as f64 / started.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok((rates[RUNS / 2], rates[0], rates[RUNS - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_read() {
        for (what, topic, payload) in MESSAGES {
            let readings = count(&Inputs::default(), &message(topic, payload).unwrap());
            let least = if what.contains("10 fields") { 10 } else { 1 };
            assert!(readings >= least, "{what}: {readings}");
        }
    }
}
