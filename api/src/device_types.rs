//! Types of devices: those that are compiled in, and those that are stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use commands::{MAX_NAME_CHARS, check_arguments, check_name, check_schema};
use serde_json::Value;
use store::{Device, DeviceType as Stored};
use telemetry::{Asked, FirmwareCommand, Inputs, Series};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{DeviceType, TypeCommand, TypeDescription, TypeMetric};

/// Types that are compiled in: their names, and what they say.
const BUILT_IN: [(&str, &str); 1] = [("sensor-sim", include_str!("device_types/sensor-sim.json"))];

/// Characters of a title and a unit, at most.
const MAX_TEXT_CHARS: usize = 256;

/// Metrics and commands of a type, at most.
const MAX_PARTS: usize = 64;

/// The longest time between two readings, in seconds.
const MAX_SAMPLING: f64 = 366.0 * 24.0 * 3600.0;

/// All types, by name. One that is stored counts instead of one that is compiled in, or that is for a firmware.
#[derive(Default)]
pub(crate) struct Types {
    all: BTreeMap<String, DeviceType>,
    /// The rules that say how commands of firmware are sent.
    firmware: Option<Arc<Inputs>>,
}

impl Types {
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn load(api: &Api) -> Result<Self, ApiError> {
        let stored = api.store.device_types().await?;
        Ok(Self::new(&stored, api.broker.firmware()))
    }

    fn new(stored: &[Stored], firmware: Option<Arc<Inputs>>) -> Self {
        let built_in = BUILT_IN.iter().filter_map(|(name, _)| built_in(name));
        let commands = firmware.iter().flat_map(|inputs| inputs.mappings().commands());
        let all = of_firmware(commands).into_values().chain(built_in).chain(stored.iter().map(form));
        Self { all: all.map(|one| (one.name.clone(), one)).collect(), firmware }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &DeviceType> {
        self.all.values()
    }

    fn of(&self, device: Option<&Device>) -> Option<&DeviceType> {
        self.all.get(device?.kind.as_deref()?)
    }

    /// The time between two readings of a device: its own, or that of its type.
    pub(crate) fn interval(&self, device: Option<&Device>) -> Option<Duration> {
        let of_type = || self.of(device)?.said.sampling_rate;
        let own = device.and_then(|device| device.interval);
        own.or_else(|| of_type().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }

    /// Checks the arguments of a command to a device, where its type says what they must be.
    ///
    /// # Errors
    /// They are something else: what is wrong, and what they must be.
    pub(crate) fn check(
        &self,
        device: Option<&Device>,
        command: &str,
        args: Option<&str>,
    ) -> Result<(), String> {
        let Some(of) = self.of(device) else { return Ok(()) };
        let args = args.map_or(Ok(Value::Null), serde_json::from_str).map_err(|e| format!("args: {e}"))?;
        let known = of.said.commands.iter().find(|known| known.name == command);
        let by_schema = match known.and_then(|known| known.args.as_ref()) {
            Some(schema) => check_arguments(schema, &args),
            None => Ok(()),
        };
        by_schema.and_then(|()| self.check_firmware(&of.name, command, &args)).map_err(|problem| {
            format!("{problem}: see the command {command} of the type {} (GET /api/types)", of.name)
        })
    }

    /// Whether the message can be made that a firmware gets.
    fn check_firmware(&self, kind: &str, command: &str, args: &Value) -> Result<(), String> {
        let firmware = self.firmware.as_ref().and_then(|inputs| inputs.mappings().command(kind, command));
        let asked = Asked { device: "device", id: "id", number: 1, args };
        firmware.map_or(Ok(()), |firmware| firmware.message(asked).map(drop))
    }
}

/// A type for each firmware that the rules know commands of.
fn of_firmware<'a>(commands: impl Iterator<Item = &'a FirmwareCommand>) -> BTreeMap<String, DeviceType> {
    let mut types = BTreeMap::<String, DeviceType>::new();
    for command in commands {
        let of = types.entry(command.kind.clone()).or_insert_with(|| DeviceType {
            name: command.kind.clone(),
            said: TypeDescription::default(),
            built_in: true,
            changed_at: None,
        });
        if of.said.commands.iter().all(|known| known.name != command.name) {
            let FirmwareCommand { name, title, args, .. } = command;
            of.said.commands.push(TypeCommand {
                name: name.clone(),
                title: title.clone(),
                args: args.clone(),
            });
        }
    }
    types
}

/// A type that is compiled in.
fn built_in(name: &str) -> Option<DeviceType> {
    let (name, said) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    let said = serde_json::from_str(said).expect("a type that is compiled in is tested");
    Some(DeviceType { name: (*name).to_owned(), said, built_in: true, changed_at: None })
}

pub(crate) fn form(stored: &Stored) -> DeviceType {
    // What a newer version wrote, and this one does not know, says nothing here.
    let said = serde_json::from_str(&stored.body).unwrap_or_default();
    let changed_at = Some(stored.changed_at.into());
    DeviceType { name: stored.name.clone(), said, built_in: false, changed_at }
}

/// # Errors
/// A text cannot be the name of a type: what it must be.
pub(crate) fn check_type_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(format!("the name of a type is 1 to {MAX_NAME_CHARS} of the characters A-Z a-z 0-9 _ - . :"))
}

