//! Names put together from parts of the topic and of the payload: `{group}/{/sn}`.

use serde_json::Value;

use super::pattern::{Captures, Pattern};
use super::pointer::{Place, Pointer};

/// Text with places in braces. Alternatives are parted by `|`: the first that is there counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    OneOf(Vec<Source>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// A level of the topic that the rule names.
    Level(String),
    /// A value of the payload.
    Path(Pointer),
    /// What the `*` of this number stood for; the last one if there is no number.
    Key(Option<usize>),
    Client,
    User,
}

/// Who published a message, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Publisher<'a> {
    /// The MQTT client id.
    pub client: Option<&'a str>,
    /// The user that the client logged in as.
    pub user: Option<&'a str>,
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or_else(|| format!("{text:?}: a brace is not closed"))?;
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inside = &rest[open + 1..open + close];
            parts.push(Part::OneOf(inside.split('|').map(Source::parse).collect::<Result<_, _>>()?));
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text, if it is always the same.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fails with the name of a level that the topic's pattern does not have.
    pub(super) fn check(&self, pattern: &Pattern) -> Result<(), String> {
        for part in &self.parts {
            let Part::OneOf(sources) = part else { continue };
            for source in sources {
                if let Source::Level(name) = source
                    && !pattern.names(name)
                {
                    return Err(format!("{{{name}}} is no level of {}", pattern.as_str()));
                }
            }
        }
        Ok(())
    }

    /// The text, unless a part of it is not there.
    ///
    /// # Errors
    /// The part that is not there.
    pub(super) fn fill(
        &self,
        captures: &Captures<'_, '_>,
        place: &Place<'_>,
        publisher: Publisher<'_>,
    ) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::OneOf(sources) => {
                    let found = sources.iter().find_map(|source| source.text(captures, place, publisher));
                    text.push_str(&found.ok_or_else(|| format!("there is no {}", describe(sources)))?);
                }
            }
        }
        Ok(text)
    }
}

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with(['/', '.']) {
            return Pointer::parse(text).map(Self::Path);
        }
        match text {
            "client" => Ok(Self::Client),
            "user" => Ok(Self::User),
            "key" => Ok(Self::Key(None)),
            _ => match text.strip_prefix("key").map(str::parse::<usize>) {
                Some(Ok(number)) if number > 0 => Ok(Self::Key(Some(number - 1))),
                _ if text.is_empty() => Err("{} is empty: name a level or a path".into()),
                _ => Ok(Self::Level(text.to_owned())),
            },
        }
    }

    fn text(
        &self,
        captures: &Captures<'_, '_>,
        place: &Place<'_>,
        publisher: Publisher<'_>,
    ) -> Option<String> {
        let text = match self {
            Self::Level(name) => captures.get(name)?.to_owned(),
            Self::Path(path) => scalar(path.find(place)?)?,
            Self::Key(None) => place.keys.last()?.clone(),
            Self::Key(Some(number)) => place.keys.get(*number)?.clone(),
            Self::Client => publisher.client?.to_owned(),
            Self::User => publisher.user?.to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }

    fn describe(&self) -> String {
        match self {
            Self::Level(name) => format!("{{{name}}}"),
            Self::Path(path) => path.to_string(),
            Self::Key(_) => "key".into(),
            Self::Client => "client id".into(),
            Self::User => "user".into(),
        }
    }
}

fn describe(sources: &[Source]) -> String {
    sources.iter().map(Source::describe).collect::<Vec<_>>().join(" or ")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_put_together_from_topic_payload_and_client() {
        let payload = json!({"sn": 12, "list": [{"n": "a"}]});
        let pattern = Pattern::parse("x/{group}").unwrap();
        let captures = pattern.captures("x/hall", &["x", "hall"]).unwrap();
        let place = &Pointer::parse("/list/*").unwrap().places(&payload)[0];
        let publisher = Publisher { client: Some("pump-7"), user: None };
        let fill = |text: &str| Template::parse(text).unwrap().fill(&captures, place, publisher);
        assert_eq!(fill("{group}/{/sn}-{./n}").unwrap(), "hall/12-a");
        assert_eq!(fill("{user|client}/{key}").unwrap(), "pump-7/0");
        assert_eq!(fill("{/id|/serial}").unwrap_err(), "there is no /id or /serial");
        assert!(Template::parse("{room}").unwrap().check(&pattern).unwrap_err().contains("{room}"));
        assert!(Template::parse("{group").is_err());
    }
}
