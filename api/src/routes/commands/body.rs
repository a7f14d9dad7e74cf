//! The body of `POST /api/commands`.

use std::time::Duration;

use commands::{MAX_ARGS_BYTES, MAX_LIFE, check_id, check_name, compact, new_id};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{Command, DESIRED, Device};
use telemetry::Filter;
use telemetry::time::saturating_add;

use crate::device_types::Types;
use crate::requests::read;

/// Commands of a group that may be sent within a minute, at most.
const MAX_PER_MINUTE: u32 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    device: Option<String>,
    devices: Option<String>,
    command: String,
    args: Option<Box<RawValue>>,
    expires_in: Option<Lasting>,
    id: Option<String>,
    per_minute: Option<u32>,
    stop_after_failures: Option<u32>,
}

/// Seconds, or a duration in words such as `1h 30m`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lasting {
    Seconds(f64),
    Text(String),
}

/// What is to be done, by which devices, and for how long it is worth sending.
pub(super) struct NewCommand {
    pub(super) device: Option<String>,
    pub(super) devices: Option<Filter>,
    pub(super) id: String,
    pub(super) command: String,
    args: Option<String>,
    pub(super) lasts: Duration,
    pub(super) per_minute: Option<u32>,
    pub(super) stop_after: Option<u32>,
}

impl NewCommand {
    /// # Errors
    /// Says what is wrong and what it may be.
    pub(super) fn read(body: &[u8], default_life: Duration) -> Result<Self, String> {
        let body: Body = read(body)?;
        check_name(&body.command)?;
        if body.command == DESIRED {
            return Err("a desired state is set by PUT /api/devices/{name}/desired".into());
        }
        body.id.as_deref().map_or(Ok(()), check_id)?;
        let args = body.args.map(|args| compact(args.get()));
        if args.as_ref().is_some_and(|args| args.len() > MAX_ARGS_BYTES) {
            return Err(format!("args must be at most {MAX_ARGS_BYTES} bytes"));
        }
        let is_group = body.devices.is_some();
        if !is_group && (body.per_minute.is_some() || body.stop_after_failures.is_some()) {
            return Err("per_minute and stop_after_failures are for devices, a filter".into());
        }
        if body.per_minute.is_some_and(|rate| !(1..=MAX_PER_MINUTE).contains(&rate)) {
            return Err(format!("per_minute must be 1 to {MAX_PER_MINUTE}"));
        }
        if body.stop_after_failures == Some(0) {
            return Err("stop_after_failures must be at least 1".into());
        }
        let devices =
            body.devices.map(|filter| filter.parse().map_err(|e| format!("devices: {e}"))).transpose()?;
        Ok(Self {
            device: body.device,
            devices,
            id: body.id.unwrap_or_else(new_id),
            command: body.command,
            args,
            lasts: life(body.expires_in.as_ref(), default_life)?,
            per_minute: body.per_minute,
            stop_after: body.stop_after_failures,
        })
    }

    /// # Errors
    /// The type of a device says what the arguments must be, and they are something else.
    pub(super) fn check(&self, types: &Types, device: Option<&Device>) -> Result<(), String> {
        types.check(device, &self.command, self.args.as_deref())
    }

    /// The command to one device, not to be sent before a time.
    pub(super) fn command(
        &self,
        device: &str,
        created_by: Option<String>,
        created_at: Timestamp,
        not_before: Timestamp,
    ) -> Command {
        let expires_at = saturating_add(not_before, self.lasts);
        let new = Command::new(&self.id, device, &self.command, created_at, expires_at);
        Command { args: self.args.clone(), created_by, ..new }.not_before(not_before)
    }
}

fn life(asked: Option<&Lasting>, default: Duration) -> Result<Duration, String> {
    let life = match asked {
        None => Some(default),
        Some(Lasting::Seconds(seconds)) => Duration::try_from_secs_f64(*seconds).ok(),
        Some(Lasting::Text(text)) => humantime::parse_duration(text).ok(),
    };
    life.filter(|life| (Duration::from_secs(1)..=MAX_LIFE).contains(life))
        .ok_or_else(|| "expires_in must be a duration such as \"1h\" or the seconds: 1s to 31days".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn new(body: &str) -> Result<NewCommand, String> {
        NewCommand::read(body.as_bytes(), HOUR)
    }

    #[test]
    fn a_command_is_read_as_it_came() {
        let read =
            new(r#"{"device": "lab", "command": "blink", "args": {"times": 3.0}, "expires_in": "10m"}"#)
                .unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let command = read.command("lab", Some("ann".into()), at, at);
        assert_eq!(command.args.as_deref(), Some(r#"{"times":3.0}"#));
        assert_eq!((command.expires_at.as_second(), command.id.len()), (600, 24));
        let other =
            new(r#"{"devices": "site-a/#", "command": "reboot", "id": "mine", "expires_in": 90}"#).unwrap();
        assert_eq!((other.id.as_str(), other.lasts.as_secs()), ("mine", 90));
        assert_eq!(new(r#"{"device": "lab", "command": "reboot"}"#).unwrap().lasts, HOUR);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let long = format!(r#"{{"device": "a", "command": "x", "args": "{}"}}"#, "x".repeat(MAX_ARGS_BYTES));
        for (body, problem) in [
            (r#"{"device": "a"}"#, "command"),
            (r#"{"device": "a", "command": "two words"}"#, "command must be"),
            (r#"{"device": "a", "command": "desired"}"#, "PUT /api/devices"),
            (r#"{"device": "a", "command": "x", "id": ""}"#, "id must be"),
            (r#"{"device": "a", "command": "x", "expires_in": "32days"}"#, "1s to 31days"),
            (r#"{"device": "a", "command": "x", "expires_in": 0}"#, "1s to 31days"),
            (r#"{"device": "a", "command": "x", "expires_in": -1}"#, "1s to 31days"),
            (r#"{"device": "a", "command": "x", "per_minute": 5}"#, "are for devices"),
            (r##"{"devices": "#", "command": "x", "per_minute": 0}"##, "per_minute must be"),
            (r##"{"devices": "#", "command": "x", "stop_after_failures": 0}"##, "at least 1"),
            (r#"{"devices": "a#", "command": "x"}"#, "devices: "),
            (r#"{"device": "a", "command": "x", "qos": 1}"#, "qos"),
            (&long, "args must be at most"),
        ] {
            let error = new(body).err().unwrap_or_default();
            assert!(error.contains(problem), "{body}: {error}");
        }
    }
}