/// # Errors
/// Something that is said of a type cannot be: what, and what it must be.
pub(crate) fn check_description(said: &TypeDescription) -> Result<(), String> {
    check_text("title", said.title.as_ref())?;
    if said.sampling_rate.is_some_and(|seconds| !(0.001..=MAX_SAMPLING).contains(&seconds)) {
        return Err("sampling_rate must be the seconds between two readings: 0.001 to 31622400".into());
    }
    for (field, count) in [("metrics", said.metrics.len()), ("commands", said.commands.len())] {
        if count > MAX_PARTS {
            return Err(format!("{field}: at most {MAX_PARTS}"));
        }
    }
    said.metrics.iter().try_for_each(check_metric)?;
    said.commands.iter().try_for_each(check_command)?;
    let once = |names: Vec<&String>, field: &str| match twice(&names) {
        Some(name) => Err(format!("{field}: {name} is there twice")),
        None => Ok(()),
    };
    once(said.metrics.iter().map(|one| &one.metric).collect(), "metrics")?;
    once(said.commands.iter().map(|one| &one.name).collect(), "commands")
}

fn twice<'a>(names: &[&'a String]) -> Option<&'a String> {
    names.iter().enumerate().find_map(|(place, name)| names[..place].contains(name).then_some(*name))
}

fn check_text(field: &str, text: Option<&String>) -> Result<(), String> {
    let is_good =
        |text: &String| text.chars().count() <= MAX_TEXT_CHARS && !text.chars().any(char::is_control);
    if text.is_none_or(is_good) {
        return Ok(());
    }
    Err(format!("{field} has at most {MAX_TEXT_CHARS} characters, none of them a control character"))
}

fn check_metric(of: &TypeMetric) -> Result<(), String> {
    Series::new(&of.metric, "d").map_err(|e| format!("metrics: {}: {e}", of.metric))?;
    check_text("unit", of.unit.as_ref())?;
    match of.min.zip(of.max) {
        Some((min, max)) if min > max => Err(format!("metrics: {}: min is greater than max", of.metric)),
        _ => Ok(()),
    }
}

