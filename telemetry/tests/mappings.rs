//! Messages of real devices, read by the presets and by a file of rules as a person writes it.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use telemetry::{Announcements, Mapped, Mappings, Message, Publisher};

#[derive(Deserialize)]
struct Fixture {
    topic: String,
    #[serde(flatten)]
    payload: Payload,
    #[serde(default)]
    expect: Vec<Expected>,
    #[serde(default)]
    ignored: bool,
    #[serde(default)]
    rejected: bool,
    #[serde(default)]
    before: Vec<Before>,
    zone: Option<String>,
    client: Option<String>,
}

#[derive(Deserialize)]
struct Before {
    topic: String,
    #[serde(flatten)]
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    payload: Option<String>,
    payload_base64: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Expected {
    device: String,
    metric: String,
    value: f64,
    unit: Option<String>,
    measured_at: Option<Timestamp>,
}

impl Payload {
    fn bytes(&self) -> Vec<u8> {
        match (&self.payload, &self.payload_base64) {
            (_, Some(base64)) => decode_base64(base64),
            (text, None) => text.clone().unwrap_or_default().into_bytes(),
        }
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|&byte| byte != b'=') {
        let digit = DIGITS.iter().position(|&digit| digit == byte).expect("base64") as u32;
        (bits, count) = (bits << 6 | digit, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn received_at() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().expect("RFC 3339")
}

/// The topic of a message as it arrives.
type Arrives = fn(&str) -> String;

/// Through RabbitMQ, dots become slashes.
const WAYS: [Arrives; 2] = [str::to_owned, |topic| topic.replace('.', "/")];

/// The readings of a message. Nothing in it is rejected, unless that is expected.
fn read(fixture: &Fixture, arrives: Arrives) -> Result<Vec<Expected>, String> {
    let zone = fixture.zone.as_ref().map(|zone| format!("zone = {zone:?}\n")).unwrap_or_default();
    let home_made = include_str!("home-made.toml");
    let mappings = Mappings::read(&format!("{zone}{home_made}")).map_err(|e| e.to_string())?;
    let announcements = Announcements::default();
    let publisher = Publisher { client: fixture.client.as_deref(), user: None };
    let message = |topic: &str, payload: &Payload| Message {
        topic: arrives(topic),
        payload: payload.bytes().into(),
        received_at: received_at(),
    };
    for before in &fixture.before {
        let _ = mappings.decode(
            &message(&before.topic, &before.payload),
            publisher,
            &announcements,
            received_at(),
        );
    }
    let decoded = match mappings.decode(
        &message(&fixture.topic, &fixture.payload),
        publisher,
        &announcements,
        received_at(),
    ) {
        Mapped::Unmapped => return Err("no rule is for it".into()),
        Mapped::Ignored(_) => {
            return if fixture.expect.is_empty() { Ok(Vec::new()) } else { Err("ignored".into()) };
        }
        Mapped::Read(decoded) => decoded,
    };
    if fixture.rejected == decoded.rejected.is_empty() {
        let reasons: Vec<_> = decoded.rejected.iter().map(|rejected| &rejected.reason).collect();
        return Err(format!("rejected: {reasons:?}"));
    }
    let readings = decoded.readings.iter().map(|reading| Expected {
        device: reading.series.device().to_owned(),
        metric: reading.series.metric().to_owned(),
        value: reading.value,
        unit: reading.unit.clone(),
        measured_at: Some(reading.measured_at),
    });
    Ok(readings.collect())
}

fn expected(fixture: &Fixture) -> Vec<Expected> {
    let fill = |expected: &Expected| Expected {
        device: expected.device.replace("{client}", fixture.client.as_deref().unwrap_or_default()),
        metric: expected.metric.clone(),
        value: expected.value,
        unit: expected.unit.clone(),
        measured_at: Some(expected.measured_at.unwrap_or_else(received_at)),
    };
    fixture.expect.iter().map(fill).collect()
}

fn sorted(mut readings: Vec<Expected>) -> Vec<Expected> {
    let key = |reading: &Expected| (reading.device.clone(), reading.metric.clone(), reading.measured_at);
    readings.sort_by_key(key);
    readings
}

#[test]
fn every_fixture_is_read_as_a_user_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let fixture: Fixture = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        count += 1;
        assert!(
            fixture.ignored || fixture.rejected || !fixture.expect.is_empty(),
            "{path:?} expects nothing"
        );
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for arrives in WAYS {
            match read(&fixture, arrives) {
                Err(reason) => wrong.push(format!("{name} on {}: {reason}", arrives(&fixture.topic))),
                Ok(readings) => {
                    // A list without times of its own is a microsecond apart.
                    let (readings, expected) = (sorted(readings), sorted(expected(&fixture)));
                    let alike = readings.len() == expected.len()
                        && readings.iter().zip(&expected).all(|(reading, expected)| {
                            let apart =
                                reading.measured_at.unwrap().duration_since(expected.measured_at.unwrap());
                            let same_time = apart.as_micros().abs() < 10;
                            same_time
                                && (&reading.device, &reading.metric, &reading.unit)
                                    == (&expected.device, &expected.metric, &expected.unit)
                                && reading.value == expected.value
                        });
                    if !alike {
                        wrong.push(format!("{name}:\n   is {readings:?}\n  not {expected:?}"));
                    }
                }
            }
        }
    }
    assert!(count >= 120, "{count} fixtures");
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// `device name = value`, one for each attribute that the presets find.
fn attributes(topic: &str, payload: &str) -> Vec<String> {
    let message =
        Message { topic: topic.into(), payload: payload.to_owned().into(), received_at: received_at() };
    let mappings = Mappings::default();
    let (publisher, announcements) = (Publisher::default(), Announcements::default());
    let Mapped::Read(decoded) = mappings.decode(&message, publisher, &announcements, received_at()) else {
        panic!("{topic} is not read")
    };
    assert_eq!(decoded.rejected, [], "{topic}");
    let metadata = decoded.metadata.unwrap_or_default();
    assert_eq!(metadata.refused_attributes, 0, "{topic}");
    let line = |found: &telemetry::Attribute| format!("{} {} = {}", found.device, found.name, found.value);
    metadata.attributes.iter().map(line).collect()
}

#[test]
fn presets_take_what_devices_say_of_themselves() {
    for (topic, payload, expected) in [
        (
            "zigbee2mqtt/Flur oben",
            r#"{"temperature":21.5,"system_mode":"heat","update":{"installed_version":33816645,"latest_version":33816645,"state":"idle"}}"#,
            &[
                "Flur-oben firmware = 33816645",
                "Flur-oben firmware_available = 33816645",
                "Flur-oben mode = heat",
                "Flur-oben update = idle",
            ][..],
        ),
        (
            "tele/porch/INFO1",
            r#"{"Info1":{"Module":"Generic","Version":"13.1.0(tasmota)","FallbackTopic":"cmnd/x_fb/","GroupTopic":"cmnd/tasmotas/"}}"#,
            &["porch firmware = 13.1.0(tasmota)", "porch module = Generic"],
        ),
        (
            "tele/porch/INFO2",
            r#"{"Info2":{"WebServerMode":"Admin","Hostname":"porch-4321","IPAddress":"192.0.2.7"}}"#,
            &["porch hostname = porch-4321", "porch ip_address = 192.0.2.7"],
        ),
        (
            "stat/porch/STATUS2",
            r#"{"StatusFWR":{"Version":"13.1.0(tasmota)","Hardware":"ESP8266EX","CpuFrequency":80}}"#,
            &["porch firmware = 13.1.0(tasmota)", "porch hardware = ESP8266EX"],
        ),
        (
            "shellies/shellyem3-A1/announce",
            r#"{"id":"shellyem3-A1","model":"SHEM-3","mac":"AABBCC","ip":"192.0.2.9","new_fw":false,"fw_ver":"20230913-114244/v1.14.0"}"#,
            &[
                "shellyem3-A1 firmware = 20230913-114244/v1.14.0",
                "shellyem3-A1 ip_address = 192.0.2.9",
                "shellyem3-A1 mac_address = AABBCC",
                "shellyem3-A1 model = SHEM-3",
            ],
        ),
        (
            "shellyplus1-1/status/wifi",
            r#"{"sta_ip":"192.0.2.5","status":"got ip","ssid":"net","rssi":-61}"#,
            &["shellyplus1-1 ip_address = 192.0.2.5", "shellyplus1-1 wifi_network = net"],
        ),
        ("board/text_sensor/esphome_version/state", "2026.10.0", &["board esphome_version = 2026.10.0"]),
        ("board/select/mode/state", "eco", &["board mode = eco"]),
        (
            "esphome/discover/board",
            r#"{"ip":"192.0.2.8","name":"board","port":6053,"version":"2026.10.0","mac":"aabbcc","board":"esp32dev"}"#,
            &[
                "board board = esp32dev",
                "board firmware = 2026.10.0",
                "board ip_address = 192.0.2.8",
                "board mac_address = aabbcc",
            ],
        ),
        ("homie/lab/$fw/version", "1.0.0", &["lab firmware = 1.0.0"]),
        ("homie/lab/$localip", "192.0.2.6", &["lab ip_address = 192.0.2.6"]),
    ] {
        assert_eq!(attributes(topic, payload), expected, "{topic}");
    }
}
