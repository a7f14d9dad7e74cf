//! One table of the file: its values, each checked for its type.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problems;

/// Longer times are mistakes, and would leave the years that can be written.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A table of which every key is known.
pub(super) struct Section<'a, 'p> {
    table: &'a DeTable<'a>,
    span: Range<usize>,
    /// Stands before each problem, such as `rule "hot"`.
    name: String,
    problems: &'p Problems<'a>,
}

/// Whether a duration may be zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    Allowed,
    Refused,
}

impl<'a, 'p> Section<'a, 'p> {
    /// Refuses keys that are not among these.
    pub(super) fn open(
        table: &'a DeTable<'a>,
        span: Range<usize>,
        name: String,
        keys: &[&str],
        problems: &'p Problems<'a>,
    ) -> Self {
        let section = Self { table, span, name, problems };
        for key in table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref())) {
            let (name, there) = (key.get_ref(), keys.join(", "));
            section.refuse_at(key.span().start, format!("unknown key {name:?}: here there are {there}"));
        }
        section
    }

    /// A table within this one.
    pub(super) fn below(&self, key: &str, table: &'a DeTable<'a>, span: Range<usize>, keys: &[&str]) -> Self {
        let colon = if self.name.is_empty() { "" } else { ": " };
        Self::open(table, span, format!("{}{colon}{key}", self.name), keys, self.problems)
    }

    pub(super) fn problems(&self) -> &'p Problems<'a> {
        self.problems
    }

    /// Names the place of a key's value, or of the table where there is no such key.
    pub(super) fn refuse(&self, key: &str, problem: impl std::fmt::Display) {
        let span = self.value(key).map_or(self.span.clone(), Spanned::span);
        self.refuse_at(span.start, problem);
    }

    pub(super) fn refuse_at(&self, byte: usize, problem: impl std::fmt::Display) {
        let colon = if self.name.is_empty() { "" } else { ": " };
        self.problems.add(byte, format!("{}{colon}{problem}", self.name));
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Refuses a key that has no meaning beside another.
    pub(super) fn refuse_beside(&self, key: &str, other: &str) {
        if self.has(key) {
            self.refuse(key, format!("{key} does not go with {other}: remove it"));
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        let text = self.value(key)?.get_ref().as_str();
        if text.is_none() {
            self.refuse(key, format!("{key} is no text: write it in quotes"));
        }
        text
    }

    /// The elements of a list of texts, each with its place.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<Spanned<&'a str>>> {
        let texts = self.value(key)?.get_ref().as_array().and_then(|values| {
            let text =
                |value: &'a Spanned<DeValue<'a>>| Some(Spanned::new(value.span(), value.get_ref().as_str()?));
            values.iter().map(text).collect()
        });
        if texts.is_none() {
            self.refuse(key, format!("{key} is no list of texts: write it like {key} = [\"one\", \"two\"]"));
        }
        texts
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let number = number(self.value(key)?);
        if number.is_none() {
            self.refuse(key, format!("{key} is no finite number: write one such as 25.0"));
        }
        number
    }

    pub(super) fn two_numbers(&self, key: &str) -> Option<[f64; 2]> {
        let two = self.value(key)?.get_ref().as_array().and_then(|values| {
            let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
            numbers?.try_into().ok()
        });
        if two.is_none() {
            self.refuse(
                key,
                format!("{key} is no pair of finite numbers: write it like {key} = [15.0, 25.0]"),
            );
        }
        two
    }

    pub(super) fn duration(&self, key: &str, zero: Zero) -> Option<Spanned<Duration>> {
        let value = self.value(key)?;
        let refuse = |problem: &str| {
            self.refuse(key, format!("{key} {problem}: write for example \"2m\""));
            None
        };
        let Some(text) = value.get_ref().as_str() else { return refuse("is no duration in quotes") };
        match humantime::parse_duration(text) {
            Err(_) => refuse(&format!("{text:?} is no duration")),
            Ok(duration) if duration > LONGEST => refuse(&format!("{text:?} is longer than 366days")),
            Ok(duration) if duration.is_zero() && zero == Zero::Refused => refuse("is zero"),
            Ok(duration) => Some(Spanned::new(value.span(), duration)),
        }
    }

    pub(super) fn table(&self, key: &str) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.refuse(key, format!("{key} is no table: write its keys in braces or below [{key}]"));
        }
        table.map(|table| (table, value.span()))
    }

    /// All tables of a list of them.
    pub(super) fn tables(&self, key: &str) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables = value.get_ref().as_array().and_then(|values| {
            values.iter().map(|value| Some((value.get_ref().as_table()?, value.span()))).collect()
        });
        tables.unwrap_or_else(|| {
            self.refuse(key, format!("{key} is no list of tables: write each below a line [[{key}]]"));
            Vec::new()
        })
    }
}

/// A finite number.
pub(super) fn number(value: &Spanned<DeValue<'_>>) -> Option<f64> {
    let number: f64 = match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok()?,
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()? as f64,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
