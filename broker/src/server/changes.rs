//! What has changed and is to be written down.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use super::session::Session;

/// What has changed and is not written yet.
#[derive(Default)]
pub(crate) struct Changes {
    pending: Mutex<Pending>,
    wake: Mutex<Option<Sender<Command>>>,
}

/// Changes that are not written yet.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) sessions: Vec<Arc<Session>>,
    /// Topics: what is retained is looked up when it is written.
    pub(crate) retained: Vec<String>,
}

/// What the thread that writes is to do.
pub(crate) enum Command {
    Write,
    Close(oneshot::Sender<()>),
}

/// More topics than this have changed: all are written.
const MOST_TOPICS: usize = 10_000;

impl Pending {
    /// Whether not all are listed.
    pub(crate) fn is_too_much(&self) -> bool {
        self.retained.len() > MOST_TOPICS
    }
}

impl Changes {
    /// From now on changes are noted, for the task that takes these commands.
    pub(crate) fn note_for(&self, wake: Sender<Command>) {
        *self.wake() = Some(wake);
    }

    /// What has changed since this was called last.
    pub(crate) fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending())
    }

    /// The session is to be written.
    pub(crate) fn session(&self, session: &Arc<Session>) {
        self.add(|pending| {
            if session.mark_changed() {
                pending.sessions.push(Arc::clone(session));
            }
        });
    }

    /// The retained message of a topic is to be written.
    pub(crate) fn retained(&self, topic: &str) {
        self.add(|pending| {
            if !pending.is_too_much() {
                pending.retained.push(topic.to_owned());
            }
        });
    }

    fn add(&self, change: impl FnOnce(&mut Pending)) {
        let wake = self.wake();
        // Without a file there is nothing to remember.
        let Some(wake) = &*wake else { return };
        let mut pending = self.pending();
        let was_empty = pending.sessions.is_empty() && pending.retained.is_empty();
        change(&mut pending);
        if was_empty {
            // The thread ends with the server.
            let _ = wake.send(Command::Write);
        }
    }

    fn wake(&self) -> MutexGuard<'_, Option<Sender<Command>>> {
        self.wake.lock().expect("no code panics while it holds the sender")
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect("no code panics while it holds the changes")
    }

    /// Writes what has changed, and nothing from then on.
    pub(crate) async fn close(&self) {
        let wake = self.wake().take();
        let Some(wake) = wake else { return };
        let (done, closed) = oneshot::channel();
        if wake.send(Command::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }
}
