//! Limits, as numbers in the unit of their rule.

use telemetry::Unit;
use toml::Spanned;
use toml::de::DeValue;

use super::section::{Section, number};

/// The unit in which a rule's limits are compared; and how its limits are read.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) unit: Option<&'static Unit>,
    /// Whether the key `unit` says so, and limits without a unit have it.
    is_said: bool,
    convert: Convert,
}

/// Converts a value, or a difference of two.
type Convert = fn(&'static Unit, f64, &'static Unit) -> Option<f64>;

/// A limit as it is written.
struct Written {
    value: f64,
    unit: Option<&'static Unit>,
}

impl Limits {
    /// The unit of the key `unit`, or else of the first limit that is written with one.
    pub(super) fn of(section: &Section<'_, '_>, condition: &str) -> Self {
        let said = section.text("unit");
        let unit = said.and_then(Unit::of);
        if let (Some(said), None) = (said, unit) {
            section.refuse("unit", unknown(said));
        }
        // A time such as "2m" is no limit in metres.
        let keys = [condition, "clear_below", "clear_above"];
        let limits = keys.into_iter().filter(|key| !key.ends_with("_for"));
        let written = limits.into_iter().find_map(|key| first_unit(section, key));
        let convert: Convert =
            if condition == "rate_per_minute" { Unit::convert_difference } else { Unit::convert };
        Self { unit: unit.or(written), is_said: section.has("unit"), convert }
    }

    pub(super) fn number(self, section: &Section<'_, '_>, key: &str) -> Option<f64> {
        let value = section.value(key)?;
        if value.get_ref().as_str().is_none() && self.is_bare_allowed() {
            return section.number(key);
        }
        self.read(value).map_err(|problem| section.refuse(key, format!("{key} {problem}"))).ok()
    }

    pub(super) fn two_numbers(self, section: &Section<'_, '_>, key: &str) -> Option<[f64; 2]> {
        let values = section.value(key)?.get_ref().as_array().map(|values| values.iter().collect::<Vec<_>>());
        let with_unit =
            values.as_ref().is_some_and(|all| all.iter().any(|one| one.get_ref().as_str().is_some()));
        let Some(values) = values.filter(|all| all.len() == 2 && (with_unit || !self.is_bare_allowed()))
        else {
            return section.two_numbers(key);
        };
        let read = |value: &Spanned<DeValue<'_>>| {
            self.read(value)
                .map_err(|problem| section.refuse_at(value.span().start, format!("{key} {problem}")))
                .ok()
        };
        let (low, high) = (read(values[0]), read(values[1]));
        Some([low?, high?])
    }

    /// Whether a limit may have no unit: where no other has one, or where the rule says which it is.
    fn is_bare_allowed(self) -> bool {
        self.is_said || self.unit.is_none()
    }

    fn read(self, value: &Spanned<DeValue<'_>>) -> Result<f64, String> {
        let Written { value, unit } = written(value)?;
        match (unit, self.unit) {
            (Some(unit), Some(of_rule)) => (self.convert)(unit, value, of_rule).ok_or_else(|| {
                format!(
                    "is in {} and the rule in {}: write a unit that measures the same",
                    unit.sign, of_rule.sign
                )
            }),
            (None, Some(of_rule)) if !self.is_said => {
                Err(format!("has no unit, but another limit has: write it like \"{value} {}\"", of_rule.sign))
            }
            _ => Ok(value),
        }
    }
}

fn first_unit(section: &Section<'_, '_>, key: &str) -> Option<&'static Unit> {
    let value = section.value(key)?;
    let all = value.get_ref().as_array().map_or_else(|| vec![value], |values| values.iter().collect());
    all.into_iter().find_map(|value| written(value).ok()?.unit)
}

fn written(value: &Spanned<DeValue<'_>>) -> Result<Written, String> {
    const NO_NUMBER: &str = "is no finite number: write one such as 25.0, or with a unit \"25 °C\"";
    let Some(text) = value.get_ref().as_str() else {
        return number(value).map(|value| Written { value, unit: None }).ok_or_else(|| NO_NUMBER.to_owned());
    };
    let (figure, unit) = split(text.trim()).ok_or(NO_NUMBER)?;
    let value = figure.parse().ok().filter(|value: &f64| value.is_finite()).ok_or(NO_NUMBER)?;
    let unit = Unit::of(unit).ok_or_else(|| format!("{text:?}: {}", unknown(unit)))?;
    Ok(Written { value, unit: Some(unit) })
}

/// A number, and the unit behind it.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some((figure, unit)) = text.split_once(char::is_whitespace) {
        return Some((figure, unit.trim_start()));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-'))?;
    Some(text.split_at(end))
}

fn unknown(unit: &str) -> String {
    format!("{unit:?} is no unit that is known: write one such as celsius, fahrenheit, percent, hPa or kWh")
}
