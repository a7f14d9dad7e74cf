//! The commands in a terminal: `millrace`, and those that `alerter` shares with it.

#![warn(missing_docs)]

pub mod alerts;
pub mod audit;
pub mod ca;
pub mod commands;
mod confirm_clock;
pub mod devices;
pub mod keys;
pub mod mappings;
pub mod rejected;
pub mod state;
mod table;
mod tail;
pub mod users;
mod verify;

pub use confirm_clock::confirm_clock;
pub use tail::{TailArgs, tail};
pub use verify::{VerifyArgs, verify};

use std::sync::Arc;

use service::{MappingsFile, SettingError, Settings};
use telemetry::{Clock, SystemClock, Words};

/// The key by which a command is recognised where people have to log in; may be empty.
fn access_key(settings: &Settings) -> Result<String, SettingError> {
    let key: String = settings.get("access.key")?;
    if key.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(key);
    }
    Err(SettingError::new("access.key", "must be a key as `millrace key add` printed it"))
}

/// The words for values that the file of mappings has. Where it cannot be read the usual ones do.
fn words(settings: &Settings) -> Words {
    let mappings = MappingsFile::at_the_edge(settings).and_then(|file| file.read());
    mappings.map(|mappings| mappings.words()).unwrap_or_default()
}

/// The clock of a command, which lasts for a moment.
fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}
