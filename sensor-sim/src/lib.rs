//! Publishes simulated and recorded readings, and forgets none before its PUBACK.
//!
//! Installs no signal handler, prints nothing and reads no environment: that is the binary's.

#![warn(missing_docs)]

/// The command line, as the binary uses it.
pub mod command;
mod courier;
mod device;
mod live;
mod load;
mod replay;
mod signal;
mod stream;
mod tally;

pub use device::{cleaned, names};
pub use live::{RunConfig, RunConfigError, run, run_counted};
pub use load::{LoadConfig, MAX_BATCH, load};
pub use replay::{DeviceFrom, Replay, ReplayConfig, Report};
pub use signal::{Metric, Signal};
pub use stream::Sent;
pub use tally::{PubackMs, Summary, Tally};
