//! When a rule is broken.

use std::time::Duration;

use telemetry::Unit;
use toml::Spanned;

use super::limit::Limits;
use super::section::{Section, Zero};
use crate::rules::rule::Condition;

const CONDITIONS: [&str; 7] =
    ["above", "below", "outside", "rate_per_minute", "absent_for", "stuck_for", "unusual"];

/// How little a value must be unusual where a rule does not say.
const SENSITIVITY: f64 = 0.5;

/// Keys that only some conditions have.
const EXTRAS: [&str; 6] = ["clear_below", "clear_above", "over", "for", "keep_firing_for", "unit"];

/// The condition, and the unit of its limits.
pub(super) fn read(section: &Section<'_, '_>) -> Option<(Condition, Option<&'static Unit>)> {
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
        "above" => &["clear_below", "for", "keep_firing_for", "unit"],
        "below" => &["clear_above", "for", "keep_firing_for", "unit"],
        "outside" => &["clear_below", "clear_above", "for", "keep_firing_for", "unit"],
        "unusual" => &["for", "keep_firing_for"],
        "rate_per_minute" => &["clear_below", "over", "for", "keep_firing_for", "unit"],
        _ => &[],
    };
    for extra in EXTRAS.into_iter().filter(|extra| !extras.contains(extra)) {
        section.refuse_beside(extra, condition);
    }
    let limits = Limits::of(section, condition);
    Some((one(section, condition, limits)?, limits.unit))
}

fn one(section: &Section<'_, '_>, condition: &str, limits: Limits) -> Option<Condition> {
    let after = |key| section.duration(key, Zero::Refused).map(Spanned::into_inner);
    match condition {
        "above" => above(section, limits),
        "below" => below(section, limits),
        "outside" => outside(section, limits),
        "rate_per_minute" => rate(section, limits),
        "absent_for" => Some(Condition::Absent { after: after("absent_for")? }),
        "unusual" => unusual(section),
        _ => Some(Condition::Stuck { after: after("stuck_for")? }),
    }
}

fn unusual(section: &Section<'_, '_>) -> Option<Condition> {
    let (table, span) = section.table("unusual")?;
    let inner = section.below("unusual", table, span, &["sensitivity"]);
    let sensitivity = if inner.has("sensitivity") { inner.number("sensitivity")? } else { SENSITIVITY };
    if !(sensitivity > 0.0 && sensitivity < 1.0) {
        inner.refuse(
            "sensitivity",
            format!("sensitivity is {sensitivity}: write a number between 0 and 1; 0.5 is usual"),
        );
        return None;
    }
    Some(Condition::Unusual { sensitivity, usual: None })
}

fn above(section: &Section<'_, '_>, limits: Limits) -> Option<Condition> {
    let limit = limits.number(section, "above")?;
    let clear_below = limits.number(section, "clear_below");
    at_most(section, "clear_below", clear_below, "the limit", limit);
    Some(Condition::Above { limit, clear_below })
}

fn below(section: &Section<'_, '_>, limits: Limits) -> Option<Condition> {
    let limit = limits.number(section, "below")?;
    let clear_above = limits.number(section, "clear_above");
    at_least(section, "clear_above", clear_above, "the limit", limit);
    Some(Condition::Below { limit, clear_above })
}

fn outside(section: &Section<'_, '_>, limits: Limits) -> Option<Condition> {
    let [low, high] = limits.two_numbers(section, "outside")?;
    if low >= high {
        section.refuse("outside", format!("outside has {low} before {high}: write the lower limit first"));
        return None;
    }
    let clear_above = limits.number(section, "clear_above");
    let clear_below = limits.number(section, "clear_below");
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

fn rate(section: &Section<'_, '_>, limits: Limits) -> Option<Condition> {
    let above_zero = |key| {
        let number = limits.number(section, key)?;
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
