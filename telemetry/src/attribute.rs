//! What devices say of themselves in words: a version of firmware, a mode, an address.

use jiff::Timestamp;

use crate::series::Series;

/// Most characters of an attribute's value.
pub const MAX_ATTRIBUTE_CHARS: usize = 256;

/// A text that is a device's own, and not measured: `firmware` of `lab` is `1.4.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Whose it is.
    pub device: String,
    /// What it is called, as a metric is.
    pub name: String,
    /// At most [`MAX_ATTRIBUTE_CHARS`] characters, none of which controls a terminal.
    pub value: String,
    /// When the broker received the first message that has this value.
    pub since: Timestamp,
}

impl Attribute {
    /// An attribute, or none where a name or the value is not allowed. Blanks around the value are left out.
    #[must_use]
    pub fn new(device: &str, name: &str, value: &str, since: Timestamp) -> Option<Self> {
        let value = value.trim();
        let is_good = !value.is_empty()
            && value.chars().count() <= MAX_ATTRIBUTE_CHARS
            && !value.chars().any(char::is_control);
        let named = Series::new(name, device).ok().filter(|_| is_good)?;
        Some(Self {
            device: named.device().to_owned(),
            name: named.metric().to_owned(),
            value: value.to_owned(),
            since,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_bounded() {
        let attribute = |device: &str, name: &str, value: &str| {
            Attribute::new(device, name, value, Timestamp::UNIX_EPOCH).map(|attribute| attribute.value)
        };
        let long = "x".repeat(MAX_ATTRIBUTE_CHARS + 1);
        assert_eq!(attribute("site-a/lab", "firmware", " 1.4.2 ").as_deref(), Some("1.4.2"));
        assert_eq!(attribute("lab", "mode", &long[1..]).as_deref(), Some(&long[1..]));
        for (device, name, value) in [
            ("lab", "mode", ""),
            ("lab", "mode", &long),
            ("lab", "mode", "a\0b"),
            ("lab", "mode", "a\u{1b}[2J"),
            ("lab", &long, "x"),
            ("lab", "", "x"),
            ("", "mode", "x"),
        ] {
            assert_eq!(attribute(device, name, value), None, "{device} {name} {value:?}");
        }
    }
}
