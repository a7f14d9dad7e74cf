//! Rules as they are applied: everything that a file may leave out is filled in.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::RuleName;
use super::announce::Announces;
use super::file::{FullName, Name, Names, NamesOf, RuleTable, TakeTable, UnitOf};
use super::format::Format;
use super::name;
use super::pattern::Pattern;
use super::pointer::{Glob, Pointer};
use super::template::Template;
use crate::Words;

/// Most parts that one rule takes readings from.
const MAX_TAKES: usize = 16;

/// Most attributes that one part of a rule names.
const MAX_ATTRIBUTES: usize = 32;

/// What is done with the messages on some topics.
#[derive(Debug)]
pub(super) struct Rule {
    /// The preset that it is from; none for a rule of the user.
    pub(super) preset: Option<&'static str>,
    pub(super) pattern: Pattern,
    /// The pattern for topics whose dots have become slashes, if it has any.
    pub(super) dotless: Option<Pattern>,
    pub(super) format: Format,
    /// Empty: the messages are ignored, or only announce something.
    pub(super) takes: Vec<Take>,
    pub(super) announces: Option<Announces>,
    pub(super) announced_units: bool,
    pub(super) only_known: Option<String>,
    pub(super) zone: Option<TimeZone>,
    pub(super) time_format: Option<String>,
    pub(super) words: BTreeMap<String, f64>,
    pub(super) none: Vec<f64>,
    pub(super) usual_units: bool,
    pub(super) lists: bool,
    names: BTreeMap<String, Name>,
}

/// One part of a payload, and what its values become.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) at: Option<Pointer>,
    pub(super) except: Vec<String>,
    only: Vec<Glob>,
    skip: Vec<Glob>,
    pub(super) device: Template,
    pub(super) metric: Option<Template>,
    pub(super) bare: Option<Template>,
    pub(super) split: Option<String>,
    pub(super) value: Option<Pointer>,
    pub(super) unit: Option<UnitOf>,
    pub(super) time: Option<Pointer>,
    need: BTreeMap<Pointer, Value>,
    pub(super) constant: BTreeMap<String, f64>,
    pub(super) attributes: BTreeMap<Template, Pointer>,
}

impl Rule {
    pub(super) fn new(
        table: RuleTable,
        preset: Option<&'static str>,
        shared: &BTreeMap<String, Names>,
        zone: Option<&TimeZone>,
    ) -> Result<Self, String> {
        let pattern = table.topic.get_ref().clone();
        let names = match &table.names {
            None => Names::new(),
            Some(NamesOf::Here(names)) => names.clone(),
            Some(NamesOf::Called(name)) => {
                shared.get(name).ok_or_else(|| format!("there is no [names.{name}]"))?.clone()
            }
        };
        if table.take.len() > MAX_TAKES {
            return Err(format!("{} takes in one rule: at most {MAX_TAKES}", table.take.len()));
        }
        let holds_no_readings = table.ignore || table.announces.is_some();
        let takes = if holds_no_readings { Vec::new() } else { takes(&table, &pattern)? };
        Ok(Self {
            preset,
            dotless: pattern.with_slashes_for_dots(),
            pattern,
            format: table.format,
            takes,
            announces: table.announces,
            announced_units: table.announced_units,
            only_known: table.only_known,
            zone: table.zone.map(|zone| zone.0).or_else(|| zone.cloned()),
            time_format: table.time_format,
            words: table.words,
            none: table.none,
            usual_units: table.usual_units,
            lists: table.lists,
            names,
        })
    }

    pub(super) fn called(&self) -> RuleName {
        RuleName { preset: self.preset, topic: self.pattern.text() }
    }

    /// Adds the words of its values, as far as the rule says of which metric they are.
    pub(super) fn add_words(&self, words: &mut Words) {
        for (path, name) in &self.names {
            if let Name::Full(FullName { metric, words: own, .. }) = name {
                words.add(&metric.clone().unwrap_or_else(|| name::metric(path)), own);
            }
        }
        let metrics = self.takes.iter().flat_map(|take| [&take.metric, &take.bare]).flatten();
        for metric in metrics.filter_map(Template::literal) {
            words.add(metric, &self.words);
        }
    }

    /// What becomes of the value at this path; nothing if it is left out.
    pub(super) fn name(&self, path: &str) -> Option<FullName> {
        match self.names.get(path) {
            None => Some(FullName::default()),
            Some(Name::Metric(skip)) if skip == "skip" => None,
            Some(Name::Metric(metric)) => {
                Some(FullName { metric: Some(metric.clone()), ..FullName::default() })
            }
            Some(Name::Full(name)) => Some(name.clone()),
        }
    }
}

fn takes(table: &RuleTable, pattern: &Pattern) -> Result<Vec<Take>, String> {
    if table.take.is_empty() {
        return Ok(vec![Take::new(table.completed(&TakeTable::default()), pattern)?]);
    }
    table.take.iter().map(|take| Take::new(table.completed(take), pattern)).collect()
}

impl Take {
    fn new(table: TakeTable, pattern: &Pattern) -> Result<Self, String> {
        let device = table.device.ok_or("device is missing: write for example device = \"{device}\"")?;
        let named = table.attributes.iter().flat_map(BTreeMap::keys);
        if named.clone().count() > MAX_ATTRIBUTES {
            return Err(format!("more than {MAX_ATTRIBUTES} attributes in one part of a rule"));
        }
        let names = [Some(&device), table.metric.as_ref(), table.bare.as_ref()].into_iter().flatten();
        for template in names.chain(named) {
            template.check(pattern)?;
        }
        if let Some(level) = table.split.as_ref().filter(|level| !pattern.names(level)) {
            return Err(format!("split: {{{level}}} is no level of {}", pattern.as_str()));
        }
        if table.value.is_some() && table.metric.is_none() {
            return Err("a rule with a value needs a metric: write for example metric = \"{./name}\"".into());
        }
        Ok(Self {
            at: table.at,
            except: table.except.unwrap_or_default(),
            only: table.only.unwrap_or_default(),
            skip: table.skip.unwrap_or_default(),
            device,
            metric: table.metric,
            bare: table.bare,
            split: table.split,
            value: table.value,
            unit: table.unit,
            time: table.time,
            need: table.need.unwrap_or_default(),
            constant: table.constant.unwrap_or_default(),
            attributes: table.attributes.unwrap_or_default(),
        })
    }

    /// Whether the value at this path below the place is taken.
    pub(super) fn wants(&self, path: &[&str]) -> bool {
        (self.only.is_empty() || self.only.iter().any(|glob| glob.matches(path)))
            && !self.skip.iter().any(|glob| glob.matches(path))
    }

    /// Whether what the rule asks for stands in the payload.
    pub(super) fn is_met(&self, place: &super::pointer::Place<'_>) -> bool {
        self.need.iter().all(|(path, needed)| path.find_near(place).is_some_and(|value| equal(value, needed)))
    }
}

fn equal(value: &Value, needed: &Value) -> bool {
    match (value.as_f64(), needed.as_f64()) {
        (Some(value), Some(needed)) => value == needed,
        _ => value == needed,
    }
}
