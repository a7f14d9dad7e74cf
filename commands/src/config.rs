//! The settings of commands.

use std::time::Duration;

use serde::Deserialize;
use service::{SettingError, Settings};

use crate::wire::MAX_LIFE;

/// How long commands live and are kept, and how many there may be.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long a command is worth sending, where nobody says otherwise.
    #[serde(with = "humantime_serde")]
    pub expires_in: Duration,
    /// Open commands of all devices, at most.
    pub max_open: u64,
    /// How long commands are kept after their end.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self { expires_in: Duration::from_secs(3600), max_open: 50_000, keep: 30 * day }
    }
}

impl Config {
    /// Reads the settings below `commands`.
    ///
    /// # Errors
    /// One of them is out of its bounds.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let config: Self = settings.get("commands")?;
        let wrong = |name: &str, why: &str| Err(SettingError::new(&format!("commands.{name}"), why));
        match () {
            () if !(Duration::from_secs(1)..=MAX_LIFE).contains(&config.expires_in) => {
                wrong("expires_in", "must be 1s to 31days")
            }
            () if !(1..=1_000_000).contains(&config.max_open) => wrong("max_open", "must be 1 to 1000000"),
            () if config.keep < Duration::from_secs(3600) => wrong("keep", "must be at least 1h"),
            () => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_the_defaults() {
        let (read, default) =
            (Config::from_settings(&Settings::load(None).unwrap()).unwrap(), Config::default());
        assert_eq!(
            (read.expires_in, read.max_open, read.keep),
            (default.expires_in, default.max_open, default.keep)
        );
    }
}
