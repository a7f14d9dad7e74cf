//! Commands of other people's firmware: which message asks a device to do something, and which one is its answer.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::pointer::{Place, Pointer};

/// Bytes of a payload that are kept as the result of a command, at most.
const MAX_RESULT_BYTES: usize = 4 * 1024;

/// First levels of topics that no command of a firmware is published to.
const RESERVED: [&str; 5] = ["commands", "results", "state", "uplink", "alerts"];

/// A command as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandTable {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    title: Option<String>,
    args: Option<Value>,
    topic: String,
    payload: Value,
    result: ResultOf,
}

/// The message that is the answer: its topic, or more.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "the topic of the answer, or a table of topic, id, error, has_args and is")]
enum ResultOf {
    Topic(String),
    Table(ResultTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultTable {
    topic: String,
    id: Option<Pointer>,
    error: Option<Pointer>,
    #[serde(default)]
    has_args: bool,
    is: Option<String>,
}

/// A command of a firmware.
#[derive(Debug)]
pub struct FirmwareCommand {
    /// The type of the devices that take it.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub title: Option<String>,
    /// What its arguments must be, as a JSON schema.
    pub args: Option<Value>,
    topic: Text,
    payload: Value,
    result: ResultRule,
}

#[derive(Debug)]
struct ResultRule {
    topic: Pattern,
    /// Where the number of the command stands in it.
    id: Option<Pointer>,
    /// Where it stands why the command failed.
    error: Option<Pointer>,
    /// Whether it must have what the arguments have.
    has_args: bool,
    /// The text that it must be.
    is: Option<Text>,
}

/// A command that a device is asked to carry out.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The device.
    pub device: &'a str,
    /// The id of the command.
    pub id: &'a str,
    /// Its number among those of the device.
    pub number: i64,
    /// Its arguments; null where it has none.
    pub args: &'a Value,
}

/// What a firmware answers to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirmwareAnswer {
    /// It was carried out; what the message says, as JSON.
    Done(String),
    /// It failed, for this reason.
    Failed(String),
}

/// A text with places for what a command says: `cmnd/{device}/POWER`.
#[derive(Debug, PartialEq, Eq)]
struct Text(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Device,
    Number,
    Id,
    /// The arguments, or one of them.
    Args(Vec<String>),
}

impl FirmwareCommand {
    pub(super) fn new(table: CommandTable) -> Result<Self, String> {
        let CommandTable { kind, name, title, args, topic, payload, result } = table;
        let at = |problem: String| format!("the command {name} of the type {kind}: {problem}");
        if kind.is_empty() || name.is_empty() {
            return Err("a command needs a type and a name: type = \"plug\", name = \"power\"".into());
        }
        let topic = Text::topic(&topic).map_err(at)?;
        check_payload(&payload).map_err(at)?;
        let result = ResultRule::new(result).map_err(at)?;
        Ok(Self { kind, name, title, args, topic, payload, result })
    }

    /// The topic and the payload that ask a device for this.
    ///
    /// # Errors
    /// An argument is missing, or cannot be part of a topic.
    pub fn message(&self, asked: Asked<'_>) -> Result<(String, Bytes), String> {
        let topic = self.topic.fill_topic(asked)?;
        let payload = match &self.payload {
            Value::String(text) => Text::parse(text)?.fill(asked)?,
            json => fill_json(json, asked)?.to_string(),
        };
        Ok((topic, payload.into()))
    }

