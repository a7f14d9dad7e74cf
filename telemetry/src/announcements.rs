//! What devices announced about their later messages: the names behind Sparkplug's aliases, and units.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Versions of one subject that are remembered: a message from before the newest one is read by the one before it.
pub const MAX_VERSIONS: usize = 2;

/// Bytes of a subject, at most. Databases have a limit of what they find a row by.
const MAX_SUBJECT_BYTES: usize = 1_024;

/// What a subject, a metric or a unit takes beside its text, in bytes.
const OVERHEAD: usize = 96;

/// What a device announced about messages that come later: a Sparkplug birth, or the unit of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What it is about. Whatever is announced of the same subject later takes its place.
    pub subject: String,
    /// When the broker received it.
    pub received_at: Timestamp,
    /// What is announced.
    pub content: Announced,
}

/// The content of an announcement, which has a form of JSON to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Announced {
    /// The unit of a value; none says that it has no unit any more.
    Unit(Option<String>),
    /// The birth of a Sparkplug node or device.
    Birth {
        /// The number of the node's session, which its death has, too.
        bd_seq: Option<u64>,
        /// What the numbers in later messages stand for.
        aliases: BTreeMap<u64, Alias>,
    },
}

/// What the number of a Sparkplug metric stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The metric's name.
    pub name: String,
    /// Sparkplug's number of its type.
    pub datatype: Option<u64>,
    /// Its property `engUnit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// As JSON, in which it is stored.
impl fmt::Display for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Announced {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json)
    }
}

impl Announced {
    fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Unit(unit) => OVERHEAD + text(unit),
            Self::Birth { aliases, .. } => {
                OVERHEAD
                    + aliases
                        .values()
                        .map(|alias| OVERHEAD + alias.name.len() + text(&alias.unit))
                        .sum::<usize>()
            }
        }
    }
}

/// What became of an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// It says something new and must be stored.
    New,
    /// It says what is known.
    Known,
    /// There is no room for it, or its subject cannot be that of a message.
    Refused,
}

/// All that devices announced, as far as there is room for it.
#[derive(Debug)]
pub struct Announcements {
    max_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Oldest first, at most [`MAX_VERSIONS`] of each subject.
    subjects: HashMap<String, Vec<Version>>,
    bytes: usize,
    was_full: bool,
}

#[derive(Debug, Clone)]
struct Version {
    since: Timestamp,
    content: Arc<Announced>,
}

impl Default for Announcements {
    /// Room for some 300,000 metrics.
    fn default() -> Self {
        Self::new(32 * 1024 * 1024)
    }
}

