//! The series of a device's metric, named by the topic `<metric>/<device>`.

use std::fmt;
use std::sync::Arc;

/// Most characters in one level of a topic.
pub const MAX_LEVEL_CHARS: usize = 64;

/// Longest topic in bytes: the size of an AMQP routing key.
pub const MAX_TOPIC_BYTES: usize = 255;

/// One metric of one device, named by its topic: `temperature/site-a/rack-1` is the metric `temperature` of the device
/// `site-a/rack-1`.
///
/// A level is 1–64 characters of `A–Z a–z 0–9 _ -`. Dots are refused because MQTT's `/` becomes AMQP's `.`.
/// Cloning is cheap: the text is shared.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    text: Arc<str>,
    slash: usize,
}

/// Why a text is not a [`Series`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The topic has one level.
    #[error("the topic has no device: write <metric>/<device>, for example temperature/lab")]
    NoDevice,
    /// The topic has more than [`MAX_TOPIC_BYTES`] bytes.
    #[error("the topic is longer than {MAX_TOPIC_BYTES} bytes")]
    TooLong,
    /// A level has no characters.
    #[error("the topic has an empty level: remove the doubled, leading or trailing slash")]
    EmptyLevel,
    /// A level has more than [`MAX_LEVEL_CHARS`] characters.
    #[error("the topic has a level longer than {MAX_LEVEL_CHARS} characters")]
    LongLevel,
    /// A level has a character that is not allowed.
    #[error("the topic has the character {0:?}: use A-Z a-z 0-9 _ - and / between levels")]
    Character(char),
}

impl Series {
    /// Parses a topic `<metric>/<device>`.
    ///
    /// # Errors
    /// The text breaks the grammar: reject the message that was published to it.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        if text.len() > MAX_TOPIC_BYTES {
            return Err(TopicError::TooLong);
        }
        text.split(is_slash).try_for_each(check_level)?;
        let slash = text.find(is_slash).ok_or(TopicError::NoDevice)?;
        Ok(Self { text: text.into(), slash })
    }

    /// Joins a metric and a device.
    ///
    /// # Errors
    /// As [`Series::parse`]; a metric of two levels is refused.
    pub fn new(metric: &str, device: &str) -> Result<Self, TopicError> {
        if metric.contains('/') {
            return Err(TopicError::Character('/'));
        }
        Self::parse(&format!("{metric}/{device}"))
    }

    /// The first level.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.text[..self.slash]
    }

    /// All levels after the first.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// The whole topic, `<metric>/<device>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

pub(crate) fn check_level(level: &str) -> Result<(), TopicError> {
    if level.is_empty() {
        return Err(TopicError::EmptyLevel);
    }
    if let Some(at) = level.bytes().position(|byte| !is_plain(byte)) {
        // All before it is ASCII, so a character begins there.
        return Err(TopicError::Character(level[at..].chars().next().unwrap_or_default()));
    }
    if level.len() > MAX_LEVEL_CHARS {
        return Err(TopicError::LongLevel);
    }
    Ok(())
}

/// A closure as pattern compares character by character, which is faster for short topics than a search for '/'.
fn is_slash(c: char) -> bool {
    c == '/'
}

/// Whether a level is the first one of a topic.
pub(crate) fn is_first_level(level: &str, topic: &str) -> bool {
    let (level, topic) = (level.as_bytes(), topic.as_bytes());
    // What ends elsewhere is no such level, and need not be compared.
    topic.get(level.len()).is_none_or(|byte| *byte == b'/') && topic.starts_with(level)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Series({})", self.text)
    }
}

/// The metrics that readings in Millrace's own format are collected of: those that are named, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct CollectedMetrics(Vec<String>);

impl CollectedMetrics {
    /// Whether messages on this topic hold readings, whether or not they can be decoded.
    #[must_use]
    pub fn collect(&self, topic: &str) -> bool {
        self.are_all() || self.0.iter().any(|collected| is_first_level(collected, topic))
    }

    /// Whether readings of this metric are collected.
    #[must_use]
    pub fn has(&self, metric: &str) -> bool {
        self.are_all() || self.0.iter().any(|collected| collected == metric)
    }

    /// Whether no metric is named, so that all are collected.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The MQTT subscription filters that cover every collected reading.
    pub fn filters(&self) -> impl Iterator<Item = String> + '_ {
        let all = self.are_all().then(|| "#".to_owned());
        all.into_iter().chain(self.0.iter().map(|metric| format!("{metric}/#")))
    }

    /// The names of the metrics, as they were configured; none if all are collected.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for CollectedMetrics {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        // An empty variable of the environment is a list with an empty name.
        let names: Vec<_> = names.into_iter().filter(|name| !name.trim().is_empty()).collect();
        for name in &names {
            check_level(name).map_err(|e| format!("metric {name:?}: {e}"))?;
        }
        Ok(Self(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_topic_is_a_metric_and_a_device() {
        let topic = Series::parse("temperature/site-a/rack_1").unwrap();
        assert_eq!((topic.metric(), topic.device()), ("temperature", "site-a/rack_1"));
    }

    #[test]
    fn what_breaks_the_grammar_is_named() {
        let long = "x".repeat(MAX_LEVEL_CHARS + 1);
        for (text, error) in [
            ("temperature", TopicError::NoDevice),
            ("", TopicError::EmptyLevel),
            ("/lab", TopicError::EmptyLevel),
            ("temperature/", TopicError::EmptyLevel),
            ("temperature//lab", TopicError::EmptyLevel),
            ("temperature/lab.1", TopicError::Character('.')),
            ("temperature/lab 1", TopicError::Character(' ')),
            ("temperature/+", TopicError::Character('+')),
            ("temperature/grün", TopicError::Character('ü')),
            (&format!("temperature/{long}"), TopicError::LongLevel),
            (&format!("t/{}", "abc/".repeat(80)), TopicError::TooLong),
        ] {
            assert_eq!(Series::parse(text), Err(error), "{text}");
        }
        assert!(Series::parse(&format!("t/{}", &long[1..])).is_ok());
        assert_eq!(Series::new("a/b", "c"), Err(TopicError::Character('/')));
    }

    #[test]
    fn a_metric_is_collected_by_its_first_level_alone() {
        let metrics = CollectedMetrics::try_from(vec!["temperature".to_string()]).unwrap();
        assert!(metrics.collect("temperature/lab"));
        assert!(metrics.collect("temperature/lab.1"), "bad grammar of a collected metric is a bad reading");
        assert!(metrics.collect("temperature"));
        assert!(!metrics.collect("temperatures/lab"));
        assert!(!metrics.collect("status/lab"));
        assert_eq!(metrics.filters().collect::<Vec<_>>(), ["temperature/#"]);
        assert!(CollectedMetrics::try_from(vec!["a/b".to_string()]).is_err());
        for none in [vec![], vec![String::new()]] {
            let all = CollectedMetrics::try_from(none).unwrap();
            assert!(all.are_all() && all.collect("anything/at/all"));
            assert_eq!(all.filters().collect::<Vec<_>>(), ["#"]);
        }
    }

    proptest! {
        #[test]
        fn every_topic_reads_back_as_written(metric in "[A-Za-z0-9_-]{1,64}", device in "[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,10}){0,3}") {
            let topic = Series::new(&metric, &device).unwrap();
            prop_assert_eq!(topic.metric(), &metric);
            prop_assert_eq!(topic.device(), &device);
            prop_assert_eq!(Series::parse(&topic.to_string()).unwrap(), topic);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            if let Ok(topic) = Series::parse(&text) {
                prop_assert_eq!(topic.as_str(), text);
            }
        }
    }
}
