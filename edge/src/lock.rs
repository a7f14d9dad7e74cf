//! One process for one data folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use service::SettingError;

/// Holds the folder until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    pub(crate) fn take(folder: &Path) -> Result<Self, SettingError> {
        let path = folder.join("millrace.lock");
        let problem =
            |e: &dyn std::fmt::Display| SettingError::new("data_dir", format!("{}: {e}", path.display()));
        let file = service::private_file(&path).map_err(|e| problem(&e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(SettingError::new(
                "data_dir",
                format!("another millrace runs on {}: stop it or choose another folder", folder.display()),
            )),
            Err(TryLockError::Error(e)) => Err(problem(&e)),
        }
    }
}
