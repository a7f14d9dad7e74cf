//! Rejections by topic and reason.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{RejectionSelection, SELECTED};
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Stands for any text in a reason: what differs from one payload to the next, such as a number or a quotation.
pub const ANY_TEXT: char = '…';

/// Groups that are read, at most: those with the newest rejections.
pub const MAX_GROUPS: usize = 1_000;

/// Topics and reasons that are read to be grouped, at most.
const MAX_REASONS: usize = 10_000;

/// Rejections on one topic whose reasons differ only in numbers and quotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionGroup {
    /// The MQTT topic.
    pub topic: String,
    /// The reason, with [`ANY_TEXT`] where the reasons differ.
    pub reason: String,
    /// How many there are.
    pub count: u64,
    /// When the broker received the oldest.
    pub oldest: Timestamp,
    /// When the broker received the newest.
    pub newest: Timestamp,
}

pub(super) async fn read(
    engine: &impl Engine,
    selection: &RejectionSelection,
) -> Result<Vec<RejectionGroup>> {
    let sql = format!(
        "SELECT topic, reason, count(*), min(received_at), max(received_at) FROM rejected WHERE {SELECTED}
         GROUP BY topic, reason ORDER BY max(received_at) DESC LIMIT {MAX_REASONS}"
    );
    let select = Statement::new("group rejections", sql, selection.params());
    Ok(group_rejections(engine.query(select, group).await?))
}

fn group(row: &Row<'_>) -> anyhow::Result<RejectionGroup> {
    Ok(RejectionGroup {
        topic: row.get(0)?,
        reason: row.get(1)?,
        count: row.count(2)?,
        oldest: row.time(3)?,
        newest: row.time(4)?,
    })
}

/// Puts groups together whose reasons differ only in numbers and quotations; the one with the newest comes first.
#[must_use]
pub fn group_rejections(groups: Vec<RejectionGroup>) -> Vec<RejectionGroup> {
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut merged: Vec<RejectionGroup> = Vec::new();
    for group in groups {
        let pattern = pattern(&group.reason);
        match places.get(&(group.topic.clone(), pattern.clone())) {
            Some(place) => merged[*place].take(&group, pattern),
            None => {
                places.insert((group.topic.clone(), pattern), merged.len());
                merged.push(group);
            }
        }
    }
    merged.sort_by_key(|group| std::cmp::Reverse(group.newest));
    merged.truncate(MAX_GROUPS);
    merged
}

impl RejectionGroup {
    fn take(&mut self, other: &Self, pattern: String) {
        self.reason = pattern;
        self.count += other.count;
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }
}

/// A reason without its quotations and its words that begin with a digit.
fn pattern(reason: &str) -> String {
    let mut pattern = String::new();
    let mut rest = reason;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            _ if first.is_alphanumeric() || first == '-' => {
                rest.find(|c: char| !(c.is_alphanumeric() || "-+.:_".contains(c))).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (word, after) = rest.split_at(end);
        let varies = first == '"' || word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        match (varies, word.strip_suffix([':', '.'])) {
            (true, None) => pattern.push(ANY_TEXT),
            // Punctuation behind a number is not part of it.
            (true, Some(number)) => {
                pattern.extend([ANY_TEXT].into_iter().chain(word[number.len()..].chars()));
            }
            (false, _) => pattern.push_str(word),
        }
        rest = after;
    }
    pattern
}

/// A reason as SQL's `LIKE` takes it, with `\` before what is meant as it is written.
pub(super) fn like(reason: &str) -> String {
    let mut like = String::with_capacity(reason.len());
    for c in reason.chars() {
        match c {
            ANY_TEXT => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', c]),
            _ => like.push(c),
        }
    }
    like
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leaves_out_what_differs_from_payload_to_payload() {
        for (reason, expected) in [
            ("there is no value", "there is no value"),
            ("the payload is not UTF-8", "the payload is not UTF-8"),
            ("the payload is not a number: \"23,5\"", "the payload is not a number: …"),
            ("reading 3 of 4: there is no value", "reading … of …: there is no value"),
            ("at line 1 column 22", "at line … column …"),
            ("it is ahead (2026-01-15T10:30:00.5Z), by 5 minutes", "it is ahead (…), by … minutes"),
            ("-1e308 is too much. No", "… is too much. No"),
            ("an open \"quotation", "an open …"),
            ("the topic has the character 'ü'", "the topic has the character 'ü'"),
        ] {
            assert_eq!(pattern(reason), expected, "{reason}");
        }
    }

    #[test]
    fn groups_that_differ_only_in_numbers_are_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let group = |topic: &str, reason: &str, oldest, newest| RejectionGroup {
            topic: topic.into(),
            reason: reason.into(),
            count: 2,
            oldest: at(oldest),
            newest: at(newest),
        };
        let merged = group_rejections(vec![
            group("t/a", "at column 1", 1, 2),
            group("t/b", "at column 1", 1, 5),
            group("t/a", "at column 7", 0, 9),
        ]);
        let a = RejectionGroup { count: 4, ..group("t/a", "at column …", 0, 9) };
        assert_eq!(merged, [a, group("t/b", "at column 1", 1, 5)]);
    }

    #[test]
    fn only_the_ellipsis_stands_for_any_text() {
        assert_eq!(like(r"100 % of a_b\c: …"), r"100 \% of a\_b\\c: %");
    }
}
