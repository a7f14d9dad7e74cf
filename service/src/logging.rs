//! Logging: text on a terminal, JSON otherwise, always on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::SettingError;

/// Starts logging for this process.
///
/// # Errors
/// The filter is none.
pub(crate) fn start(filter: &str) -> Result<(), SettingError> {
    let filter = EnvFilter::try_new(filter).map_err(|e| SettingError::new("log", e))?;
    // Whoever cannot write a log line must not complain where it cannot be written either: that panics.
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // Starting it twice in one process leaves the first in place, which is what a test wants.
    let _ = if std::io::stderr().is_terminal() {
        logs.with_target(false).compact().try_init()
    } else {
        logs.json().flatten_event(true).with_ansi(false).try_init()
    };
    Ok(())
}
