//! Rules as they are applied: everything that a file may leave out is filled in.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::dictionary::{split_at_word, word_of};
use super::file::{FullName, Name, Names, NamesOf, RuleTable, TakeTable, UnitOf};
use super::format::Format;
use super::pattern::Pattern;
use super::pointer::{Glob, Pointer};
use super::template::Template;

/// Most parts that one rule takes readings from.
const MAX_TAKES: usize = 16;

/// What is done with the messages on some topics.
#[derive(Debug)]
pub(super) struct Rule {
    /// The preset that it is from; none for a rule of the user.
    pub(super) preset: Option<&'static str>,
    pub(super) pattern: Pattern,
    pub(super) format: Format,
    /// Empty: the messages are ignored.
    pub(super) takes: Vec<Take>,
    pub(super) only_known: Option<String>,
    pub(super) zone: Option<TimeZone>,
    pub(super) time_format: Option<String>,
    pub(super) words: BTreeMap<String, f64>,
    pub(super) none: Vec<f64>,
    pub(super) usual_units: bool,
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
        let takes = if table.ignore { Vec::new() } else { takes(&table, &pattern)? };
        Ok(Self {
            preset,
            pattern,
            format: table.format,
            takes,
            only_known: table.only_known,
            zone: table.zone.map(|zone| zone.0).or_else(|| zone.cloned()),
            time_format: table.time_format,
            words: table.words,
            none: table.none,
            usual_units: table.usual_units,
            names,
        })
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

    /// The canonical name, where the rule is only for metrics that have one. The other way round, the rule is not for
    /// this message.
    pub(super) fn known<'a>(&self, level: Option<&'a str>) -> Option<&'a str> {
        word_of(level?).map(|word| word.metric)
    }
}

/// `living_room_temperature` of the device `hall` is the temperature of `hall/living_room`.
pub(super) fn split(name: &str) -> Option<(&str, &'static str)> {
    split_at_word(name).map(|(place, word)| (place, word.metric))
}

fn takes(table: &RuleTable, pattern: &Pattern) -> Result<Vec<Take>, String> {
    let whole = TakeTable {
        at: table.at.clone(),
        except: table.except.clone(),
        only: table.only.clone(),
        skip: table.skip.clone(),
        device: table.device.clone(),
        metric: table.metric.clone(),
        bare: table.bare.clone(),
        split: table.split.clone(),
        value: table.value.clone(),
        unit: table.unit.clone(),
        time: table.time.clone(),
        need: table.need.clone(),
        constant: table.constant.clone(),
    };
    if table.take.is_empty() {
        return Ok(vec![Take::new(whole, pattern)?]);
    }
    let parts = table.take.iter().map(|part| Take::new(part.clone().over(&whole), pattern));
    parts.collect()
}

impl TakeTable {
    /// Takes what it does not say from what the rule says.
    fn over(self, rule: &Self) -> Self {
        Self {
            at: self.at.or_else(|| rule.at.clone()),
            except: self.except.or_else(|| rule.except.clone()),
            only: self.only.or_else(|| rule.only.clone()),
            skip: self.skip.or_else(|| rule.skip.clone()),
            device: self.device.or_else(|| rule.device.clone()),
            metric: self.metric.or_else(|| rule.metric.clone()),
            bare: self.bare.or_else(|| rule.bare.clone()),
            split: self.split.or_else(|| rule.split.clone()),
            value: self.value.or_else(|| rule.value.clone()),
            unit: self.unit.or_else(|| rule.unit.clone()),
            time: self.time.or_else(|| rule.time.clone()),
            need: self.need.or_else(|| rule.need.clone()),
            constant: self.constant.or_else(|| rule.constant.clone()),
        }
    }
}

impl Take {
    fn new(table: TakeTable, pattern: &Pattern) -> Result<Self, String> {
        let device = table.device.ok_or("device is missing: write for example device = \"{device}\"")?;
        for template in [Some(&device), table.metric.as_ref(), table.bare.as_ref()].into_iter().flatten() {
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
