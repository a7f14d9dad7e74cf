//! Logging: text on a terminal, JSON otherwise, always on stderr. Whatever comes from outside, the log stays short.
//!
//! | module | what is in it |
//! |---|---|
//! | `rate` | how many lines a place in the code may write in a second |
//! | `text` | values, cut and made safe to show |
//! | `json` | one JSON object a line |

mod json;
mod rate;
mod text;

use std::io::IsTerminal;

use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

use self::rate::RateLimit;
use crate::{SettingError, Settings};

/// Starts logging for this process.
///
/// # Errors
/// A setting is wrong.
pub(crate) fn start(settings: &Settings) -> Result<(), SettingError> {
    let filter: String = settings.get("log")?;
    let filter = EnvFilter::try_new(filter).map_err(|e| SettingError::new("log", e))?;
    let lines: u32 = settings.get("log_lines_per_second")?;
    if lines == 0 {
        return Err(SettingError::new("log_lines_per_second", "must be at least 1"));
    }
    let rate = RateLimit::new(lines);
    let summaries = rate.clone();
    let limited = tracing_subscriber::registry().with(filter).with(rate);
    // An error about a log line that cannot be written could not be written either: reporting it would panic.
    let logs = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let started = if std::io::stderr().is_terminal() {
        limited
            .with(logs.with_target(false).fmt_fields(debug_fn(text::field).delimited(" ")).compact())
            .try_init()
    } else {
        limited.with(logs.event_format(json::Json)).try_init()
    };
    // A second start in one process keeps the first, which is right for tests.
    if started.is_ok() {
        summaries.follow();
    }
    Ok(())
}
