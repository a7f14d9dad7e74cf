//! Judges every reading; one mail per transition.

mod hours;
mod rule;

pub use hours::ActiveHours;
pub use rule::{Condition, Recipient, Rule, Rules, Secret, Telling};