    /// The device whose answer a message on this topic may be.
    pub(super) fn device<'t>(&self, topic: &'t str, levels: &[&'t str]) -> Option<&'t str> {
        self.result.topic.captures(topic, levels)?.get("device")
    }

    /// An MQTT filter for the answers.
    pub(super) fn result_filter(&self) -> Option<String> {
        self.result.topic.filter()
    }

    /// Whether a topic is that of an answer to this: its other named levels are those that the arguments name.
    fn is_answered_on(&self, topic: &str, asked: Asked<'_>) -> bool {
        let levels: Vec<&str> = topic.split('/').collect();
        let Some(captures) = self.result.topic.captures(topic, &levels) else { return false };
        let is_asked = |(name, level): (&str, &str)| match name {
            "device" => level == asked.device,
            name => asked.args.get(name).and_then(Value::as_str) == Some(level),
        };
        captures.iter().all(is_asked)
    }

    /// What a message says of a command; None where it is no answer to it.
    #[must_use]
    pub fn answer(&self, asked: Asked<'_>, topic: &str, payload: &[u8]) -> Option<FirmwareAnswer> {
        if !self.is_answered_on(topic, asked) {
            return None;
        }
        let json = serde_json::from_slice::<Value>(payload).ok();
        let at = |pointer: &Option<Pointer>| {
            let place = Place::root(json.as_ref()?);
            pointer.as_ref()?.find(&place).filter(|found| !found.is_null()).cloned()
        };
        let text = String::from_utf8_lossy(&payload[..payload.len().min(MAX_RESULT_BYTES)]);
        if self.result.id.is_some() && at(&self.result.id).and_then(|id| whole(&id)) != Some(asked.number) {
            return None;
        }
        if let Some(error) = at(&self.result.error) {
            let reason = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            return Some(FirmwareAnswer::Failed(reason));
        }
        let has_args = || json.as_ref().is_some_and(|json| holds(json, asked.args));
        let is_text = |wanted: &Text| {
            wanted.fill(asked).is_ok_and(|wanted| text.trim().eq_ignore_ascii_case(wanted.trim()))
        };
        if (self.result.has_args && !has_args()) || !self.result.is.as_ref().is_none_or(is_text) {
            return None;
        }
        let result = json.filter(|_| payload.len() <= MAX_RESULT_BYTES);
        Some(FirmwareAnswer::Done(result.unwrap_or_else(|| text.into()).to_string()))
    }
}

/// A number, also where it is written as a text.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether a payload has all that the arguments have.
fn holds(payload: &Value, args: &Value) -> bool {
    match (payload, args) {
        (Value::Object(has), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| has.get(name).is_some_and(|has| holds(has, wanted)))
        }
        (Value::String(has), Value::String(wanted)) => has.eq_ignore_ascii_case(wanted),
        (has, wanted) => {
            has == wanted || has.as_f64().zip(wanted.as_f64()).is_some_and(|(has, wanted)| has == wanted)
        }
    }
}

impl ResultRule {
    fn new(of: ResultOf) -> Result<Self, String> {
        let table = match of {
            ResultOf::Topic(topic) => ResultTable { topic, id: None, error: None, has_args: false, is: None },
            ResultOf::Table(table) => table,
        };
        // A device may have several levels; where it comes first, the level that is always the same could not be found.
        let topic = Pattern::parse(&table.topic.replace("/{device}", "/{device...}"))?;
        if !topic.names("device") {
            return Err(
                "the topic of the result must name the device: result = \"stat/{device}/POWER\"".into()
            );
        }
        if topic.filter().is_none() {
            return Err("the topic of the result needs a level that is always the same".into());
        }
        let is = table.is.as_deref().map(Text::parse).transpose()?;
        Ok(Self { topic, id: table.id, error: table.error, has_args: table.has_args, is })
    }
}

impl Text {
    fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or_else(|| format!("{text:?}: a brace is not closed"))?;
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            parts.push(Part::parse(&rest[open + 1..open + close])?);
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    fn topic(text: &str) -> Result<Self, String> {
        let first = text.split('/').next().unwrap_or_default();
        if RESERVED.contains(&first) || text.starts_with('$') {
            return Err(format!("topic: no firmware takes its commands on {first}/…"));
        }
        if text.contains(['+', '#']) || !text.contains("{device}") {
            return Err(
                "topic must name the device, and have no wildcard: topic = \"cmnd/{device}/POWER\"".into()
            );
        }
        Self::parse(text)
    }

    fn fill(&self, asked: Asked<'_>) -> Result<String, String> {
        self.0.iter().map(|part| part.text(asked)).collect()
    }

