//! Shelly: the first generation with a topic for each value at QoS 0, the later ones with JSON at QoS 1.

use super::{Firmware, Said, connect, value};
use crate::mqtt::{Connect, Publish, Version};

/// A plug of the first generation.
#[derive(Debug)]
pub struct Shelly1 {
    name: String,
}

/// A relay of the second generation.
#[derive(Debug)]
pub struct Shelly2 {
    name: String,
}

impl Shelly1 {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: format!("shellyplug-s-{name}") }
    }

    fn topic(&self, rest: &str) -> String {
        format!("shellies/{}/{rest}", self.name)
    }

    fn of_relay(&self, rest: &str, payload: &str, metric: &str) -> Said {
        Said::readings(Publish::new(&self.topic(rest), payload), &format!("{}/relay-0", self.name), &[metric])
    }

    fn own(&self, rest: &str, payload: &str, metric: &str) -> Said {
        Said::readings(Publish::new(&self.topic(rest), payload), &self.name, &[metric])
    }
}

impl Firmware for Shelly1 {
    fn connect(&self) -> Connect {
        connect(Version::V311, &self.name, 60, (&self.topic("online"), "false"), 0)
    }

    fn greeting(&self) -> Vec<Said> {
        let mut online = self.own("online", "true", "online");
        online.publish.retain = true;
        let announced =
            r#"{"id":"shellyplug-s-C0FFEE","model":"SHPLG-S","mac":"E868E7C0FFEE","new_fw":false}"#;
        let announce = |topic: &str| Said::aside(Publish::new(topic, announced));
        vec![online, announce("shellies/announce"), announce(&self.topic("announce"))]
    }

    fn filters(&self) -> Vec<(String, u8)> {
        let own = [self.topic("command"), self.topic("relay/0/command")];
        ["shellies/command".to_owned()].into_iter().chain(own).map(|filter| (filter, 0)).collect()
    }

    fn introduction(&self) -> Vec<Said> {
        vec![Said::aside(Publish::new(&self.topic("info"), r#"{"wifi_sta":{"connected":true},"uptime":12}"#))]
    }

    fn report(&self, round: usize) -> Vec<Said> {
        let value = value(round).to_string();
        vec![
            self.of_relay("relay/0", "on", "relay"),
            self.of_relay("relay/0/power", &value, "power"),
            self.of_relay("relay/0/energy", &(round * 60).to_string(), "energy"),
            self.own("temperature", &value, "temperature"),
            Said::aside(Publish::new(&self.topic("temperature_f"), "71.2")),
            self.own("overtemperature", "0", "overtemperature"),
        ]
    }

    fn command(&self) -> (String, String) {
        (self.topic("relay/0/command"), "on".into())
    }

    fn answer(&self, _: usize) -> Vec<Said> {
        vec![self.of_relay("relay/0", "on", "relay")]
    }

    fn gone(&self) -> Option<(String, String)> {
        Some(("online".into(), self.name.clone()))
    }
}

impl Shelly2 {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: format!("shellyplus1pm-{name}") }
    }

    fn topic(&self, rest: &str) -> String {
        format!("{}/{rest}", self.name)
    }

    fn says(&self, rest: &str, payload: &str) -> Publish {
        Publish::new(&self.topic(rest), payload).qos(1, 0)
    }

    fn of_switch(&self, publish: Publish, metrics: &[&str]) -> Said {
        Said::readings(publish, &format!("{}/switch-0", self.name), metrics)
    }

    /// A notification of what has changed, at a time of its own.
    fn notification(&self, status: &str, metrics: &[&str]) -> Said {
        let at = jiff::Timestamp::now().as_millisecond() as f64 / 1e3;
        let name = &self.name;
        let payload = format!(
            r#"{{"src":"{name}","dst":"{name}/events","method":"NotifyStatus","params":{{"ts":{at:.2},"switch:0":{status}}}}}"#
        );
        self.of_switch(self.says("events/rpc", &payload), metrics)
    }
}

impl Firmware for Shelly2 {
    fn connect(&self) -> Connect {
        connect(Version::V311, &self.name, 60, (&self.topic("online"), "false"), 1)
    }

    fn greeting(&self) -> Vec<Said> {
        vec![Said::readings(self.says("online", "true").retained(), &self.name, &["online"])]
    }

    fn filters(&self) -> Vec<(String, u8)> {
        let own = [self.topic("rpc"), self.topic("command"), self.topic("command/switch:0")];
        ["shellies/command".to_owned(), "shellies/rpc".into()]
            .into_iter()
            .chain(own)
            .map(|filter| (filter, 1))
            .collect()
    }

    fn introduction(&self) -> Vec<Said> {
        Vec::new()
    }

    fn report(&self, round: usize) -> Vec<Said> {
        let value = value(round);
        let status = format!(
            r#"{{"id":0,"source":"init","output":true,"apower":{value},"voltage":230.1,"freq":50.0,"current":0.1,
            "aenergy":{{"total":{round}.5,"by_minute":[0.0,0.0,0.0],"minute_ts":1764417600}},"temperature":{{"tC":41.5,"tF":106.7}}}}"#
        );
        let all = ["relay", "power", "voltage", "frequency", "current", "energy_total", "temperature"];
        let changed = self.notification(&format!(r#"{{"id":0,"apower":{}}}"#, value + 0.05), &["power"]);
        vec![self.of_switch(self.says("status/switch:0", &status), &all), changed]
    }

    fn command(&self) -> (String, String) {
        let payload = r#"{"id":1,"src":"user_1","method":"Switch.Set","params":{"id":0,"on":true}}"#;
        (self.topic("rpc"), payload.into())
    }

    fn answer(&self, _: usize) -> Vec<Said> {
        let result = format!(r#"{{"id":1,"src":"{}","dst":"user_1","result":{{"was_on":true}}}}"#, self.name);
        let result = Publish::new("user_1/rpc", result).qos(1, 0);
        vec![Said::aside(result), self.notification(r#"{"id":0,"output":true,"source":"MQTT"}"#, &["relay"])]
    }

    fn gone(&self) -> Option<(String, String)> {
        Some(("online".into(), self.name.clone()))
    }
}
