//! Whether everyone may do everything, because there never was a user.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use store::Store;

use super::Problem;

/// While there is no user, another process may add the first one: it is asked for again after this time.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// How long the store may take where an earlier answer is at hand.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is known about it.
#[derive(Debug, Default)]
pub(super) struct Openness {
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    is_open: bool,
    at: Instant,
}

impl Openness {
    /// Whether there never was a user.
    ///
    /// # Errors
    /// The store has never answered, and does not now.
    pub(super) async fn is_open(&self, store: &dyn Store) -> Result<bool, Problem> {
        let known = *self.known();
        match known {
            Some(Known { is_open: false, .. }) => return Ok(false),
            Some(Known { at, .. }) if at.elapsed() < ASK_EVERY => return Ok(true),
            _ => {}
        }
        let asked = async { store.has_users().await.map(|has_users| !has_users) };
        let is_open = match known {
            None => asked.await?,
            // A store that is away has had no user added to it.
            Some(_) => {
                tokio::time::timeout(PATIENCE, asked).await.map_or(true, |answer| answer.unwrap_or(true))
            }
        };
        *self.known() = Some(Known { is_open, at: Instant::now() });
        Ok(is_open)
    }

    /// There is a user now.
    pub(super) fn close(&self) {
        *self.known() = Some(Known { is_open: false, at: Instant::now() });
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().expect("no code panics while it holds this")
    }
}