impl Announcements {
    /// None yet. All together may take this many bytes of memory.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, held: Mutex::default() }
    }

    /// Remembers an announcement from now on: of this process, or from a store.
    pub fn learn(&self, announcement: &Announcement) -> Learned {
        self.held().learn(announcement, self.max_bytes)
    }

    /// How many bytes of memory all together take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.held().bytes
    }

    /// The unit of a value, as it was announced for messages of this time.
    pub(crate) fn unit(&self, topic: &str, path: &str, at: Timestamp) -> Option<String> {
        let held = self.held();
        if held.subjects.is_empty() {
            return None;
        }
        match held.version(&unit_subject(topic, path), at)?.as_ref() {
            Announced::Unit(unit) => unit.clone(),
            Announced::Birth { .. } => None,
        }
    }

    /// What a Sparkplug node or device announced for messages of this time.
    pub(crate) fn birth(&self, device: &str, at: Timestamp) -> Birth {
        let held = self.held();
        let versions = held.versions_from(&birth_subject(device), at);
        Birth(versions.iter().map(|version| Arc::clone(&version.content)).collect())
    }

    /// Whether something had to be left out.
    pub(crate) fn was_full(&self) -> bool {
        self.held().was_full
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a Sparkplug node or device announced, the birth in force first; nothing if no birth of it is known.
#[derive(Debug)]
pub(crate) struct Birth(Vec<Arc<Announced>>);

impl Birth {
    /// What an alias stands for. One that the birth in force does not have is of a birth that came late, or got lost and was
    /// said again later.
    pub(crate) fn alias(&self, alias: u64) -> Option<&Alias> {
        self.0.iter().find_map(|content| match content.as_ref() {
            Announced::Birth { aliases, .. } => aliases.get(&alias),
            Announced::Unit(_) => None,
        })
    }

    pub(crate) fn bd_seq(&self) -> Option<u64> {
        match self.0.first()?.as_ref() {
            Announced::Birth { bd_seq, .. } => *bd_seq,
            Announced::Unit(_) => None,
        }
    }
}

impl Held {
    fn learn(&mut self, announcement: &Announcement, max_bytes: usize) -> Learned {
        let Announcement { subject, received_at, content } = announcement;
        if !is_subject(subject) {
            return Learned::Refused;
        }
        let before = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        let place = before.partition_point(|version| version.since < *received_at);
        let says_the_same = |version: &Version| *version.content == *content;
        let is_known = before.get(place).is_some_and(|next| next.since == *received_at)
            || place.checked_sub(1).and_then(|before_it| before.get(before_it)).is_some_and(says_the_same)
            || (place == 0 && before.len() == MAX_VERSIONS);
        if is_known {
            return Learned::Known;
        }
        let oldest = if before.len() == MAX_VERSIONS { before[0].content.bytes() } else { 0 };
        let subject_bytes = if before.is_empty() { subject.len() + OVERHEAD } else { 0 };
        let bytes = self.bytes - oldest + subject_bytes + content.bytes();
        if bytes > max_bytes {
            self.was_full = true;
            return Learned::Refused;
        }
        self.bytes = bytes;
        let versions = self.subjects.entry(subject.clone()).or_default();
        versions.insert(place, Version { since: *received_at, content: Arc::new(content.clone()) });
        if versions.len() > MAX_VERSIONS {
            versions.remove(0);
        }
        Learned::New
    }

    /// The newest that was there when a message came; for one from before all of them the oldest, which is likely the same
    /// as what was announced before anybody listened.
    fn version(&self, subject: &str, at: Timestamp) -> Option<&Arc<Announced>> {
        self.versions_from(subject, at).first().map(|version| &version.content)
    }

    /// The version for messages of this time, and those after it.
    fn versions_from(&self, subject: &str, at: Timestamp) -> &[Version] {
        let versions = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        let place = versions.partition_point(|version| version.since <= at).saturating_sub(1);
        &versions[place..]
    }
}

/// Whether a text may be the subject of an announcement: it is short, and has no control characters.
#[must_use]
pub fn is_subject(text: &str) -> bool {
    text.len() <= MAX_SUBJECT_BYTES && !text.chars().any(char::is_control)
}

/// Dots and slashes are one: RabbitMQ makes them alike.
pub(crate) fn unit_subject(topic: &str, path: &str) -> String {
    format!("unit {} {path}", topic.replace('.', "/"))
}

/// What a Sparkplug birth is about: `plant/edge/press`.
pub(crate) fn birth_subject(device: &str) -> String {
    format!("birth {device}")
}

/// Whether a subject is one of what a device announces: its birth, or the unit of a message on a topic of its own.
#[must_use]
pub fn announces(subject: &str, device: &str) -> bool {
    let is_own = |topic: &str| topic.split_once('/').is_some_and(|(_, name)| name == device);
    match subject.split_once(' ') {
        Some(("birth", name)) => name == device,
        Some(("unit", rest)) => rest.rsplit_once(' ').is_some_and(|(topic, _)| is_own(topic)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn unit(subject: &str, second: i64, unit: &str) -> Announcement {
        let content = Announced::Unit(Some(unit.into()));
        Announcement { subject: unit_subject(subject, ""), received_at: at(second), content }
    }

    #[test]
    fn a_message_is_read_by_what_was_announced_before_it() {
        let known = Announcements::default();
        assert_eq!(known.learn(&unit("a/b", 10, "V")), Learned::New);
        assert_eq!(known.learn(&unit("a/b", 20, "mV")), Learned::New);
        assert_eq!(known.learn(&unit("a/b", 25, "mV")), Learned::Known, "it says what is known");
        assert_eq!(known.learn(&unit("a/b", 10, "V")), Learned::Known, "a redelivery");
        let read = |second| known.unit("a/b", "", at(second)).unwrap();
        assert_eq!([9, 10, 19, 20, 99].map(read), ["V", "V", "V", "mV", "mV"]);
        assert_eq!(known.learn(&unit("a/b", 30, "kV")), Learned::New);
        assert_eq!([9, 20, 30].map(read), ["mV", "mV", "kV"], "there are two versions");
        assert_eq!(known.learn(&unit("a/b", 10, "V")), Learned::Known, "one that is older than all");
        assert_eq!(known.unit("a.b", "", at(30)).as_deref(), Some("kV"), "a dot became a slash");
        assert_eq!(known.unit("a/c", "", at(30)), None);
    }

    #[test]
    fn what_comes_late_stands_where_it_belongs() {
        let known = Announcements::default();
        known.learn(&unit("a", 20, "mV"));
        assert_eq!(known.learn(&unit("a", 10, "V")), Learned::New);
        assert_eq!(known.unit("a", "", at(15)).as_deref(), Some("V"));
        assert_eq!(known.unit("a", "", at(25)).as_deref(), Some("mV"));
    }

    #[test]
    fn what_there_is_no_room_for_is_refused_and_what_is_known_may_change() {
        let one = {
            let known = Announcements::default();
            known.learn(&unit("a", 1, "V"));
            known.bytes()
        };
        let known = Announcements::new(3 * one);
        assert_eq!(known.learn(&unit("a", 1, "V")), Learned::New);
        assert_eq!(known.learn(&unit("b", 1, "V")), Learned::New);
        assert_eq!(known.learn(&unit("a", 2, "A")), Learned::New);
        assert_eq!(known.learn(&unit("c", 2, "A")), Learned::Refused);
        assert!(known.was_full());
        assert_eq!(known.learn(&unit("a", 3, "W")), Learned::New, "it takes the place of the oldest");
        assert!(known.bytes() <= 3 * one);
    }

    #[test]
    fn a_device_announces_its_birth_and_its_own_units() {
        for (subject, expected) in [
            (birth_subject("a/lab"), true),
            (birth_subject("lab"), false),
            (unit_subject("temperature/a/lab", "/value"), true),
            (unit_subject("temperature/b/a/lab", "/value"), false),
            ("something a/lab".into(), false),
        ] {
            assert_eq!(announces(&subject, "a/lab"), expected, "{subject}");
        }
    }

    #[test]
    fn a_subject_that_no_message_has_is_refused() {
        let known = Announcements::default();
        for subject in ["a\0b".to_owned(), "x".repeat(MAX_SUBJECT_BYTES)] {
            assert_eq!(known.learn(&unit(&subject, 1, "V")), Learned::Refused);
        }
        assert_eq!((known.bytes(), known.was_full()), (0, false));
    }

    #[test]
    fn the_form_that_is_stored_is_read_back() {
        let alias = Alias { name: "Speed".into(), datatype: Some(3), unit: None };
        for content in [
            Announced::Unit(None),
            Announced::Unit(Some("°C".into())),
            Announced::Birth { bd_seq: Some(7), aliases: [(7, alias)].into() },
        ] {
            assert_eq!(content.to_string().parse::<Announced>().unwrap(), content, "{content}");
        }
    }
}
