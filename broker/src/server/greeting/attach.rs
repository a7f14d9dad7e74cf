//! A client's session: found, made, or taken over from an earlier connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::server::access::Caller;
use crate::server::budget::Charge;
use crate::server::contested::Verdict;
use crate::server::packet::{Connect, Fault, Reason};
use crate::server::publication::Publication;
use crate::server::session::{DueWill, Key, Line, Session};
use crate::server::shared::Shared;
use crate::server::turn::Turn;

/// How long a client's earlier connection may take to leave the session.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// A connection's hold on its session: dropped, the session is left, and the will is due unless it was taken out.
pub(crate) struct Attached {
    pub(crate) shared: Arc<Shared>,
    pub(crate) session: Arc<Session>,
    pub(crate) line: Arc<Line>,
    /// Taken out by the connection, which has it for longer than the session.
    pub(crate) turn: Option<Box<Turn>>,
    pub(crate) will: Option<Box<HeldWill>>,
}

/// The will of a client that is connected.
pub(crate) struct HeldWill {
    pub(crate) publication: Publication,
    /// How long it waits once the client is gone.
    pub(super) delay: Duration,
    pub(super) charge: Charge,
}

impl Drop for Attached {
    fn drop(&mut self) {
        let due = |HeldWill { publication, delay, charge }| {
            Box::new(DueWill { at: Instant::now() + delay, publication, is_out: false, _charge: charge })
        };
        self.shared.left(&self.session, self.will.take().map(|will| due(*will)));
    }
}

/// Finds or makes the client's session, and takes it over from an earlier connection.
pub(super) async fn attach(
    shared: &Arc<Shared>,
    connect: &Connect,
    caller: &Caller,
) -> Result<(Attached, bool), Fault> {
    let key = Key { user: caller.user.clone(), client_id: connect.client_id.clone() };
    loop {
        let busy = match try_attach(shared, connect, &key) {
            Ok(attached) => return Ok(attached),
            Err(busy) => busy,
        };
        // Created before the look at the state, so that a connection that leaves in between is not missed.
        let left = busy.left.notified();
        if busy.state().line.is_none() {
            continue;
        }
        busy.close(Reason::TAKEN_OVER);
        note_take_over(shared, &key);
        if tokio::time::timeout(TAKE_OVER, left).await.is_err() {
            return Err(Fault::new(Reason::UNAVAILABLE, "the earlier connection does not end"));
        }
    }
}

/// Says once that two devices have one client id.
fn note_take_over(shared: &Shared, key: &Key) {
    match shared.contested.note(key, Instant::now()) {
        Verdict::Once => return,
        Verdict::StillContested => {}
        Verdict::Contested => warn!(
            client_id = key.client_id,
            user = key.user.as_deref(),
            "two devices may have the same client id, so that each cuts the other one off: give each its own"
        ),
    }
    shared.counters.client_id_conflicts.inc();
}

/// The session, its new connection and whether it was there before; or the session while it has another connection.
fn try_attach(shared: &Arc<Shared>, connect: &Connect, key: &Key) -> Result<(Attached, bool), Arc<Session>> {
    let mut sessions = shared.sessions();
    let known = sessions.get(key).cloned();
    if let Some(known) = &known {
        let state = known.state();
        if state.line.is_some() {
            drop(state);
            return Err(Arc::clone(known));
        }
        let is_over = connect.clean_start || state.is_expired(Instant::now());
        drop(state);
        if is_over {
            shared.end(&mut sessions, known);
        }
    }
    let known = sessions.get(key).cloned();
    let is_present = known.is_some();
    let session = known.unwrap_or_else(|| shared.new_session(key.clone()));
    let line = Arc::new(Line::default());
    let mut state = session.state();
    state.expiry = shared.granted_expiry(sessions.len() - usize::from(is_present), connect);
    state.line = Some(Arc::clone(&line));
    state.ends_at = None;
    state.will = None;
    let turn = Some(Box::new(state.turns.next()));
    drop(state);
    sessions.insert(key.clone(), Arc::clone(&session));
    shared.counters.sessions.set(sessions.len() as i64);
    drop(sessions);
    shared.note(&session);
    Ok((Attached { shared: Arc::clone(shared), session, line, turn, will: None }, is_present))
}
