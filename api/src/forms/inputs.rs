//! The rules by which messages are read, and what is published and read by none of them.

use serde::{Deserialize, Serialize};
use telemetry::{Message, RuleName, suggest};

use super::Time;

/// The answer of `GET /api/inputs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The rules.
    pub mappings: Mappings,
    /// Messages that no rule reads, in groups, the newest first.
    pub unmapped: Vec<UnmappedGroup>,
    /// Unmapped messages in no group, because there are too many groups.
    pub others: u64,
    /// Rules that have ignored messages, those that ignored the most first.
    pub ignored: Vec<IgnoringRule>,
}

/// A rule that has ignored messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IgnoringRule {
    /// The preset that it is from; none for a rule of the file.
    pub preset: Option<String>,
    /// Its pattern of topics.
    pub topic: String,
    /// How many messages it has ignored since the start.
    pub count: u64,
}

/// A preset, and whether its rules are in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetInUse {
    /// Its name, as `use` in the file has it.
    pub name: String,
    /// Whether it is in use.
    pub on: bool,
}

/// The rules by which messages are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mappings {
    /// Where the file of rules is, or will be looked for; none where no file is named.
    pub file: Option<String>,
    /// Differs where messages may be read differently.
    pub hash: String,
    /// Since when these rules are in force.
    pub since: Time,
    /// How many rules there are beside the presets.
    pub own_rules: usize,
    /// All presets, in the order in which their rules are tried.
    pub presets: Vec<PresetInUse>,
    /// What is wrong with the file as it is now, and where: the rules from before it stay in force.
    pub error: Option<String>,
    /// Whether `POST /api/inputs/rules` can add a rule.
    pub can_add: bool,
    /// Why it cannot.
    pub why_not: Option<String>,
}

/// The answer of `POST /api/inputs/rules`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddedRules {
    /// How many rules were added.
    pub added: usize,
    /// The rules that are in force now.
    pub mappings: Mappings,
}

/// Messages that no rule reads, on topics with the same first two levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnmappedGroup {
    /// The first two levels.
    pub name: String,
    /// How many messages there were since the start.
    pub count: u64,
    /// When the first of them was received.
    pub first: Time,
    /// When the newest of them was received.
    pub last: Time,
    /// The topic of the newest, at most 4 KiB of it.
    pub topic: String,
    /// The payload of the newest as text, at most 4 KiB of it.
    pub payload: String,
    /// A rule that would read it; none where no number was found in it.
    pub suggestion: Option<Suggestion>,
}

/// A rule that would read a message, and what it would find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The rule, as a file of mappings has it.
    pub rule: String,
    /// `metric/device = value unit`, one for each reading.
    pub readings: Vec<String>,
}

impl From<(RuleName, u64)> for IgnoringRule {
    fn from((rule, count): (RuleName, u64)) -> Self {
        Self { preset: rule.preset.map(str::to_owned), topic: rule.topic.to_string(), count }
    }
}

impl From<telemetry::UnmappedGroup> for UnmappedGroup {
    fn from(group: telemetry::UnmappedGroup) -> Self {
        let message =
            Message { topic: group.topic.clone(), payload: group.payload.clone(), received_at: group.last };
        Self {
            name: group.name,
            count: group.count,
            first: group.first.into(),
            last: group.last.into(),
            topic: group.topic,
            payload: String::from_utf8_lossy(&group.payload).into_owned(),
            suggestion: suggest(&message).map(Suggestion::from),
        }
    }
}

impl From<telemetry::Suggestion> for Suggestion {
    fn from(suggestion: telemetry::Suggestion) -> Self {
        let line = |reading: &telemetry::Reading| {
            let unit = reading.unit.as_deref().unwrap_or_default();
            format!("{} = {} {unit}", reading.series, reading.value).trim_end().to_owned()
        };
        Self {
            rule: suggestion.rule,
            readings: suggestion.decoded.readings.iter().take(20).map(line).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_a_rule_that_would_read_it() {
        let group = telemetry::UnmappedGroup {
            name: "shed/door".into(),
            count: 3,
            first: jiff::Timestamp::UNIX_EPOCH,
            last: jiff::Timestamp::UNIX_EPOCH,
            topic: "shed/door/data".into(),
            payload: br#"{"open":true}"#.as_slice().into(),
        };
        let suggestion = UnmappedGroup::from(group.clone()).suggestion.unwrap();
        assert_eq!(suggestion.readings, ["open/door = 1"]);
        let text = telemetry::UnmappedGroup { payload: b"hello".as_slice().into(), ..group };
        assert_eq!(UnmappedGroup::from(text).suggestion, None);
    }
}
