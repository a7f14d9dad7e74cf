//! One rule of the file.

use std::ops::Range;
use std::time::Duration;

use store::{Address, Severity};
use telemetry::{Filter, Series};
use toml::Spanned;
use toml::de::DeTable;

use super::problem::Problems;
use super::recipients::{Recipients, name_problem};
use super::section::{Section, Zero};
use super::{Known, active, condition};
use crate::rules::rule::{Condition, Rule};

const KEYS: [&str; 21] = [
    "name",
    "metric",
    "device",
    "above",
    "below",
    "outside",
    "rate_per_minute",
    "unit",
    "absent_for",
    "stuck_for",
    "unusual",
    "clear_below",
    "clear_above",
    "over",
    "for",
    "keep_firing_for",
    "severity",
    "recipients",
    "repeat",
    "active",
    "expect",
];

/// None where a problem leaves no rule to go on with.
pub(super) fn read<'a>(
    table: &'a DeTable<'a>,
    span: Range<usize>,
    known: &Known,
    recipients: &mut Recipients,
    problems: &Problems<'a>,
) -> Option<Rule> {
    let said = table.get("name").and_then(|name| name.get_ref().as_str());
    let title = said.map_or("rule without a name".into(), |name| format!("rule {name:?}"));
    let section = Section::open(table, span, title, &KEYS, problems);
    let name = name(&section);
    let metric = metric(&section, known);
    let device = device(&section);
    let condition = condition::read(&section);
    let to = to(&section, known, recipients);
    let duration = |key, zero| section.duration(key, zero).map(Spanned::into_inner);
    let mut rule = Rule {
        name: name?,
        metric: metric.map(str::to_owned),
        device: device.unwrap_or_else(Filter::all),
        pending_for: duration("for", Zero::Allowed).unwrap_or(Duration::ZERO),
        keep_firing_for: duration("keep_firing_for", Zero::Allowed).unwrap_or_else(|| quiet_for(&section)),
        severity: severity(&section),
        to,
        repeat: duration("repeat", Zero::Refused),
        active: active::read(&section, known),
        condition: condition?.0,
        unit: condition?.1,
        expect: Vec::new(),
    };
    rule.expect = expect(&section, &rule);
    Some(rule)
}

/// What is unusual comes and goes: its incident ends after a quarter of an hour without it, where the rule says nothing.
fn quiet_for(section: &Section<'_, '_>) -> Duration {
    if section.has("unusual") { Duration::from_mins(15) } else { Duration::ZERO }
}

fn name(section: &Section<'_, '_>) -> Option<String> {
    if !section.has("name") {
        section.refuse("name", "there is no name: write for example name = \"temperature-high\"");
    }
    let name = section.text("name")?;
    if let Some(problem) = name_problem(name) {
        section.refuse("name", problem);
    }
    Some(name.to_owned())
}

fn metric<'a>(section: &Section<'a, '_>, known: &Known) -> Option<&'a str> {
    let metric = section.text("metric")?;
    if !known.metrics.is_empty() && !known.metrics.iter().any(|known| known == metric) {
        let there = known.metrics.join(", ");
        section.refuse("metric", format!("the metric {metric:?} is not collected: write one of {there}"));
    }
    Some(metric)
}

fn device(section: &Section<'_, '_>) -> Option<Filter> {
    let text = section.text("device")?;
    match text.parse::<Filter>() {
        Ok(filter) => {
            // A metric's name is at least one character, and the slash another.
            if filter.literal().is_some_and(|device| Series::new("m", device).is_err()) {
                section.refuse("device", "the device is longer than any topic: write a shorter one");
            }
            Some(filter)
        }
        Err(problem) => {
            section.refuse(
                "device",
                format!("device {text:?} can match nothing: {}", of_device(&problem.to_string())),
            );
            None
        }
    }
}

/// The words are those of topics.
fn of_device(problem: &str) -> String {
    problem.replace("the topic has", "it has").replace("the topic is", "it is")
}

fn severity(section: &Section<'_, '_>) -> Severity {
    match section.text("severity") {
        None | Some("warning") => Severity::Warning,
        Some("info") => Severity::Info,
        Some("critical") => Severity::Critical,
        Some(other) => {
            section.refuse("severity", format!("{other:?} is no severity: write info, warning or critical"));
            Severity::Warning
        }
    }
}

fn to(section: &Section<'_, '_>, known: &Known, recipients: &mut Recipients) -> Vec<Address> {
    let mut to: Vec<Address> = Vec::new();
    if !section.has("recipients") {
        to.extend(known.mail_to.iter().map(|address| recipients.mail_to(address)));
    }
    for said in section.texts("recipients").unwrap_or_default() {
        match recipients.resolve(said.get_ref()) {
            Ok(address) => to.push(address),
            Err(problem) => section.refuse_at(said.span().start, problem),
        }
    }
    let mut seen = std::collections::HashSet::new();
    to.retain(|address| seen.insert(address.clone()));
    to
}

/// A device that is named is expected without being asked for.
fn expect(section: &Section<'_, '_>, rule: &Rule) -> Vec<Series> {
    let absent = matches!(rule.condition, Condition::Absent { .. });
    let said = section.texts("expect").unwrap_or_default();
    let Some(metric) = rule.metric.as_deref().filter(|_| absent) else {
        if section.has("expect") {
            section.refuse("expect", "expect goes with absent_for and a metric: add both or remove it");
        }
        return Vec::new();
    };
    let named = rule.device.literal().and_then(|device| Series::new(metric, device).ok());
    let mut expected: Vec<Series> = named.into_iter().collect();
    for device in said {
        match expected_topic(rule, metric, device.get_ref()) {
            Ok(topic) if expected.contains(&topic) => {}
            Ok(topic) => expected.push(topic),
            Err(problem) => section.refuse_at(device.span().start, format!("expect: {problem}")),
        }
    }
    expected
}

fn expected_topic(rule: &Rule, metric: &str, device: &str) -> Result<Series, String> {
    let topic = Series::new(metric, device)
        .map_err(|problem| format!("{device:?} is no device: {}", of_device(&problem.to_string())))?;
    if !rule.device.matches(device) {
        return Err(format!("the rule does not watch {device}: write one that {} matches", rule.device));
    }
    Ok(topic)
}
