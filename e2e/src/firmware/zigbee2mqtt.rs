//! Zigbee2MQTT 2: MQTT.js with MQTT 3.1.1 or 5, subscribed to all that it publishes, with large retained messages.

use super::{Firmware, Said, connect, now, value};
use crate::mqtt::{Connect, Properties, Publish, Version, property};

/// Zigbee devices whose descriptions are in one message, of about 1.5 MB.
const PAIRED: usize = 300;

/// A gateway with a few devices that report.
#[derive(Debug)]
pub struct Zigbee2Mqtt {
    version: Version,
    name: String,
}

impl Zigbee2Mqtt {
    #[must_use]
    pub fn new(version: Version, name: &str) -> Self {
        Self { version, name: name.into() }
    }

    fn bridge(last: &str, payload: impl AsRef<[u8]>) -> Said {
        Said::aside(Publish::new(&format!("zigbee2mqtt/bridge/{last}"), payload).retained())
    }

    fn friendly_name(&self, what: &str) -> String {
        format!("{} {what}", self.name)
    }

    fn state(&self, what: &str, payload: &str, metrics: &[&str]) -> Said {
        let topic = format!("zigbee2mqtt/{}", self.friendly_name(what));
        Said::readings(Publish::new(&topic, payload), &format!("{}-{what}", self.name), metrics)
    }

    /// As `bridge/devices` has it: about 5 kB for each device.
    fn devices() -> String {
        let expose = r#"{"access":1,"category":"diagnostic","description":"Link quality (signal strength)","label":"Linkquality","name":"linkquality","property":"linkquality","type":"numeric","unit":"lqi","value_max":255,"value_min":0}"#;
        let exposes = vec![expose; 20].join(",");
        let device = |number: usize| {
            format!(
                r#"{{"ieee_address":"0x00158d000{number:07x}","type":"EndDevice","network_address":{number},"supported":true,
                "friendly_name":"device {number}","definition":{{"model":"WSDCGQ11LM","vendor":"Aqara","exposes":[{exposes}]}},
                "interview_completed":true,"endpoints":{{"1":{{"bindings":[],"clusters":{{"input":["genBasic"],"output":[]}}}}}}}}"#
            )
        };
        format!("[{}]", (0..PAIRED).map(device).collect::<Vec<_>>().join(","))
    }

    fn discovery(&self, what: &str) -> Said {
        let topic = format!("homeassistant/sensor/{}-{what}/temperature/config", self.name);
        let payload =
            r#"{"device_class":"temperature","unit_of_measurement":"°C","state_class":"measurement"}"#;
        Said::aside(Publish::new(&topic, payload).qos(1, 0).retained())
    }
}

impl Firmware for Zigbee2Mqtt {
    fn connect(&self) -> Connect {
        let client_id = format!("mqttjs_{}", self.name);
        let will = ("zigbee2mqtt/bridge/state", r#"{"state":"offline"}"#);
        let connect = connect(self.version, &client_id, 60, will, 1);
        match self.version {
            Version::V5 => Connect {
                properties: Properties::default().four(property::MAXIMUM_PACKET_SIZE, 4 << 20),
                ..connect
            },
            _ => connect,
        }
    }

    fn greeting(&self) -> Vec<Said> {
        vec![Self::bridge("state", r#"{"state":"online"}"#)]
    }

    fn filters(&self) -> Vec<(String, u8)> {
        [("zigbee2mqtt/#", 0), ("homeassistant/status", 0)].map(|(filter, qos)| (filter.into(), qos)).into()
    }

    fn introduction(&self) -> Vec<Said> {
        let definitions = format!(r#"{{"clusters":"{}"}}"#, "x".repeat(200_000));
        vec![
            Self::bridge(
                "info",
                format!(r#"{{"version":"2.6.0","config_schema":"{}"}}"#, "s".repeat(50_000)),
            ),
            Self::bridge("devices", Self::devices()),
            Self::bridge("groups", "[]"),
            Self::bridge("extensions", "[]"),
            Self::bridge("converters", "[]"),
            Self::bridge("definitions", definitions),
            self.discovery("climate"),
            self.discovery("plug"),
        ]
    }

    fn report(&self, round: usize) -> Vec<Said> {
        let (value, now) = (value(round), now());
        let climate = format!(
            r#"{{"battery":97,"humidity":{value},"last_seen":"{now}","linkquality":120,"temperature":{value},"voltage":3015}}"#
        );
        let plug = format!(
            r#"{{"current":0.05,"energy":{round},"last_seen":"{now}","linkquality":98,"power":{value},"power_on_behavior":"restore",
            "state":"ON","update":{{"installed_version":1,"state":"idle"}}}}"#
        );
        let mut plug = self.state("plug", &plug, &["current", "energy", "linkquality", "power", "state"]);
        // `qos` of a device is a setting, 0 unless somebody changes it.
        plug.publish.qos = 1;
        let health = format!(r#"{{"response_time":{round},"os":{{"load_average":[0.1,0.2,0.1]}}}}"#);
        vec![
            self.state(
                "climate",
                &climate,
                &["battery", "humidity", "linkquality", "temperature", "voltage"],
            ),
            plug,
            Self::bridge("health", health),
        ]
    }

    fn command(&self) -> (String, String) {
        (format!("zigbee2mqtt/{}/set", self.friendly_name("plug")), r#"{"state":"TOGGLE"}"#.into())
    }

    fn answer(&self, count: usize) -> Vec<Said> {
        let state = if count.is_multiple_of(2) { "ON" } else { "OFF" };
        let payload = format!(r#"{{"last_seen":"{}","state":"{state}"}}"#, now());
        vec![self.state("plug", &payload, &["state"])]
    }

    fn gone(&self) -> Option<(String, String)> {
        None
    }
}