    /// Arguments stand for a part of a level, so that nobody reaches the topics of another device by them.
    fn fill_topic(&self, asked: Asked<'_>) -> Result<String, String> {
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.: ".contains(&byte))
        };
        let filled = |part: &Part| {
            let text = part.text(asked)?;
            match part {
                Part::Args(path) if !is_plain(&text) => Err(format!(
                    "{} is part of a topic: it may have A-Z a-z 0-9 _ - . : and blanks",
                    named(path)
                )),
                _ => Ok(text),
            }
        };
        self.0.iter().map(filled).collect()
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "device" => Ok(Self::Device),
            "n" => Ok(Self::Number),
            "id" => Ok(Self::Id),
            "args" => Ok(Self::Args(Vec::new())),
            _ => match text.strip_prefix("args.") {
                Some(path) if path.split('.').all(|name| !name.is_empty()) => {
                    Ok(Self::Args(path.split('.').map(str::to_owned).collect()))
                }
                _ => Err(format!(
                    "{{{text}}} is not known: there are {{device}}, {{n}}, {{id}}, {{args}} and {{args.name}}"
                )),
            },
        }
    }

    fn value(&self, asked: Asked<'_>) -> Result<Value, String> {
        match self {
            Self::Literal(text) => Ok(text.as_str().into()),
            Self::Device => Ok(asked.device.into()),
            Self::Number => Ok(asked.number.into()),
            Self::Id => Ok(asked.id.into()),
            Self::Args(path) => {
                let found = path.iter().try_fold(asked.args, |value, name| value.get(name));
                found.cloned().ok_or_else(|| format!("{} is missing", named(path)))
            }
        }
    }

    fn text(&self, asked: Asked<'_>) -> Result<String, String> {
        Ok(match self.value(asked)? {
            Value::String(text) => text,
            // A command without arguments has nothing to say.
            Value::Null => String::new(),
            other => other.to_string(),
        })
    }
}

fn named(path: &[String]) -> String {
    std::iter::once("args").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
}

fn check_payload(payload: &Value) -> Result<(), String> {
    match payload {
        Value::String(text) => Text::parse(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check_payload),
        Value::Object(fields) => fields.values().try_for_each(check_payload),
        _ => Ok(()),
    }
}

