//! The condition of a rule, as an incident and an alert state store it.

use crate::text_codec::text_codec;

/// What was violated, stored so that it can be shown when the rule is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its kind.
    pub kind: ConditionKind,
    /// A text that follows a value: `above 25`, `absent for 2m`.
    pub text: String,
    /// The limit that was crossed, in the unit of the value. None where the condition has no limit.
    pub threshold: Option<f64>,
}

/// What a rule watches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionKind {
    /// The value is above a limit.
    Above,
    /// The value is below a limit.
    Below,
    /// The value is outside a range.
    Outside,
    /// The value changes too fast.
    Rate,
    /// No reading arrives.
    Absent,
    /// The value does not change.
    Stuck,
    /// The value is not what the series does otherwise.
    Unusual,
}

text_codec!(ConditionKind: Above "above", Below "below", Outside "outside", Rate "rate", Absent "absent", Stuck "stuck", Unusual "unusual");
