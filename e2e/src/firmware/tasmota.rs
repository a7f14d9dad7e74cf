//! Tasmota 14: MQTT 3.1.1 by PubSubClient, everything at QoS 0, command topics for itself, its group and its fallback.

use super::{Firmware, Said, connect, value};
use crate::mqtt::{Connect, Publish, Version};

/// A plug that meters energy and has a sensor for temperature.
#[derive(Debug)]
pub struct Tasmota {
    name: String,
}

impl Tasmota {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into() }
    }

    fn topic(&self, prefix: &str, last: &str) -> String {
        format!("{prefix}/{}/{last}", self.name)
    }

    fn says(&self, prefix: &str, last: &str, payload: &str) -> Publish {
        Publish::new(&self.topic(prefix, last), payload)
    }

    fn readings(&self, publish: Publish, metrics: &[&str]) -> Said {
        Said::readings(publish, &self.name, metrics)
    }
}

impl Firmware for Tasmota {
    fn connect(&self) -> Connect {
        let client_id = format!("DVES_{}", self.name);
        connect(Version::V311, &client_id, 30, (&self.topic("tele", "LWT"), "Offline"), 1)
    }

    fn greeting(&self) -> Vec<Said> {
        let online = self.says("tele", "LWT", "Online").retained();
        // An empty command, for programs that want to know the topic.
        vec![self.readings(online, &["online"]), Said::aside(self.says("cmnd", "POWER", ""))]
    }

    fn filters(&self) -> Vec<(String, u8)> {
        let [own, group, fallback] = [self.name.as_str(), "tasmotas", &format!("DVES_{}_fb", self.name)]
            .map(|topic| (format!("cmnd/{topic}/#"), 0));
        vec![own, group, fallback]
    }

    fn introduction(&self) -> Vec<Said> {
        let aside = |publish| Said::aside(publish);
        let discovery = |what: &str, payload: &str| {
            aside(Publish::new(&format!("tasmota/discovery/{}/{what}", self.name), payload).retained())
        };
        vec![
            aside(self.says("tele", "INFO1", r#"{"Info1":{"Module":"Gosund","Version":"14.2.0(tasmota)"}}"#)),
            aside(self.says("tele", "INFO2", r#"{"Info2":{"WebServerMode":"Admin","Hostname":"plug"}}"#)),
            aside(self.says("tele", "INFO3", r#"{"Info3":{"RestartReason":"Power On","BootCount":12}}"#)),
            aside(self.says("stat", "RESULT", r#"{"POWER":"ON"}"#)),
            self.readings(self.says("stat", "POWER", "ON"), &["relay"]),
            discovery("config", r#"{"ip":"192.0.2.7","dn":"Plug","fn":["Plug",null],"sw":"14.2.0","ver":1}"#),
            discovery("sensors", r#"{"sn":{"Time":"2026-11-29T12:00:00","ENERGY":{"Power":0}},"ver":1}"#),
        ]
    }

    fn report(&self, round: usize) -> Vec<Said> {
        let value = value(round);
        let state = r#"{"Time":"2026-11-29T12:00:10","Uptime":"0T01:00:10","Vcc":3.2,"Heap":26,"POWER":"ON",
            "Wifi":{"AP":1,"SSId":"home","RSSI":72,"Signal":-64}}"#;
        let sensor = format!(
            r#"{{"Time":"2026-11-29T12:00:10","ENERGY":{{"TotalStartTime":"2026-01-01T00:00:00","Total":{round},
                "Power":{value},"Voltage":231}},"DS18B20":{{"Id":"00000A1B2C3D","Temperature":{value}}},"TempUnit":"C"}}"#
        );
        let sensor = self.says("tele", "SENSOR", &sensor);
        let mut sensors = self.readings(sensor, &["energy_total", "power", "voltage"]);
        sensors.series.push(("temperature".into(), format!("{}/DS18B20", self.name)));
        vec![self.readings(self.says("tele", "STATE", state), &["vcc", "relay", "wifi_rssi"]), sensors]
    }

    fn command(&self) -> (String, String) {
        (self.topic("cmnd", "POWER"), "TOGGLE".into())
    }

    fn answer(&self, count: usize) -> Vec<Said> {
        let power = if count.is_multiple_of(2) { "ON" } else { "OFF" };
        let result = self.says("stat", "RESULT", &format!(r#"{{"POWER":"{power}"}}"#));
        vec![Said::aside(result), self.readings(self.says("stat", "POWER", power), &["relay"])]
    }

    fn gone(&self) -> Option<(String, String)> {
        Some(("online".into(), self.name.clone()))
    }
}
