//! Publishes simulated and recorded readings, each until its PUBACK.
//!
//! The library installs no signal handler, prints nothing and reads no environment: the binary does.

#![allow(clippy::disallowed_methods, reason = "a device has a clock of its own")]
#![warn(missing_docs)]

/// The command line, as the binary uses it.
pub mod command;
mod counters;
mod device;
mod http_load;
mod live;
mod load;
mod numbered_series;
mod orders;
mod publisher;
mod receiver;
mod replay;
mod signal;

pub use counters::{Counters, NotTaken, PubackMs, Summary};
pub use device::{cleaned, names};
pub use http_load::{HttpTarget, load_over_http};
pub use live::{RunConfig, RunConfigError, run, run_counted};
pub use load::{LoadConfig, MAX_BATCH, load};
pub use numbered_series::Sent;
pub use replay::{DeviceFrom, Replay, ReplayConfig, Report};
pub use signal::{Metric, Signal};
