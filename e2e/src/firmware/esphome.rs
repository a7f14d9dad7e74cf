//! ESPHome 2026: MQTT 3.1.1, a keep-alive of 15 s, retained states, a topic for each entity and for its log.

use super::{Firmware, Said, connect, value};
use crate::mqtt::{Connect, Publish, Version};

/// A board with a sensor, a window contact and a switch.
#[derive(Debug)]
pub struct Esphome {
    name: String,
}

impl Esphome {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into() }
    }

    fn topic(&self, rest: &str) -> String {
        format!("{}/{rest}", self.name)
    }

    fn state(&self, entity: &str, payload: &str, metric: &str) -> Said {
        let publish = Publish::new(&self.topic(&format!("{entity}/state")), payload).retained();
        Said::readings(publish, &self.name, &[metric])
    }

    fn log(&self, line: &str) -> Said {
        Said::aside(Publish::new(&self.topic("debug"), line))
    }
}

impl Firmware for Esphome {
    fn connect(&self) -> Connect {
        let client_id = format!("{}-24a1600c0ffe", self.name);
        connect(Version::V311, &client_id, 15, (&self.topic("status"), "offline"), 0)
    }

    fn greeting(&self) -> Vec<Said> {
        let birth = Publish::new(&self.topic("status"), "online").retained();
        vec![Said::readings(birth, &self.name, &["online"])]
    }

    fn filters(&self) -> Vec<(String, u8)> {
        let relay = self.topic("switch/relay/command");
        [relay, "esphome/discover".into(), format!("esphome/ping/{}", self.name)]
            .map(|filter| (filter, 0))
            .into()
    }

    fn introduction(&self) -> Vec<Said> {
        let announced = r#"{"ip":"192.0.2.8","name":"board","port":6053,"version":"2026.10.0"}"#;
        let config =
            r#"{"dev_cla":"temperature","unit_of_meas":"°C","stat_cla":"measurement","name":"Temperature"}"#;
        let discovery = format!("homeassistant/sensor/{}/temperature/config", self.name);
        vec![
            Said::aside(Publish::new(&format!("esphome/discover/{}", self.name), announced).retained()),
            Said::aside(Publish::new(&discovery, config).retained()),
            self.state("switch/relay", "OFF", "relay"),
        ]
    }

    fn report(&self, round: usize) -> Vec<Said> {
        let open = if round.is_multiple_of(2) { "ON" } else { "OFF" };
        vec![
            self.log("\u{1b}[0;36m[D][sensor:094]: 'Temperature': Sending state 21.50000 °C\u{1b}[0m"),
            self.state("sensor/temperature", &format!("{:.1}", value(round)), "temperature"),
            self.state("binary_sensor/window", open, "window"),
        ]
    }

    fn command(&self) -> (String, String) {
        (self.topic("switch/relay/command"), "TOGGLE".into())
    }

    fn answer(&self, count: usize) -> Vec<Said> {
        vec![self.state("switch/relay", if count.is_multiple_of(2) { "ON" } else { "OFF" }, "relay")]
    }

    fn gone(&self) -> Option<(String, String)> {
        Some(("online".into(), self.name.clone()))
    }
}
