//! Readings in the payloads that other people's devices publish, found by rules.
//!
//! A rule is for the messages on some topics. It says in what format they are, where in them the values are, and what
//! device and metric each of them becomes. [Presets](PRESETS) have rules for common firmware; a file may have more.

mod announce;
mod attributes;
mod command;
mod dictionary;
mod error;
mod extend;
mod extract;
mod file;
mod format;
mod moment;
mod name;
mod number;
mod pattern;
mod pointer;
mod presets;
mod rule;
mod suggest;
mod template;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use announce::Announces;
use attributes::Attributes;
use command::CommandTable;
use extract::{Extraction, Found};
use file::File;
use format::{Around, Parsed};
use pattern::{Captures, Index, Pattern};
use rule::Rule;

use crate::Words;
use crate::announcements::Announcements;
use crate::element::Element;
use crate::limits::MAX_PAYLOAD_BYTES;
use crate::message::{Decoded, Message, Rejected};
use crate::payload::RawReading;
use crate::series::Series;

pub use command::{Asked, FirmwareAnswer, FirmwareCommand};
pub(crate) use dictionary::{begins_with_a_word, word_of};
pub use error::MappingError;
pub use extend::{ExtendError, Extended, MAX_ADDED_BYTES, extend};
pub use format::SparkplugGaps;
pub use presets::{PRESETS, Preset};
pub use suggest::{Suggestion, suggest};
pub use template::Publisher;

/// Most commands of firmware in a file.
const MAX_COMMANDS: usize = 256;

/// Most rules in a file, and in all presets together.
const MAX_RULES: usize = 256;

/// Rules that say where in foreign payloads readings are.
#[derive(Debug)]
pub struct Mappings {
    /// The file's own rules, and then those of the presets.
    rules: Vec<Rule>,
    /// The own ones alone.
    own: Index,
    index: Index,
    /// The presets in use.
    presets: Vec<&'static str>,
    /// Commands of firmware: those of the file, and then those of the presets that it does not replace.
    commands: Vec<FirmwareCommand>,
    hash: u64,
}

/// What a rule is called: where it is from, and the topics that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleName {
    /// Its preset; none for a rule of the file of mappings.
    pub preset: Option<&'static str>,
    /// Its pattern of topics, as it is written.
    pub topic: Arc<str>,
}

/// What the rules make of a message.
#[derive(Debug, PartialEq)]
pub enum Mapped {
    /// Its readings, and what of it could not be read. Both may be empty: texts and missing values are no readings.
    Read(Decoded),
    /// This rule says that such messages are ignored; `None` if the topic's first level is Millrace's own.
    Ignored(Option<RuleName>),
    /// No rule is for it.
    Unmapped,
}

impl Default for Mappings {
    /// All presets.
    fn default() -> Self {
        Self::read("").expect("the presets are compiled in and tested")
    }
}

impl Mappings {
    /// Reads a file of mappings. Its own rules come before those of the presets that it uses.
    ///
    /// # Errors
    /// Names the place that is wrong; keep the rules in force.
    pub fn read(text: &str) -> Result<Self, MappingError> {
        let at = |start: usize, problem: &str| MappingError::at(text, start, problem);
        let file: File = toml::from_str(text)
            .map_err(|e| at(e.span().map_or(0, |span| span.start), e.message().trim()))?;
        let mut commands = own_commands(file.commands, &at)?;
        let mut rules = Vec::new();
        if file.rules.len() > MAX_RULES {
            return Err(at(0, &format!("{} rules: at most {MAX_RULES}", file.rules.len())));
        }
        for table in file.rules {
            let start = table.topic.span().start;
            let zone = file.zone.as_ref().map(|zone| &zone.0);
            rules.push(Rule::new(table, None, &file.names, zone).map_err(|problem| at(start, &problem))?);
        }
        let own = rules.len();
        let mut used = Vec::new();
        for preset in PRESETS {
            let wanted =
                |names: &Vec<toml::Spanned<String>>| names.iter().any(|name| *name.get_ref() == preset.name);
            if file.presets.as_ref().is_none_or(wanted) {
                let zone = file.zones.get(preset.name).or(file.zone.as_ref()).map(|zone| &zone.0);
                rules.extend(preset.rules(zone));
                commands.extend(preset.commands());
                used.push(preset.name);
            }
        }
        let named = file.presets.iter().flatten().map(|name| (name.get_ref(), name.span().start));
        for (name, start) in named.chain(file.zones.keys().map(|name| (name, 0))) {
            if !PRESETS.iter().any(|preset| preset.name == name) {
                let all: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                return Err(at(start, &format!("there is no preset {name:?}: there are {}", all.join(", "))));
            }
        }
        let (own, index) = (index(&rules[..own]), index(&rules));
        let presets = PRESETS.iter().map(|preset| preset.text.as_bytes());
        let hash = crate::fnv1a_64_of_parts(presets.chain([text.as_bytes()]));
        Ok(Self { rules, own, index, presets: used, commands, hash })
    }

