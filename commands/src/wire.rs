//! Commands, results and states as they are published.
//!
//! Everything needed is in the payload, for clients of MQTT 3.1.1; properties of MQTT 5 only repeat it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Command, CommandState};
use telemetry::{FirmwareAnswer, Message};

/// Bytes of the arguments of a command and of a result, at most.
pub const MAX_ARGS_BYTES: usize = 16 * 1024;

/// Bytes of a desired and of a reported state, at most.
pub const MAX_DESIRED_BYTES: usize = 8 * 1024;

/// Characters of the name of a command and of an id that a caller chose, at most.
pub const MAX_NAME_CHARS: usize = 64;

/// How long a command is worth sending, at most.
pub const MAX_LIFE: Duration = Duration::from_secs(31 * 24 * 3600);

/// Characters of a reason, at most; what is longer is cut off.
const MAX_REASON_CHARS: usize = 1_024;

/// First level of the topics on which devices get commands, and of those on which they answer.
pub(crate) const COMMANDS: &str = "commands";
const RESULTS: &str = "results";
const STATE: &str = "state";

/// What a device says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// How a command goes.
    Result {
        /// The command.
        id: String,
        /// Accepted, done or failed.
        state: CommandState,
        /// What came of it, as JSON.
        result: Option<String>,
        /// Why it failed.
        reason: Option<String>,
    },
    /// What it is.
    State {
        /// The version of the desired state that it has.
        version: Option<i64>,
        /// Its state, as JSON.
        state: String,
    },
    /// Nothing: a retained message is taken back.
    Nothing,
}

/// A JSON text in one line, without blanks between its parts: its numbers and strings stay as they were written.
#[must_use]
pub fn compact(json: &str) -> String {
    let (mut is_string, mut is_escaped) = (false, false);
    let keep = |c: &char| {
        let is_kept = is_string || !c.is_ascii_whitespace();
        is_string ^= *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_kept
    };
    json.chars().filter(keep).collect()
}

/// Names a command: 96 random bits.
#[must_use]
pub fn new_id() -> String {
    let bytes: [u8; 12] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// # Errors
/// A text cannot be the id of a command: what it must be.
pub fn check_id(id: &str) -> Result<(), String> {
    check_word("id", id)
}

/// # Errors
/// A text cannot be the name of a command: what it must be.
pub fn check_name(name: &str) -> Result<(), String> {
    check_word("command", name)
}

fn check_word(field: &str, text: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if (1..=MAX_NAME_CHARS).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(());
    }
    Err(format!("{field} must be 1 to {MAX_NAME_CHARS} of the characters A-Z a-z 0-9 _ - . :"))
}

#[derive(Serialize)]
struct CommandForm<'a> {
    id: &'a str,
    n: i64,
    command: &'a str,
    args: Option<&'a RawValue>,
    expires_at: String,
}

/// A command as its device gets it, over MQTT as over HTTP.
#[must_use]
pub fn command_payload(command: &Command) -> String {
    let form = CommandForm {
        id: &command.id,
        n: command.number,
        command: &command.command,
        args: command.args.as_deref().and_then(|args| serde_json::from_str(args).ok()),
        expires_at: command.expires_at.to_string(),
    };
    serde_json::to_string(&form).expect("a command has nothing that JSON cannot say")
}

/// What the answer of a firmware says of a command.
pub(crate) fn said(id: &str, answer: FirmwareAnswer) -> Said {
    let (state, result, reason) = match answer {
        FirmwareAnswer::Done(result) => (CommandState::Done, Some(result), None),
        FirmwareAnswer::Failed(reason) => {
            let reason = reason.chars().filter(|c| *c != '\0').take(MAX_REASON_CHARS).collect();
            (CommandState::Failed, None, Some(reason))
        }
    };
    Said::Result { id: id.to_owned(), state, result, reason }
}

/// The arguments of a command; null where it has none.
pub(crate) fn args(command: &Command) -> serde_json::Value {
    command.args.as_deref().and_then(|args| serde_json::from_str(args).ok()).unwrap_or_default()
}

pub(crate) fn command_topic(device: &str) -> String {
    format!("{COMMANDS}/{device}")
}

pub(crate) fn reply_topic(device: &str) -> String {
    format!("{RESULTS}/{device}")
}

/// Whether devices answer on this topic.
#[must_use]
pub fn is_answer(topic: &str) -> bool {
    topic.split_once('/').is_some_and(|(first, _)| [RESULTS, STATE].contains(&first))
}

#[derive(Deserialize)]
struct ResultForm {
    id: Option<String>,
    #[serde(alias = "state")]
    status: String,
    result: Option<Box<RawValue>>,
    #[serde(alias = "error")]
    reason: Option<String>,
}