/// A place that stands alone becomes what it stands for, with its type.
fn fill_json(json: &Value, asked: Asked<'_>) -> Result<Value, String> {
    Ok(match json {
        Value::String(text) => match Text::parse(text)?.0.as_slice() {
            [part] => part.value(asked)?,
            _ => Text::parse(text)?.fill(asked)?.into(),
        },
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill_json(item, asked)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let filled = fields.iter().map(|(name, json)| Ok((name.clone(), fill_json(json, asked)?)));
            Value::Object(filled.collect::<Result<Map<_, _>, String>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(text: &str) -> Result<FirmwareCommand, String> {
        FirmwareCommand::new(toml::from_str(text).map_err(|e| e.message().to_owned())?)
    }

    fn asked(args: &Value) -> Asked<'_> {
        Asked { device: "site-a/plug", id: "5be3", number: 7, args }
    }

    #[test]
    fn a_command_becomes_a_message_and_its_answer_is_known() {
        let power = command(
            r#"
            type = "tasmota"
            name = "power"
            topic = "cmnd/{device}/POWER"
            payload = "{args.state}"
            result = "stat/{device}/POWER""#,
        )
        .unwrap();
        let args = json!({"state": "ON"});
        let (topic, payload) = power.message(asked(&args)).unwrap();
        assert_eq!((topic.as_str(), &payload[..]), ("cmnd/site-a/plug/POWER", &b"ON"[..]));
        let topic = "stat/site-a/plug/POWER";
        assert_eq!(power.device(topic, &topic.split('/').collect::<Vec<_>>()), Some("site-a/plug"));
        assert_eq!(power.result_filter().as_deref(), Some("stat/#"));
        assert_eq!(power.answer(asked(&args), topic, b"ON"), Some(FirmwareAnswer::Done("\"ON\"".into())));
        assert_eq!(power.message(asked(&Value::Null)).unwrap_err(), "args.state is missing");
    }

    #[test]
    fn json_is_filled_with_values_of_their_types_and_answered_by_number() {
        let rpc = command(
            r#"
            type = "shelly"
            name = "rpc"
            topic = "{device}/rpc"
            payload = { id = "{n}", src = "results/{device}", method = "{args.method}", params = "{args.params}" }
            result = { topic = "results/{device}/rpc", id = "/id", error = "/error/message" }"#,
        )
        .unwrap();
        let args = json!({"method": "Switch.Set", "params": {"id": 0, "on": true}});
        let (_, payload) = rpc.message(asked(&args)).unwrap();
        let expected = json!({"id": 7, "src": "results/site-a/plug", "method": "Switch.Set", "params": {"id": 0, "on": true}});
        assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), expected);
        for (payload, expected) in [
            (r#"{"id": 6, "result": {}}"#, None),
            ("no JSON", None),
            (
                r#"{"id": 7, "error": {"code": 1, "message": "no such method"}}"#,
                Some(FirmwareAnswer::Failed("no such method".into())),
            ),
            (r#"{"id": 7, "result": {}}"#, Some(FirmwareAnswer::Done(r#"{"id":7,"result":{}}"#.into()))),
        ] {
            assert_eq!(
                rpc.answer(asked(&args), "results/site-a/plug/rpc", payload.as_bytes()),
                expected,
                "{payload}"
            );
        }
    }

    #[test]
    fn an_answer_has_what_was_asked_for() {
        let set = |result: &str| {
            command(&format!("type = \"z\"\nname = \"set\"\ntopic = \"z/{{device}}/set\"\npayload = \"{{args}}\"\nresult = {result}")).unwrap()
        };
        let args = json!({"state": "ON", "brightness": 100});
        let has = set(r#"{ topic = "z/{device}", has_args = true }"#);
        for (payload, is_answer) in [
            (r#"{"state": "on", "brightness": 100.0, "linkquality": 5}"#, true),
            (r#"{"state": "ON", "brightness": 99}"#, false),
            (r#"{"linkquality": 5}"#, false),
            ("ON", false),
        ] {
            assert_eq!(
                has.answer(asked(&args), "z/site-a/plug", payload.as_bytes()).is_some(),
                is_answer,
                "{payload}"
            );
        }
        let is = set(r#"{ topic = "z/{device}/state", is = "{args.state}" }"#);
        let answers = |payload: &[u8]| is.answer(asked(&args), "z/site-a/plug/state", payload).is_some();
        assert!(answers(b"on") && !answers(b"off"));
    }

    #[test]
    fn an_argument_reaches_no_other_topic() {
        let any = command(
            r#"
            type = "esphome"
            name = "switch"
            topic = "{device}/switch/{args.name}/command"
            payload = "{args.state}"
            result = "{device}/switch/{name}/state""#,
        )
        .unwrap();
        let relay = json!({"name": "relay", "state": "ON"});
        let plug = Asked { device: "plug", ..asked(&relay) };
        assert!(any.answer(plug, "plug/switch/relay/state", b"ON").is_some());
        assert!(any.answer(plug, "plug/switch/other/state", b"ON").is_none(), "another switch");
        for (name, is_good) in
            [("relay_1", true), ("../other", false), ("a/b", false), ("#", false), ("", false)]
        {
            let args = json!({"name": name, "state": "ON"});
            assert_eq!(any.message(asked(&args)).is_ok(), is_good, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let written = |topic: &str, payload: &str, result: &str| {
            command(&format!(
                "type = \"a\"\nname = \"b\"\ntopic = {topic:?}\npayload = {payload:?}\nresult = {result:?}"
            ))
        };
        for (topic, payload, result, problem) in [
            ("cmnd/{device}", "{room}", "a/{device}", "{room} is not known: there are {device}"),
            ("cmnd/{device}", "{args.}", "a/{device}", "is not known"),
            ("cmnd/{device", "", "a/{device}", "must name the device"),
            ("cmnd/plug", "", "a/{device}", "topic must name the device"),
            ("cmnd/{device}/#", "", "a/{device}", "no wildcard"),
            ("commands/{device}", "", "a/{device}", "no firmware takes its commands on commands/"),
            ("$SYS/{device}", "", "a/{device}", "no firmware takes"),
            ("cmnd/{device}", "", "a/b", "the result must name the device"),
            ("cmnd/{device}", "", "{device}", "a level that is always the same"),
        ] {
            let error = written(topic, payload, result).unwrap_err();
            assert!(error.contains(problem), "{topic} {payload} {result}: {error}");
        }
        assert!(
            command("type = \"\"\nname = \"\"\ntopic = \"\"\npayload = \"\"\nresult = \"\"")
                .unwrap_err()
                .contains("needs a type")
        );
    }
}
