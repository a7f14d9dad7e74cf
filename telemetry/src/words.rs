//! Words for the values of metrics that have a few states: a door is open, not 1.

use std::collections::BTreeMap;

/// Metrics, and the words for their values 0, 1, and so on.
const STATES: &[(&[&str], &[&str])] = &[
    // Zigbee2MQTT's meaning: 1 is the contact of a door that is closed.
    (&["contact"], &["open", "closed"]),
    (&["door", "window", "gate", "garage_door", "opening", "valve"], &["closed", "open"]),
    (&["occupancy", "presence"], &["unoccupied", "occupied"]),
    (&["motion", "vibration", "smoke", "tamper"], &["clear", "detected"]),
    (&["water_leak", "leak"], &["dry", "wet"]),
    (&["battery_low"], &["ok", "low"]),
    (&["online", "available", "reachable", "connected"], &["offline", "online"]),
    (&["state", "relay", "output", "switch", "light"], &["off", "on"]),
];

/// The words for the values 0, 1, and so on of a metric; nothing for a metric that is a quantity.
///
/// ```
/// use telemetry::words_of;
///
/// assert_eq!(words_of("door"), Some(["closed", "open"].as_slice()));
/// assert_eq!(words_of("temperature"), None);
/// ```
#[must_use]
pub fn words_of(metric: &str) -> Option<&'static [&'static str]> {
    STATES.iter().find(|(metrics, _)| metrics.contains(&metric)).map(|(_, words)| *words)
}

/// The word for a value of a metric; nothing where the value has a unit, or is none that has a word.
#[must_use]
pub fn word_for(metric: &str, value: f64, unit: Option<&str>) -> Option<&'static str> {
    if unit.is_some() {
        return None;
    }
    let words = words_of(metric)?;
    words.iter().zip(0_u32..).find(|(_, place)| f64::from(*place) == value).map(|(word, _)| *word)
}

/// All metrics that have words, with these.
pub fn metrics_with_words() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    STATES.iter().flat_map(|(metrics, words)| metrics.iter().map(|metric| (*metric, *words)))
}

/// The words of rules that people write, beside those that go without saying.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(BTreeMap<String, Vec<(f64, String)>>);

impl Words {
    /// Adds the words of a rule for a metric. Those that the metric has already come first.
    pub(crate) fn add(&mut self, metric: &str, words: &BTreeMap<String, f64>) {
        if words.is_empty() || self.0.contains_key(metric) {
            return;
        }
        let mut states: Vec<(f64, String)> =
            words.iter().map(|(word, value)| (*value, word.clone())).collect();
        // Of several words for one value the shortest is shown.
        states.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| (a.1.len(), &a.1).cmp(&(b.1.len(), &b.1))));
        states.dedup_by(|later, earlier| later.0 == earlier.0);
        self.0.insert(metric.to_owned(), states);
    }

    /// The word for a value of a metric, as [`word_for`] has it where no rule has words for the metric.
    #[must_use]
    pub fn word_for(&self, metric: &str, value: f64, unit: Option<&str>) -> Option<&str> {
        match self.0.get(metric) {
            Some(states) if unit.is_none() => {
                states.iter().find(|(of, _)| *of == value).map(|(_, word)| word.as_str())
            }
            Some(_) => None,
            None => word_for(metric, value, unit),
        }
    }

    /// A text such as `above 1` with the word for each number in it that has one, as [`Words::word_for`] has it; the other
    /// words of the text stay as they are.
    ///
    /// ```
    /// use telemetry::Words;
    ///
    /// assert_eq!(Words::default().in_text("door", "above 0", None), "above closed");
    /// assert_eq!(Words::default().in_text("door", "above 0.5", None), "above 0.5");
    /// ```
    #[must_use]
    pub fn in_text(&self, metric: &str, text: &str, unit: Option<&str>) -> String {
        let word = |part: &str| self.word_for(metric, part.parse().ok()?, unit);
        text.split(' ').map(|part| word(part).unwrap_or(part)).collect::<Vec<_>>().join(" ")
    }

    /// The metrics that rules have words for, with each value and its word, the lowest first.
    pub fn own(&self) -> impl Iterator<Item = (&str, &[(f64, String)])> {
        self.0.iter().map(|(metric, states)| (metric.as_str(), states.as_slice()))
    }
}

/// The value that a word of this metric is the word for. Case does not matter.
pub(crate) fn value_of(metric: &str, text: &str) -> Option<f64> {
    let words = words_of(metric)?;
    words
        .iter()
        .zip(0_u32..)
        .find(|(word, _)| word.eq_ignore_ascii_case(text.trim()))
        .map(|(_, place)| place.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_a_word_and_a_quantity_has_none() {
        for (metric, value, unit, word) in [
            ("door", 1.0, None, Some("open")),
            ("contact", 1.0, None, Some("closed")),
            ("contact", 0.0, None, Some("open")),
            ("state", 2.0, None, None),
            ("state", 0.5, None, None),
            ("relay", -0.0, None, Some("off")),
            ("light", 1.0, Some("lx"), None),
            ("temperature", 1.0, None, None),
        ] {
            assert_eq!(word_for(metric, value, unit), word, "{metric} {value}");
        }
    }

    #[test]
    fn a_number_in_a_text_is_its_word_where_it_has_one() {
        let mut words = Words::default();
        words.add("mode", &BTreeMap::from([("off".to_owned(), 0.0), ("boost".to_owned(), 2.5)]));
        for (metric, text, unit, said) in [
            ("mode", "above 2.5", None, "above boost"),
            ("mode", "above 2", None, "above 2"),
            ("mode", "outside 0 to 2.5", None, "outside off to boost"),
            ("mode", "the same for 0s", None, "the same for 0s"),
            ("mode", "above 2.5", Some("volt"), "above 2.5"),
            ("contact", "below 1", None, "below closed"),
            ("temperature", "above 1", None, "above 1"),
            ("mode", "", None, ""),
        ] {
            assert_eq!(words.in_text(metric, text, unit), said, "{metric} {text}");
        }
    }

    #[test]
    fn a_word_is_read_as_the_value_that_is_shown_with_it() {
        assert_eq!(value_of("contact", "Closed"), Some(1.0));
        assert_eq!(value_of("contact", "open"), Some(0.0));
        assert_eq!(value_of("door", " open "), Some(1.0));
        assert_eq!(value_of("door", "ajar"), None);
    }

    #[test]
    fn each_metric_has_words_once() {
        let mut all: Vec<_> = metrics_with_words().map(|(metric, _)| metric).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
