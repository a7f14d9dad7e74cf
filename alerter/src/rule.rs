//! When a value is too high.

use serde::Deserialize;
use telemetry::Topic;

/// Broken while a reading of the metric has a value above the threshold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stands in mails and ids: 1–64 characters of `A–Z a–z 0–9 _ -`.
    pub name: String,
    pub metric: String,
    /// In the unit in which the devices report.
    pub above: f64,
}

/// What a rule says of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Broken,
    Kept,
}

impl Rule {
    #[must_use]
    pub fn verdict(&self, value: f64) -> Verdict {
        if value > self.above { Verdict::Broken } else { Verdict::Kept }
    }

    /// # Errors
    /// Says what is wrong with the rule.
    pub fn check(&self) -> Result<(), String> {
        // A name and a metric have the grammar of a topic's levels.
        Topic::new(&self.name, "x").map_err(|e| format!("name {:?}: {e}", self.name))?;
        Topic::new(&self.metric, "x").map_err(|e| format!("metric {:?}: {e}", self.metric))?;
        if !self.above.is_finite() {
            return Err("above must be finite".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_above_the_threshold_is_broken() {
        let rule = Rule { name: "high".into(), metric: "temperature".into(), above: 25.0 };
        for (value, verdict) in [
            (24.9, Verdict::Kept),
            (25.0, Verdict::Kept),
            (25.000_001, Verdict::Broken),
            (-40.0, Verdict::Kept),
            (f64::MAX, Verdict::Broken),
        ] {
            assert_eq!(rule.verdict(value), verdict, "{value}");
        }
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused() {
        let rule = |name: &str, metric: &str, above| Rule { name: name.into(), metric: metric.into(), above };
        assert!(rule("high", "temperature", 25.0).check().is_ok());
        assert!(rule("too high", "temperature", 25.0).check().unwrap_err().contains("name"));
        assert!(rule("high", "a/b", 25.0).check().unwrap_err().contains("metric"));
        assert!(rule("high", "temperature", f64::NAN).check().is_err());
    }
}
