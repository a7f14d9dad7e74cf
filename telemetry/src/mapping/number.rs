//! Numbers as devices write them: with a comma, with a unit behind them, or as words.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Unit;

const WORDS: [(&str, f64); 22] = [
    ("on", 1.0),
    ("off", 0.0),
    ("true", 1.0),
    ("false", 0.0),
    ("yes", 1.0),
    ("no", 0.0),
    ("online", 1.0),
    ("offline", 0.0),
    ("connected", 1.0),
    ("disconnected", 0.0),
    ("open", 1.0),
    ("opened", 1.0),
    ("closed", 0.0),
    ("close", 0.0),
    ("ok", 1.0),
    ("low", 0.0),
    ("detected", 1.0),
    ("clear", 0.0),
    ("wet", 1.0),
    ("dry", 0.0),
    ("occupied", 1.0),
    ("unoccupied", 0.0),
];

/// A value that is a number, and the unit that stood behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) unit: Option<&'static str>,
}

/// The number that a value is. Nothing if it is none: a list, or a text such as `nan` or `unavailable`.
///
/// `words` come before the usual ones.
pub(super) fn number(value: &Value, words: &BTreeMap<String, f64>) -> Option<Number> {
    let plain = |value| Some(Number { value, unit: None });
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()).and_then(plain),
        Value::Bool(value) => plain(f64::from(u8::from(*value))),
        Value::String(text) => {
            let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}');
            match word(text, words) {
                Some(value) => plain(value),
                None => text_number(text),
            }
        }
        _ => None,
    }
}

fn word(text: &str, words: &BTreeMap<String, f64>) -> Option<f64> {
    let own = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
    own.or_else(|| WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value))
}

fn text_number(text: &str) -> Option<Number> {
    let end =
        text.char_indices().find(|&(at, c)| !is_part_of_number(text, at, c)).map_or(text.len(), |(at, _)| at);
    let value = parse(&text[..end])?;
    match text[end..].trim() {
        "" => Some(Number { value, unit: None }),
        unit => Unit::of(unit).map(|unit| Number { value, unit: Some(unit.name) }),
    }
}

fn is_part_of_number(text: &str, at: usize, c: char) -> bool {
    match c {
        '0'..='9' | '.' | ',' => true,
        '+' | '-' => at == 0 || text[..at].ends_with(['e', 'E']),
        // An exponent is followed by digits; otherwise a unit begins.
        'e' | 'E' => {
            let rest = text[at + 1..].trim_start_matches(['+', '-']);
            at > 0 && rest.starts_with(|c: char| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// Reads a decimal point or a decimal comma. A comma that may part thousands (`1,234`) is not guessed at.
fn parse(text: &str) -> Option<f64> {
    let value: f64 = match text.find(',') {
        None => text.parse().ok()?,
        Some(at) => {
            let (before, after) = (&text[..at], &text[at + 1..]);
            let whole = before.trim_start_matches(['+', '-']);
            let thousands = after.len() == 3 && (1..=3).contains(&whole.len()) && whole != "0";
            if thousands || after.contains([',', '.']) || before.contains('.') {
                return None;
            }
            text.replacen(',', ".", 1).parse().ok()?
        }
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Option<(f64, Option<&'static str>)> {
        number(value, &BTreeMap::new()).map(|number| (number.value, number.unit))
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (value, expected) in [
            (json!(23.5), (23.5, None)),
            (json!(true), (1.0, None)),
            (json!("23.5"), (23.5, None)),
            (json!("23,5"), (23.5, None)),
            (json!("0,125"), (0.125, None)),
            (json!("+23.5"), (23.5, None)),
            (json!("026.9"), (26.9, None)),
            (json!(".5"), (0.5, None)),
            (json!("\u{feff}23.5\0"), (23.5, None)),
            (json!("1e3"), (1000.0, None)),
            (json!("23.5 C"), (23.5, Some("celsius"))),
            (json!("20.6 ℃"), (20.6, Some("celsius"))),
            (json!("55%"), (55.0, Some("percent"))),
            (json!("-70dBm"), (-70.0, Some("dBm"))),
            (json!("ON"), (1.0, None)),
            (json!("closed"), (0.0, None)),
            (json!("OK"), (1.0, None)),
        ] {
            assert_eq!(read(&value), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for value in [
            json!(null),
            json!("nan"),
            json!("inf"),
            json!("1e999"),
            json!("unavailable"),
            json!("#FFAA00"),
            json!("1,234"),
            json!("1.2.3"),
            json!("5 parrots"),
            json!("0x1F"),
            json!("2024-01-01"),
            json!("12:30"),
            json!([1]),
            json!({}),
        ] {
            assert_eq!(read(&value), None, "{value}");
        }
    }

    #[test]
    fn words_of_a_rule_come_first() {
        let words = BTreeMap::from([("auto".to_owned(), 2.0), ("ok".to_owned(), 7.0)]);
        assert_eq!(number(&json!("AUTO"), &words).unwrap().value, 2.0);
        assert_eq!(number(&json!("OK"), &words).unwrap().value, 7.0);
    }
}
