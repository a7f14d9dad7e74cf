//! The words of rules for values.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The words for the values of a metric: a row of `GET /api/words`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricWords<'a> {
    /// The metric.
    pub metric: Cow<'a, str>,
    /// Each value and its word, the lowest first.
    pub words: Vec<StateWord<'a>>,
}

/// A value of a metric that has a few states, and the word for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateWord<'a> {
    /// The value.
    pub value: f64,
    /// The word that is shown instead of it.
    pub word: Cow<'a, str>,
}

/// All that rules have words for.
pub(crate) fn rows(words: &telemetry::Words) -> impl Iterator<Item = MetricWords<'_>> {
    words.own().map(|(metric, words)| MetricWords {
        metric: metric.into(),
        words: words
            .iter()
            .map(|(value, word)| StateWord { value: *value, word: word.as_str().into() })
            .collect(),
    })
}
