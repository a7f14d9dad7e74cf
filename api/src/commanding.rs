//! What the routes of commands need beside the store.

use std::sync::Arc;

use commands::{Config, Inbox};
use tokio::sync::Semaphore;

/// Devices that wait for a command at the same time, at most.
const MAX_POLLS: usize = 500;

/// What the routes of commands need beside the store. Clones share it.
#[derive(Clone)]
pub struct Commanding {
    /// How long commands live, and how many there may be.
    pub(crate) config: Config,
    /// Records what devices answer.
    pub(crate) inbox: Inbox,
    /// The devices that may still wait for a command.
    pub(crate) polls: Arc<Semaphore>,
}

impl Commanding {
    /// Commands by these settings, whose answers are recorded here.
    #[must_use]
    pub fn new(config: Config, inbox: Inbox) -> Self {
        Self { config, inbox, polls: Arc::new(Semaphore::new(MAX_POLLS)) }
    }
}