    /// The commands of firmware. Of two with one name for one type the first counts.
    #[must_use]
    pub fn commands(&self) -> &[FirmwareCommand] {
        &self.commands
    }

    /// The command of this name that devices of this type take.
    #[must_use]
    pub fn command(&self, kind: &str, name: &str) -> Option<&FirmwareCommand> {
        self.commands.iter().find(|command| command.kind == kind && command.name == name)
    }

    /// Which commands a message on this topic may be the answer to, and of which devices.
    pub fn answered<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = (&'a FirmwareCommand, &'a str)> {
        let levels: Vec<&str> = topic.split('/').collect();
        self.commands.iter().filter_map(move |command| Some((command, command.device(topic, &levels)?)))
    }

    /// MQTT filters for what firmware answers to commands.
    #[must_use]
    pub fn answer_filters(&self) -> Vec<String> {
        let mut filters: Vec<_> = self.commands.iter().filter_map(FirmwareCommand::result_filter).collect();
        filters.sort();
        filters.dedup();
        filters
    }

    /// A number that differs where the file of mappings or the presets do.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether the first rule for this topic is none of a preset.
    pub(crate) fn has_own_rule(&self, topic: &str) -> bool {
        // Most topics are for no such rule, and their levels need not be compared with those of all rules.
        !self.own.is_empty()
            && self.own.has_candidates(topic)
            && self.rule(topic).is_some_and(|rule| rule.preset.is_none())
    }

    /// All presets by name, and whether each is in use.
    pub fn presets(&self) -> impl Iterator<Item = (&'static str, bool)> {
        PRESETS.iter().map(|preset| (preset.name, self.presets.contains(&preset.name)))
    }

    /// Whether there is a rule of this name, so that it may come up in [`Mapped::Ignored`].
    #[must_use]
    pub fn has(&self, name: &RuleName) -> bool {
        self.rules.iter().any(|rule| rule.preset == name.preset && rule.pattern.as_str() == &*name.topic)
    }

    /// The words of the rules beside the presets. Of two rules for one metric the first counts.
    #[must_use]
    pub fn words(&self) -> Words {
        let mut words = Words::default();
        for rule in self.rules.iter().take_while(|rule| rule.preset.is_none()) {
            rule.add_words(&mut words);
        }
        words
    }

    /// The topics of the rules beside the presets, in their order.
    pub fn own_topics(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().take_while(|rule| rule.preset.is_none()).map(|rule| rule.pattern.as_str())
    }

    /// MQTT filters for what the rules read. Left out are rules for topics without a fixed level, such as those that end
    /// with a well-known metric: such a filter would be for everything.
    pub fn filters(&self) -> impl Iterator<Item = String> {
        let is_read = |rule: &&Rule| !rule.takes.is_empty() || rule.announces.is_some();
        self.rules.iter().filter(is_read).filter_map(|rule| rule.pattern.filter())
    }

    /// Reads a message by the first rule for its topic. What is ahead of the clock is decided by `now`.
    ///
    /// A bad element of a list is rejected alone, so that a batch does not lose its good readings.
    #[must_use]
    pub fn decode(
        &self,
        message: &Message,
        publisher: Publisher<'_>,
        announcements: &Announcements,
        now: Timestamp,
    ) -> Mapped {
        let topic = message.topic.as_str();
        let levels: Vec<&str> = topic.split('/').collect();
        let Some((rule, captures)) = self.find(topic, &levels) else { return Mapped::Unmapped };
        if let Some(announces) = rule.announces {
            return Mapped::Read(announced(message, announces, announcements));
        }
        if rule.takes.is_empty() {
            return Mapped::Ignored(Some(rule.called()));
        }
        let received_at = message.received_at;
        let extraction =
            Extraction { rule, topic, captures: &captures, publisher, received_at, announcements };
        Mapped::Read(read(message, &extraction, now))
    }

    /// The rule that messages on this topic are read by.
    #[must_use]
    pub fn rule(&self, topic: &str) -> Option<RuleName> {
        let levels: Vec<&str> = topic.split('/').collect();
        self.find(topic, &levels).map(|(rule, _)| rule.called())
    }

    fn find<'t>(&self, topic: &'t str, levels: &[&'t str]) -> Option<(&Rule, Captures<'_, 't>)> {
        self.index.candidates(levels).into_iter().find_map(|index| {
            let rule = &self.rules[index];
            let captures = patterns(rule).find_map(|pattern| pattern.captures(topic, levels))?;
            let known = rule
                .only_known
                .as_ref()
                .is_none_or(|level| captures.get(level).is_some_and(|level| word_of(level).is_some()));
            known.then_some((rule, captures))
        })
    }
}

