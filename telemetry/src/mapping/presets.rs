//! Rules for common firmware, compiled in.

use jiff::tz::TimeZone;

use super::command::FirmwareCommand;
use super::file::File;
use super::rule::Rule;

/// Rules for one kind of device or gateway.
#[derive(Debug)]
pub struct Preset {
    /// The name by which a file of mappings uses it.
    pub name: &'static str,
    /// The file of rules, to be shown and copied.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// All presets, in the order in which their rules are tried.
        pub const PRESETS: &[Preset] =
            &[$(Preset { name: $name, text: include_str!(concat!("../../presets/", $name, ".toml")) }),*];
    };
}

presets![
    "zigbee2mqtt",
    "tasmota",
    "shelly",
    "homeassistant",
    "homie",
    "chirpstack",
    "thethings",
    "telegraf",
    "thingsboard",
    "rtl_433",
    "openmqttgateway",
    "victron",
    "opendtu",
    "evcc",
    "heishamon",
    "meters",
    "senml",
    "sparkplug",
    "ruuvi",
    "wled",
    "cloud",
    "esphome",
    "sensor-sim",
    "metric-last",
];

impl Preset {
    fn file(&self) -> File {
        toml::from_str(self.text).unwrap_or_else(|e| panic!("preset {}: {e}", self.name))
    }

    /// The commands that its devices take.
    pub(super) fn commands(&self) -> Vec<FirmwareCommand> {
        let command = |table: toml::Spanned<_>| FirmwareCommand::new(table.into_inner());
        let commands = self.file().commands.into_iter().map(command);
        commands.map(|read| read.unwrap_or_else(|e| panic!("preset {}: {e}", self.name))).collect()
    }

    pub(super) fn rules(&self, zone: Option<&TimeZone>) -> Vec<Rule> {
        let file = self.file();
        let rule = |table| Rule::new(table, Some(self.name), &file.names, zone);
        file.rules
            .into_iter()
            .map(|table| rule(table).unwrap_or_else(|e| panic!("preset {}: {e}", self.name)))
            .collect()
    }
}
