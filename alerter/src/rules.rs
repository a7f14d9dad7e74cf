//! The rules: what they say, the file they are read from, and the file followed while it changes.

mod follow;
mod hours;
mod parse;
mod rule;

pub use follow::{RulesFile, known};
pub use hours::ActiveHours;
pub use parse::{DEFAULT, Known, RulesError, read, read_default};
pub use rule::{Condition, Grouping, Recipient, Rule, Rules, Secret};
