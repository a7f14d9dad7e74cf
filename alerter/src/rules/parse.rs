//! Reads a file of rules; a bad one is refused whole, with every place that is wrong and what to write there.

mod active;
mod condition;
mod limit;
mod problem;
mod recipients;
mod rule;
mod section;

use std::time::Duration;

use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use problem::Problems;
use recipients::Recipients;
use section::{Section, Zero};

use super::rule::{Grouping, Rule, Rules};

pub use problem::RulesError;

/// The rules in force where no file is named, and the list of all keys there are.
pub const DEFAULT: &str = include_str!("../../rules/rules.toml");

const KEYS: [&str; 6] =
    ["group_wait", "group_max", "max_mails_per_hour", "max_unusual", "recipients", "rules"];

/// Series that are watched for unusual values, where the file does not say how many.
const MAX_UNUSUAL: u32 = 1_000;

/// The error for a file without rules: it was cut off, or is not the one that was meant, and would end all incidents.
const NO_RULES: &str =
    "there are no rules: write [[rules]] before each rule, or rules = [] if nothing is to be watched";

/// What a file of rules may take for granted.
#[derive(Debug, Clone)]
pub struct Known {
    /// Names of the metrics that are collected; empty if all are.
    pub metrics: Vec<String>,
    /// The recipients of rules that name none.
    pub mail_to: Vec<String>,
    /// Of recipients and hours that name none.
    pub zone: TimeZone,
}

/// Reads and checks a file of rules.
///
/// # Errors
/// Names every place that is wrong; keep the rules in force.
pub fn read(text: &str, known: &Known) -> Result<Rules, RulesError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let problems = Problems::new(text);
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        problems.add(start, error.message().lines().collect::<Vec<_>>().join(", "));
    }
    // What stands around a syntax error is anybody's guess.
    problems.check()?;
    let rules = read_table(&table, known, &problems);
    problems.check()?;
    Ok(rules)
}

/// Reads [`DEFAULT`]; a metric that it watches need not be collected.
///
/// # Errors
/// None but by a mistake in the file that is compiled in.
pub fn read_default(known: &Known) -> Result<Rules, RulesError> {
    let mut known = known.clone();
    known.metrics.push("temperature".into());
    read(DEFAULT, &known)
}

fn read_table<'a>(table: &'a Spanned<DeTable<'a>>, known: &Known, problems: &Problems<'a>) -> Rules {
    let top = Section::open(table.get_ref(), table.span(), String::new(), &KEYS, problems);
    let grouping = grouping(&top);
    let mut recipients = Recipients::read(&top, known);
    let mut rules: Vec<Rule> = Vec::new();
    for (table, span) in top.tables("rules") {
        let Some(rule) = rule::read(table, span.clone(), known, &mut recipients, problems) else { continue };
        if rules.iter().any(|other| other.name == rule.name) {
            let name = &rule.name;
            problems.add(span.start, format!("two rules are called {name:?}: give each a name of its own"));
        }
        rules.push(rule);
    }
    if !top.has("rules") && problems.is_empty() {
        problems.add(0, NO_RULES.to_owned());
    }
    let max_unusual = whole_number(&top, "max_unusual", "1000").unwrap_or(MAX_UNUSUAL);
    Rules { rules, recipients: recipients.named, grouping, max_unusual }
}

fn grouping(top: &Section<'_, '_>) -> Grouping {
    let duration = |key, default, zero| top.duration(key, zero).map_or(default, Spanned::into_inner);
    let group_wait = duration("group_wait", Duration::from_secs(5), Zero::Allowed);
    let group_max = duration("group_max", Duration::from_mins(1), Zero::Refused);
    if group_wait > group_max {
        let [wait, max] = [group_wait, group_max].map(humantime::format_duration);
        top.refuse(
            "group_wait",
            format!("group_wait {wait} is longer than group_max {max}: write at most {max}"),
        );
    }
    Grouping {
        group_wait,
        group_max,
        max_mails_per_hour: whole_number(top, "max_mails_per_hour", "20").unwrap_or(20),
    }
}

fn whole_number(top: &Section<'_, '_>, key: &str, example: &str) -> Option<u32> {
    let value = top.value(key)?;
    let number = match value.get_ref() {
        DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    let number = number.filter(|&number| number > 0);
    if number.is_none() {
        top.refuse(key, format!("{key} is no whole number of at least 1: write for example {example}"));
    }
    number
}