fn own_commands(
    tables: Vec<toml::Spanned<CommandTable>>,
    at: &impl Fn(usize, &str) -> MappingError,
) -> Result<Vec<FirmwareCommand>, MappingError> {
    if tables.len() > MAX_COMMANDS {
        return Err(at(0, &format!("{} commands: at most {MAX_COMMANDS}", tables.len())));
    }
    let mut commands: Vec<FirmwareCommand> = Vec::new();
    for table in tables {
        let start = table.span().start;
        let new = FirmwareCommand::new(table.into_inner()).map_err(|problem| at(start, &problem))?;
        if commands.iter().any(|known| (&known.kind, &known.name) == (&new.kind, &new.name)) {
            return Err(at(start, &format!("the type {} has the command {} already", new.kind, new.name)));
        }
        commands.push(new);
    }
    Ok(commands)
}

fn index(rules: &[Rule]) -> Index {
    let both = |(number, rule)| patterns(rule).map(move |pattern| (number, pattern));
    Index::new(rules.iter().enumerate().flat_map(both))
}

fn patterns(rule: &Rule) -> impl Iterator<Item = &Pattern> {
    [&rule.pattern].into_iter().chain(&rule.dotless)
}

/// What a message announces, of which no more is taken than of another.
fn announced(message: &Message, announces: Announces, announcements: &Announcements) -> Decoded {
    let mut decoded = message.without_readings();
    if message.payload.len() <= MAX_PAYLOAD_BYTES {
        let around = Around { topic: &message.topic, received_at: message.received_at, announcements };
        let mut parsed = Parsed::default();
        for announcement in
            announce::announcements(announces, &message.topic, &message.payload, message.received_at)
        {
            parsed.learn(announcement, &around);
        }
        add_metadata(&mut decoded, parsed);
    }
    decoded
}

/// Returns the values.
fn add_metadata(decoded: &mut Decoded, parsed: Parsed) -> Vec<Value> {
    let Parsed { roots, announced: announcements, refused } = parsed;
    if !announcements.is_empty() || refused > 0 {
        let metadata = decoded.metadata.get_or_insert_default();
        metadata.announcements = announcements;
        metadata.refused_announcements = refused;
    }
    roots
}

fn read(message: &Message, extraction: &Extraction<'_>, now: Timestamp) -> Decoded {
    let mut decoded = message.without_readings();
    let reject = |reason: String, payload: Bytes| Rejected {
        topic: message.topic.clone(),
        payload,
        reason,
        received_at: message.received_at,
    };
    let roots = match parse(message, extraction) {
        Ok(parsed) => add_metadata(&mut decoded, parsed),
        Err(reason) => {
            decoded.rejected.push(reject(reason, message.payload.clone()));
            return decoded;
        }
    };
    let (count, mut earlier) = (roots.len(), Earlier::new());
    add_attributes(&mut decoded, extraction, &roots);
    for (index, root) in roots.iter().enumerate() {
        let found = extraction.readings(root).and_then(|found| complete(message, found, &mut earlier, now));
        match found {
            Ok(readings) => decoded.readings.extend(readings),
            Err(reason) if count == 1 => decoded.rejected.push(reject(reason, message.payload.clone())),
            Err(reason) => {
                let element = Bytes::from(root.to_string());
                decoded.rejected.push(reject(format!("{}: {reason}", Element { index, count }), element));
            }
        }
    }
    decoded
}

fn add_attributes(decoded: &mut Decoded, extraction: &Extraction<'_>, roots: &[Value]) {
    let mut attributes = Attributes::default();
    roots.iter().for_each(|root| attributes.add(extraction, root));
    if !attributes.found.is_empty() || attributes.refused > 0 {
        let metadata = decoded.metadata.get_or_insert_default();
        metadata.attributes = attributes.found;
        metadata.refused_attributes = attributes.refused;
    }
}

fn parse(message: &Message, extraction: &Extraction<'_>) -> Result<Parsed, String> {
    if message.payload.len() > MAX_PAYLOAD_BYTES {
        return Err(format!(
            "the payload has {} bytes: at most {MAX_PAYLOAD_BYTES} are accepted",
            message.payload.len()
        ));
    }
    let announcements = extraction.announcements;
    let around = Around { topic: &message.topic, received_at: message.received_at, announcements };
    format::parse(extraction.rule.format, &message.payload, &around)
}

/// How many readings of each series came before in a list.
type Earlier = HashMap<Series, usize>;

/// Readings of one series without a time in one list are a microsecond apart, as those of our own format.
fn complete(
    message: &Message,
    found: Vec<Found>,
    earlier: &mut Earlier,
    now: Timestamp,
) -> Result<Vec<crate::Reading>, String> {
    let complete = |Found { series, value, unit, measured_at }| {
        let count = earlier.entry(series.clone()).or_default();
        *count += 1;
        let raw = RawReading { value, unit, measured_at, boot: None, seq: None };
        message.reading(series, raw, *count - 1, now)
    };
    found.into_iter().map(complete).collect()
}

#[cfg(test)]
mod tests;
