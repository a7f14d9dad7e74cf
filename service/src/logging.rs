//! Logging: text on a terminal, JSON otherwise, always on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::SettingError;

/// Starts logging for this process.
///
/// # Errors
/// The filter cannot be parsed.
pub(crate) fn start(filter: &str) -> Result<(), SettingError> {
    let filter = EnvFilter::try_new(filter).map_err(|e| SettingError::new("log", e))?;
    // An error about a log line that cannot be written could not be written either: reporting it would panic.
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // A second start in one process keeps the first, which is right for tests.
    let _ = if std::io::stderr().is_terminal() {
        logs.with_target(false).compact().try_init()
    } else {
        logs.json().flatten_event(true).with_ansi(false).try_init()
    };
    Ok(())
}
