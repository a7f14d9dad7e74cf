//! A pattern for the levels of a topic or of a device's name, as MQTT writes it.

use std::fmt;
use std::str::FromStr;

use crate::series::{TopicError, check_level};

/// Matches levels: `+` stands for any one, `#` at the end for any number, none included.
///
/// As in the MQTT specification, 4.7.1; stricter where a pattern could match no [`Series`](crate::Series).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Filter(Box<str>);

/// Why a text is not a filter, or a filter that nothing can match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// `#` is followed by another level.
    #[error("# stands for all further levels: write it as the last level")]
    HashNotLast,
    /// `+` or `#` is only a part of a level.
    #[error("+ and # stand for whole levels: write site-a/+ and not site-a+")]
    PartOfLevel,
    /// A level is not one that a topic may have.
    #[error(transparent)]
    Level(#[from] TopicError),
}

impl Filter {
    /// The filter that matches everything: `#`.
    #[must_use]
    pub fn all() -> Self {
        Self("#".into())
    }

    /// The narrowest filter that matches all of these devices by the levels that they begin with, such as `site-a/#`;
    /// the name of the device where there is only one. None where there is no device.
    #[must_use]
    pub fn covering<'a>(devices: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut devices = devices.into_iter();
        let first = devices.next()?;
        let (mut common, mut is_one) = (first, true);
        for device in devices {
            is_one &= device == first;
            while !(device == common
                || device.strip_prefix(common).is_some_and(|rest| common.is_empty() || rest.starts_with('/')))
            {
                common = common.rsplit_once('/').map_or("", |(outer, _)| outer);
            }
        }
        let text = match (is_one, common) {
            (true, device) => device.to_owned(),
            (_, "") => "#".to_owned(),
            (_, common) => format!("{common}/#"),
        };
        Some(Self(text.into()))
    }

    /// Whether the filter matches a topic or the name of a device.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut levels = text.split('/');
        for wanted in self.0.split('/') {
            match (wanted, levels.next()) {
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// The only text that the filter matches, if it has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        self.0.split('/').all(|level| level != "+" && level != "#").then_some(&self.0)
    }

    /// The filter as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether an MQTT filter matches all topics that another one matches. A topic is a filter that matches itself alone. What is
/// special about topics that begin with `$` is left to the caller.
#[must_use]
pub fn covers(wide: &str, narrow: &str) -> bool {
    let mut narrow = narrow.split('/');
    for level in wide.split('/') {
        match (level, narrow.next()) {
            ("#", _) => return true,
            ("+", Some(level)) if level != "#" => {}
            (level, Some(other)) if level == other => {}
            _ => return false,
        }
    }
    narrow.next().is_none()
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            match level {
                "#" if levels.peek().is_some() => return Err(FilterError::HashNotLast),
                "#" | "+" => {}
                _ if level.contains(['+', '#']) => return Err(FilterError::PartOfLevel),
                _ => check_level(level)?,
            }
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_matches_whole_levels() {
        for (filter, matched, others) in [
            ("#", vec!["lab", "site-a/rack-1"], vec![]),
            ("lab", vec!["lab"], vec!["lab2", "lab/1", "la"]),
            (
                "site-a/#",
                vec!["site-a", "site-a/rack-1", "site-a/rack-1/top"],
                vec!["site-b/rack-1", "site-ab"],
            ),
            ("site-a/+", vec!["site-a/rack-1"], vec!["site-a", "site-a/rack-1/top"]),
            ("+/rack-1", vec!["site-a/rack-1"], vec!["rack-1", "site-a/rack-2", "a/b/rack-1"]),
            ("+/+/#", vec!["a/b", "a/b/c"], vec!["a"]),
        ] {
            let filter: Filter = filter.parse().unwrap();
            for text in matched {
                assert!(filter.matches(text), "{filter} {text}");
            }
            for text in others {
                assert!(!filter.matches(text), "{filter} {text}");
            }
        }
    }

    #[test]
    fn a_filter_covers_what_another_one_matches() {
        for (wide, narrow, expected) in [
            ("#", "a/+/#", true),
            ("a/#", "a", true),
            ("a/#", "a/b c/é", true),
            ("a/#", "b", false),
            ("a/#", "+/b", false),
            ("a/#", "#", false),
            ("a/+", "a/b", true),
            ("a/+", "a/+", true),
            ("a/+", "a/#", false),
            ("a/+", "a/b/c", false),
            ("a/+/c", "a/b/c", true),
            ("a/b", "a/b", true),
            ("a/b", "a/+", false),
            ("a/b", "a", false),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn devices_are_covered_by_the_levels_that_they_share() {
        for (devices, expected) in [
            (vec![], None),
            (vec!["lab"], Some("lab")),
            (vec!["a/b", "a/b"], Some("a/b")),
            (vec!["a/b/c", "a/b/d"], Some("a/b/#")),
            (vec!["a/b/c", "a/bc"], Some("a/#")),
            (vec!["a/b", "a"], Some("a/#")),
            (vec!["lab", "lab2"], Some("#")),
            (vec!["a/b", "c/b", "a/b"], Some("#")),
        ] {
            let filter = Filter::covering(devices.iter().copied());
            assert_eq!(filter.as_ref().map(Filter::as_str), expected, "{devices:?}");
            assert!(devices.iter().all(|device| filter.as_ref().unwrap().matches(device)));
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for (text, error) in [
            ("a/#/b", FilterError::HashNotLast),
            ("a+", FilterError::PartOfLevel),
            ("a/b#", FilterError::PartOfLevel),
            ("a//b", TopicError::EmptyLevel.into()),
            ("", TopicError::EmptyLevel.into()),
            ("lab.1", TopicError::Character('.').into()),
        ] {
            assert_eq!(text.parse::<Filter>(), Err(error), "{text}");
        }
        assert_eq!("site-a/+".parse::<Filter>().unwrap().literal(), None);
        assert_eq!("site-a/lab".parse::<Filter>().unwrap().literal(), Some("site-a/lab"));
    }
}