fn check_command(of: &TypeCommand) -> Result<(), String> {
    let at = |problem| format!("commands: {}: {problem}", of.name);
    check_name(&of.name).map_err(at)?;
    check_text("title", of.title.as_ref()).map_err(at)?;
    of.args.as_ref().map_or(Ok(()), check_schema).map_err(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(body: &str) -> Types {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let stored = Stored { name: "plug".into(), body: body.into(), changed_at: at, revision: 0 };
        Types::new(&[stored], Some(Arc::default()))
    }

    fn device(kind: &str) -> Device {
        Device { kind: Some(kind.into()), ..Device::new("lab", jiff::Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn types_that_are_compiled_in_pass_their_own_checks() {
        for (name, _) in BUILT_IN {
            check_type_name(name).unwrap();
            check_description(&built_in(name).unwrap().said).unwrap();
        }
        assert!(built_in("other").is_none());
        for of in types("{}").all() {
            check_type_name(&of.name).unwrap();
            check_description(&of.said).unwrap();
        }
    }

    #[test]
    fn arguments_are_checked_where_the_type_says_what_they_are() {
        let types = types(r#"{"commands": [{"name": "power", "args": {"enum": ["ON", "OFF"]}}]}"#);
        for (kind, command, args, is_good) in [
            ("plug", "power", Some("\"ON\""), true),
            ("plug", "power", Some("\"LOUD\""), false),
            ("plug", "power", None, false),
            ("plug", "other", Some("1"), true),
            ("unknown", "power", Some("1"), true),
            ("sensor-sim", "set-interval", Some(r#"{"seconds": 10}"#), true),
            ("sensor-sim", "set-interval", Some(r#"{"seconds": 0}"#), false),
            ("tasmota", "power", Some(r#"{"state": "TOGGLE"}"#), true),
            ("tasmota", "power", Some(r#"{"state": "BOTH"}"#), false),
            ("esphome", "switch", Some(r#"{"name": "relay", "state": "ON"}"#), true),
            ("esphome", "switch", Some(r#"{"name": "../x", "state": "ON"}"#), false),
            ("zigbee2mqtt", "set", Some(r#"{"state": "ON", "transition": 2}"#), true),
            ("zigbee2mqtt", "set", Some("1"), false),
            ("shelly", "switch", Some(r#"{"id": 0, "on": true}"#), true),
            ("shelly", "reboot", None, true),
            ("sensor-sim", "blink", None, true),
            ("sensor-sim", "reboot", None, true),
            ("sensor-sim", "reboot", Some(r#"{"now": true}"#), false),
        ] {
            let found = types.check(Some(&device(kind)), command, args);
            assert_eq!(found.is_ok(), is_good, "{kind} {command} {args:?}: {found:?}");
        }
        assert_eq!(types.check(None, "power", Some("1")), Ok(()), "a device that nobody has registered");
    }

    #[test]
    fn a_device_measures_as_often_as_it_says_or_as_its_type_does() {
        let types = types(r#"{"sampling_rate": 10}"#);
        let seconds = |device: &Device| types.interval(Some(device)).map(|interval| interval.as_secs());
        let own = Device { interval: Some(Duration::from_secs(5)), ..device("plug") };
        assert_eq!((seconds(&own), seconds(&device("plug"))), (Some(5), Some(10)));
        assert_eq!((seconds(&device("other")), types.interval(None)), (None, None));
    }

    #[test]
    fn what_cannot_be_said_of_a_type_is_refused() {
        for (body, problem) in [
            (r#"{"sampling_rate": 0}"#, "sampling_rate must be"),
            (r#"{"title": "a\nb"}"#, "title has at most 256"),
            (r#"{"metrics": [{"metric": "no blank"}]}"#, "metrics: no blank"),
            (r#"{"metrics": [{"metric": "a", "min": 2, "max": 1}]}"#, "min is greater"),
            (r#"{"metrics": [{"metric": "a"}, {"metric": "a"}]}"#, "metrics: a is there twice"),
            (r#"{"commands": [{"name": "two words"}]}"#, "commands: two words: command must be"),
            (
                r#"{"commands": [{"name": "a", "args": {"pattern": "x"}}]}"#,
                "commands: a: the schema: pattern",
            ),
            (r#"{"commands": [{"name": "a"}, {"name": "a"}]}"#, "commands: a is there twice"),
        ] {
            let said: TypeDescription = serde_json::from_str(body).unwrap();
            let error = check_description(&said).unwrap_err();
            assert!(error.contains(problem), "{body}: {error}");
        }
        assert!(
            check_type_name("").is_err()
                && check_type_name("a/b").is_err()
                && check_type_name("bme280").is_ok()
        );
    }
}
