//! Texts and numbers as people see them.

use std::borrow::Cow;

/// Characters of Unicode's category Cf (format), which are invisible and may turn or hide what is around them, with the
/// separators of lines and paragraphs (Zl, Zp).
const INVISIBLE: [(char, char); 19] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e007f}'),
];

/// Numbers from here on, and those that are closer to 0 than [`SMALL`], are written with an exponent.
const LARGE: f64 = 1e15;

const SMALL: f64 = 1e-6;

/// Whether a character shows nothing by itself, and may change how others are shown: a control character, or one that
/// turns the direction of writing, joins, or has no width.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control() || INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// The text with `?` for each invisible character, so that it neither moves a cursor nor looks like another text.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return text.into();
    }
    text.chars().map(|c| if is_invisible(c) { '?' } else { c }).collect::<String>().into()
}

/// The shortest text that reads back as this number, with an exponent where it would have many zeros.
#[must_use]
pub fn number(value: f64) -> String {
    if value != 0.0 && !(SMALL..LARGE).contains(&value.abs()) {
        return format!("{value:e}");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_a_question_mark() {
        for (text, expected) in [
            ("°C", "°C"),
            ("µg/m³", "µg/m³"),
            ("الحرارة", "الحرارة"),
            ("\u{202e}gnp.exe", "?gnp.exe"),
            ("a\u{200b}b\u{feff}c\u{2066}d\u{ad}", "a?b?c?d?"),
            ("a\u{1b}[2J\u{2028}\u{e0041}", "a?[2J??"),
        ] {
            assert_eq!(visible(text), expected);
            assert_eq!(text.contains(is_invisible), text != expected);
        }
    }

    #[test]
    fn a_number_has_few_digits_and_reads_back() {
        for (value, expected) in [
            (0.0, "0"),
            (-21.5, "-21.5"),
            (0.000_001, "0.000001"),
            (5e-324, "5e-324"),
            (1e308, "1e308"),
            (-1.7e308, "-1.7e308"),
            (999_999_999_999_999.0, "999999999999999"),
        ] {
            assert_eq!((number(value).as_str(), number(value).parse()), (expected, Ok(value)));
        }
    }
}
