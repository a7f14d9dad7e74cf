//! How messages are read: the settings `metrics` and `inputs.mappings`.

use std::path::PathBuf;

use telemetry::{Inputs, Mappings};

use crate::{SettingError, Settings};

/// What the settings say about which messages hold readings, and how they are read.
///
/// # Errors
/// A setting is wrong, or the file of mappings cannot be read or is invalid: what is wrong with it, and where.
pub fn inputs(settings: &Settings) -> Result<Inputs, SettingError> {
    const KEY: &str = "inputs.mappings";
    let path: PathBuf = settings.get(KEY)?;
    let mappings = if path.as_os_str().is_empty() {
        Mappings::default()
    } else {
        let name = path.display();
        let text = std::fs::read_to_string(&path)
            .map_err(|e| SettingError::new(KEY, format!("cannot read {name}: {e}")))?;
        Mappings::read(&text).map_err(|e| SettingError::new(KEY, format!("{name} is invalid: {e}")))?
    };
    Ok(Inputs::new(settings.get("metrics")?, mappings))
}
