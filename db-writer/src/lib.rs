//! Stores every reading: at least once, and in effect once, because a repeated one is a duplicate.

#![warn(missing_docs)]

mod attributes;
mod counters;
mod history;
mod intake;
mod lag;
mod latency;
mod retention;
mod rollups;
mod standalone;
mod writer;

pub use counters::Counters;
pub use history::keep_history;
pub use lag::Lag;
pub use latency::Latency;
pub use retention::{Retention, forget_old};
pub use rollups::keep_rollups;
pub use standalone::standalone;
pub use writer::{Config, run};