/// What a device says of a command: the one that it names, or this one.
///
/// # Errors
/// It cannot be read: what is wrong, for the maker of the device.
pub fn read_result(payload: &[u8], of: Option<&str>) -> Result<Said, String> {
    if payload.len() > MAX_ARGS_BYTES {
        return Err(format!("a result must be at most {MAX_ARGS_BYTES} bytes"));
    }
    let form: ResultForm = serde_json::from_slice(payload)
        .map_err(|e| format!(r#"a result must be JSON such as {{"id": "…", "status": "done"}}: {e}"#))?;
    let id = of.map(str::to_owned).or(form.id).ok_or("a result must have the id of its command")?;
    let state = match &*form.status {
        "accepted" => CommandState::Accepted,
        "done" => CommandState::Done,
        "failed" => CommandState::Failed,
        _ => return Err("status must be accepted, done or failed".into()),
    };
    let reason =
        form.reason.map(|reason| reason.chars().filter(|c| *c != '\0').take(MAX_REASON_CHARS).collect());
    Ok(Said::Result { id, state, result: form.result.map(|result| compact(result.get())), reason })
}

#[derive(Deserialize)]
struct StateForm {
    version: Option<i64>,
    state: Option<Box<RawValue>>,
}

/// What a device says that it is: `{"version", "state"}`, or the state itself.
fn read_state(payload: &[u8]) -> Result<Said, String> {
    if payload.len() > MAX_DESIRED_BYTES {
        return Err(format!("a state must be at most {MAX_DESIRED_BYTES} bytes"));
    }
    let problem =
        |e| format!(r#"a state must be a JSON object such as {{"version": 12, "state": {{…}}}}: {e}"#);
    let whole: &RawValue = serde_json::from_slice(payload).map_err(problem)?;
    let StateForm { version, state } = serde_json::from_str(whole.get()).map_err(problem)?;
    let state = compact(state.as_deref().unwrap_or(whole).get());
    if !state.starts_with('{') {
        return Err("a state must be a JSON object".into());
    }
    Ok(Said::State { version: version.filter(|version| *version >= 0), state })
}

/// What a message of a device says, and which device that is.
///
/// # Errors
/// It cannot be read: what is wrong, for the maker of the device.
pub(crate) fn read(message: &Message) -> Result<(&str, Said), String> {
    let (first, device) = message.topic.split_once('/').unwrap_or((&message.topic, ""));
    telemetry::Series::new("m", device).map_err(|e| format!("the topic names no device: {e}"))?;
    let said = match first {
        _ if message.payload.is_empty() => Ok(Said::Nothing),
        RESULTS => read_result(&message.payload, None),
        STATE => read_state(&message.payload),
        _ => Err("devices answer on results/<device> and state/<device>".into()),
    };
    said.map(|said| (device, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        Message {
            topic: topic.into(),
            payload: payload.to_owned().into(),
            received_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_command_is_written_as_a_device_reads_it() {
        let at: jiff::Timestamp = "2026-11-29T04:00:00Z".parse().unwrap();
        let mut command = Command::new("5be3", "lab", "set-interval", at, at);
        command.number = 42;
        assert_eq!(
            command_payload(&command),
            r#"{"id":"5be3","n":42,"command":"set-interval","args":null,"expires_at":"2026-11-29T04:00:00Z"}"#
        );
        command.args = Some(r#"{"seconds": 10}"#.into());
        assert!(command_payload(&command).contains(r#""args":{"seconds": 10},"#), "as it came");
    }

    #[test]
    fn what_devices_say_is_read() {
        let result = |state, result: Option<&str>, reason: Option<&str>| Said::Result {
            id: "a".into(),
            state,
            result: result.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        let state = |version, state: &str| Said::State { version, state: state.into() };
        for (topic, payload, device, expected) in [
            (
                "results/lab",
                r#"{"id": "a", "status": "accepted"}"#,
                "lab",
                result(CommandState::Accepted, None, None),
            ),
            (
                "results/site-a/lab",
                r#"{"id":"a","status":"done","result":[1, 2],"n":7}"#,
                "site-a/lab",
                result(CommandState::Done, Some("[1,2]"), None),
            ),
            (
                "results/lab",
                r#"{"id":"a","status":"failed","reason":"no power"}"#,
                "lab",
                result(CommandState::Failed, None, Some("no power")),
            ),
            (
                "state/lab",
                r#"{"version": 12, "state": {"on": true}}"#,
                "lab",
                state(Some(12), r#"{"on":true}"#),
            ),
            ("state/lab", r#"{"on":true}"#, "lab", state(None, r#"{"on":true}"#)),
            ("state/lab", "", "lab", Said::Nothing),
        ] {
            assert_eq!(read(&message(topic, payload)), Ok((device, expected)), "{topic} {payload}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        let long = format!(r#"{{"id":"a","status":"done","result":"{}"}}"#, "x".repeat(MAX_ARGS_BYTES));
        for (topic, payload, problem) in [
            ("results/lab", "done", "a result must be JSON"),
            ("results/lab", r#"{"id": "a"}"#, "missing field `status`"),
            ("results/lab", r#"{"status": "done"}"#, "the id of its command"),
            ("results/lab", r#"{"id": "a", "status": "ok"}"#, "accepted, done or failed"),
            ("results/lab", &long, "at most 16384 bytes"),
            ("state/lab", "[1]", "a state must be a JSON object"),
            ("state/lab", r#"{"state": 1}"#, "a state must be a JSON object"),
            ("state/lab", "23.5", "a state must be a JSON object"),
            ("results", "{}", "names no device"),
            ("results/", "{}", "names no device"),
            ("state/a b", "{}", "names no device"),
        ] {
            let error = read(&message(topic, payload)).unwrap_err();
            assert!(error.contains(problem), "{topic} {payload}: {error}");
        }
    }

    #[test]
    fn json_is_written_in_one_line() {
        for (json, line) in [
            ("{\n  \"a\": 3.0,\t\"b\": [1, 2]\r\n}", r#"{"a":3.0,"b":[1,2]}"#),
            (r#"{"a b": "c \" d", "e": "\\" }"#, r#"{"a b":"c \" d","e":"\\"}"#),
            ("1e400", "1e400"),
        ] {
            assert_eq!(compact(json), line);
        }
    }

    #[test]
    fn ids_differ_and_names_are_plain() {
        let (one, other) = (new_id(), new_id());
        assert!(one != other && one.len() == 24 && check_id(&one).is_ok());
        for (name, is_good) in [("set-interval", true), ("", false), ("two words", false), ("ü", false)] {
            assert_eq!(check_name(name).is_ok(), is_good, "{name}");
        }
        assert!(check_name(&"x".repeat(65)).is_err());
    }
}
