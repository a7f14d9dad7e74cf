//! Stores every reading at least once, in effect once.

#![warn(missing_docs)]

mod counters;
mod intake;
mod lag;
mod retention;
mod standalone;
mod writer;

pub use counters::Counters;
pub use lag::Lag;
pub use retention::{Retention, forget_old};
pub use standalone::standalone;
pub use writer::{Config, run};
