//! When a rule is broken.

use std::time::Duration;

use toml::Spanned;

use super::section::{Section, Zero};
use crate::rules::rule::Condition;

const CONDITIONS: [&str; 6] = ["above", "below", "outside", "rate_per_minute", "absent_for", "stuck_for"];

/// Keys that only some conditions have.
const EXTRAS: [&str; 5] = ["clear_below", "clear_above", "over", "for", "keep_firing_for"];

pub(super) fn read(section: &Section<'_, '_>) -> Option<Condition> {
    let said: Vec<_> = CONDITIONS.into_iter().filter(|key| section.has(key)).collect();
    let condition = match said[..] {
        [condition] => condition,
        [] => {
            section.refuse("", format!("there is no condition: write one of {}", CONDITIONS.join(", ")));
            return None;
        }
        [_, second, ..] => {
            let said = said.join(" and ");
            section.refuse(
                second,
                format!("{said} are several conditions: keep one and make a rule of each other"),
            );
            return None;
        }
    };
    let extras: &[&str] = match condition {
        "above" => &["clear_below", "for", "keep_firing_for"],
        "below" => &["clear_above", "for", "keep_firing_for"],
        "outside" => &["clear_below", "clear_above", "for", "keep_firing_for"],
        "rate_per_minute" => &["clear_below", "over", "for", "keep_firing_for"],
        _ => &[],
    };
    for extra in EXTRAS.into_iter().filter(|extra| !extras.contains(extra)) {
        section.refuse_beside(extra, condition);
    }
    one(section, condition)
}

fn one(section: &Section<'_, '_>, condition: &str) -> Option<Condition> {
    let after = |key| section.duration(key, Zero::Refused).map(Spanned::into_inner);
    match condition {
        "above" => above(section),
        "below" => below(section),
        "outside" => outside(section),
        "rate_per_minute" => rate(section),
        "absent_for" => Some(Condition::Absent { after: after("absent_for")? }),
        _ => Some(Condition::Stuck { after: after("stuck_for")? }),
    }
}

fn above(section: &Section<'_, '_>) -> Option<Condition> {
    let limit = section.number("above")?;
    let clear_below = section.number("clear_below");
    at_most(section, "clear_below", clear_below, "the limit", limit);
    Some(Condition::Above { limit, clear_below })
}

fn below(section: &Section<'_, '_>) -> Option<Condition> {
    let limit = section.number("below")?;
    let clear_above = section.number("clear_above");
    at_least(section, "clear_above", clear_above, "the limit", limit);
    Some(Condition::Below { limit, clear_above })
}

fn outside(section: &Section<'_, '_>) -> Option<Condition> {
    let [low, high] = section.two_numbers("outside")?;
    if low >= high {
        section.refuse("outside", format!("outside has {low} before {high}: write the lower limit first"));
        return None;
    }
    let clear_above = section.number("clear_above");
    let clear_below = section.number("clear_below");
    at_least(section, "clear_above", clear_above, "the lower limit", low);
    at_most(section, "clear_below", clear_below, "the upper limit", high);
    let clear_from = clear_above.unwrap_or(low).max(low);
    let clear_to = clear_below.unwrap_or(high).min(high);
    if clear_from > clear_to {
        let (key, bound) =
            if clear_above.is_some() { ("clear_above", "at most") } else { ("clear_below", "at least") };
        let (is, other) = if clear_above.is_some() { (clear_from, clear_to) } else { (clear_to, clear_from) };
        section
            .refuse(key, format!("{key} {is} leaves no value that ends an incident: write {bound} {other}"));
    }
    Some(Condition::Outside { low, high, clear_above, clear_below })
}

fn rate(section: &Section<'_, '_>) -> Option<Condition> {
    let above_zero = |key| {
        let number = section.number(key)?;
        if number <= 0.0 {
            section.refuse(key, format!("{key} is {number}: write a change above 0; it counts up and down"));
        }
        Some(number)
    };
    let clear_below = above_zero("clear_below");
    let over = section.duration("over", Zero::Refused).map_or(Duration::from_mins(1), Spanned::into_inner);
    let per_minute = above_zero("rate_per_minute")?;
    at_most(section, "clear_below", clear_below, "the limit", per_minute);
    Some(Condition::Rate { per_minute, clear_below, over })
}

fn at_most(section: &Section<'_, '_>, key: &str, value: Option<f64>, of: &str, limit: f64) {
    if let Some(value) = value.filter(|&value| value > limit) {
        section.refuse(key, format!("{key} {value} is above {of} {limit}: write a value of at most {limit}"));
    }
}

fn at_least(section: &Section<'_, '_>, key: &str, value: Option<f64>, of: &str, limit: f64) {
    if let Some(value) = value.filter(|&value| value < limit) {
        section
            .refuse(key, format!("{key} {value} is below {of} {limit}: write a value of at least {limit}"));
    }
}
