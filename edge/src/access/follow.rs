//! The password file, read again when it changes.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use store::Store;
use tracing::{error, info, warn};

use super::Users;
use super::password_file::PasswordFile;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// # Errors
/// The file and the line that is wrong.
pub(super) fn parse(path: &Path, text: &str) -> anyhow::Result<PasswordFile> {
    PasswordFile::parse(text).with_context(|| path.display().to_string())
}

impl Users {
    /// Follows the registry. Devices whose credentials are revoked or changed are cut off; then the change is in force. Never
    /// ends.
    pub(crate) async fn follow_registry(&self, store: &dyn Store, cut_off: impl Fn(&str)) {
        let mut seen = None;
        loop {
            let (before, revision) = self.registry.changed(store, Duration::ZERO, seen).await;
            seen = Some(revision);
            before.changed_in(&self.registry.known()).for_each(&cut_off);
            if let Err(e) = store.note_applied(revision).await {
                warn!("cannot note that the registry is in force: {e}");
            }
        }
    }

    /// Follows the password file until it is dropped. Users who are removed from it, or have other rights in it, are cut off; what is wrong in it is logged,
    /// and the users stay as they were.
    pub(crate) async fn follow(&self, cut_off: impl Fn(&str)) {
        let Some(path) = &self.path else { return };
        let (mut in_force, mut seen) = (None, None);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = PasswordFile::read(path).map_err(|e| format!("{e:#}"));
            // Half a file may be a good one that lacks users: it must be the same twice.
            let settled = seen.as_ref() == Some(&now);
            if settled && in_force.as_ref() != Some(&now) {
                self.replace(path, &now, &cut_off);
                in_force = Some(now);
            } else {
                seen = Some(now);
            }
        }
    }

    fn replace(&self, path: &Path, read: &Result<(String, bool), String>, cut_off: &impl Fn(&str)) {
        let parsed = match read {
            Ok((text, open)) => {
                if *open {
                    let file = path.display();
                    warn!("everybody on this machine can read the password hashes: chmod 600 {file}");
                }
                parse(path, text).map_err(|e| format!("{e:#}"))
            }
            Err(e) => Err(e.clone()),
        };
        match parsed {
            Ok(file) => self.put_in_force(file, cut_off),
            Err(e) => {
                self.bad_files.inc();
                error!("the password file is invalid, the users stay as they were: {e}");
            }
        }
    }

    fn put_in_force(&self, file: PasswordFile, cut_off: &impl Fn(&str)) {
        let file = Arc::new(file);
        let mut current = self.file.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::clone(&file));
        drop(current);
        if old != file {
            info!("the password file is read again");
        }
        // Who may do something else must connect anew: what it has subscribed to may be more than it may now.
        for user in old.changed_in(&file) {
            self.verifier.forget(user);
            cut_off(user);
        }
    }
}
