//! An MQTT server for one process: devices publish to it, and get a PUBACK once their reading is settled.
//!
//! The server speaks MQTT 3.1, 3.1.1 and 5.0 on any stream that it is given: the caller accepts a connection,
//! takes off TLS or WebSocket, and calls [`Server::serve`]. What clients publish goes to a [`Sink`]; what they may do
//! is asked of [`Access`]; how far they may go is in [`Limits`].

mod access;
mod budget;
mod changes;
mod client_queue;
mod connection;
mod contested;
mod counters;
mod ends;
mod greeting;
mod input;
mod ledger;
mod limits;
mod packet;
mod probe;
mod publication;
mod retained;
mod router;
mod session;
mod shared;
mod sink;
mod statistics;
mod storage;
#[cfg(test)]
mod tests;
mod topic;
mod turn;
mod upkeep;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

pub use access::{Access, Caller, Login, Peer, Refusal};
pub use counters::{Counters, Ending, EndsFor, RefusedBy, Rule, Traffic};
pub use limits::Limits;
pub use sink::{LastWill, Publish, PublishKind, PublishingClient, Receipt, Settled, Sink};
pub use upkeep::Upkeep;

use connection::Connection;
use greeting::greet;
use packet::{Forwarded, Qos, Reason};
use publication::Publication;
use shared::Shared;

/// A message of the server itself that asks for an answer.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it is published.
    pub topic: String,
    /// What is published.
    pub payload: Bytes,
    /// The topic of the answer; clients of MQTT 5 are told.
    pub reply_to: String,
    /// What the answer is known by; clients of MQTT 5 are told.
    pub correlation: String,
    /// How long it is worth delivering, in whole seconds.
    pub lasts: Duration,
}

/// The server. Clones share everything.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// A server that hands publishes to this sink and asks this access, and the upkeep that must run beside it.
    ///
    /// Sessions and retained messages outlive a restart in the file of this path; without one they do not.
    pub fn new(
        limits: Limits,
        access: Arc<dyn Access>,
        sink: Arc<dyn Sink>,
        counters: Counters,
        sessions: Option<PathBuf>,
    ) -> (Self, Upkeep) {
        let (shared, events) = Shared::new(limits, access, sink, counters);
        if let Some(path) = sessions {
            storage::start(&shared, &path);
        }
        (Self { shared: Arc::clone(&shared) }, Upkeep::new(shared, events))
    }

    /// Serves one connection until it ends. The listener spawns a task for it, and may drop it.
    pub fn serve<S>(&self, stream: S, peer: Peer) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        self.serve_as(stream, peer, false)
    }

    /// Each step has memory of its own, so that an idle connection does not keep what only its greeting needs.
    fn serve_as<S>(&self, stream: S, peer: Peer, is_probe: bool) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let running = self.shared.running.token();
        let connected = Box::pin(connected(Arc::clone(&self.shared), stream, peer, is_probe));
        async move {
            let _running = running;
            let connection = connected.await;
            if let Some(connection) = connection {
                connection.run().await;
            }
        }
    }

    /// Publishes as a device would, through every step up to the PUBACK, and leaves nothing behind.
    ///
    /// # Errors
    /// The server did not accept the connection or the publish. A sink that settles nothing makes it wait.
    pub async fn probe(&self, credentials: Option<&(String, String)>) -> io::Result<()> {
        let (ours, theirs) = tokio::io::duplex(1024);
        let peer = Peer::plain(SocketAddr::from(([127, 0, 0, 1], 0)));
        tokio::select! {
            result = probe::publish(ours, credentials) => result,
            () = self.serve_as(theirs, peer, true) => Err(io::Error::other("the server ended the connection")),
        }
    }

    /// Passes a request on to those who subscribe to its topic and are connected, at QoS 1. Returns how many those are: what
    /// waits for others is not kept.
    #[must_use]
    pub fn request(&self, request: &Request) -> usize {
        let seconds = u32::try_from(request.lasts.as_secs()).unwrap_or(u32::MAX);
        if seconds == 0 {
            return 0;
        }
        let forwarded = Forwarded::request(&request.reply_to, request.correlation.as_bytes(), seconds);
        let (topic, payload) = (request.topic.clone(), request.payload.clone());
        let publication = Publication::new(topic, payload, Qos::AtLeastOnce, false, &forwarded);
        self.shared.route_to_connected(&publication)
    }

    /// Client ids that two devices use at once, so that each cuts the other one off.
    #[must_use]
    pub fn contested_client_ids(&self) -> Vec<String> {
        self.shared.contested.client_ids(tokio::time::Instant::now())
    }

    /// The client that is connected as this user, if one is; of several the one that connected last.
    #[must_use]
    pub fn client_of(&self, user: &str) -> Option<Arc<PublishingClient>> {
        let sessions = self.shared.sessions();
        let theirs = sessions.values().filter(|session| session.key.user.as_deref() == Some(user));
        let connected = theirs.filter_map(|session| session.state().line.as_ref()?.client().cloned());
        connected.max_by_key(|client| client.connected_at)
    }

    /// The limits of this server.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Ends every connection, and forgets every session, of a user who may no longer connect.
    pub fn cut_off(&self, user: &str) {
        let mut sessions = self.shared.sessions();
        let theirs = sessions.values().filter(|session| session.key.user.as_deref() == Some(user));
        for session in theirs.cloned().collect::<Vec<_>>() {
            session.state().expiry = Duration::ZERO;
            if session.state().line.is_some() {
                session.close(Reason::NOT_AUTHORIZED);
            } else {
                self.shared.end(&mut sessions, &session);
            }
        }
    }

    /// Takes no new connection, acknowledges what is in flight and ends every connection, but waits no longer than this.
    pub async fn stop(&self, grace: Duration) {
        self.shared.stop.cancel();
        for session in self.shared.sessions().values() {
            if let Some(line) = &session.state().line {
                line.waker.wake();
            }
        }
        self.shared.running.close();
        let _ = tokio::time::timeout(grace, self.shared.running.wait()).await;
        self.shared.changes.close().await;
    }
}

/// Greets the client, if there is room for another one that is not connected yet.
async fn connected<S>(
    shared: Arc<Shared>,
    mut stream: S,
    peer: Peer,
    is_probe: bool,
) -> Option<Box<Connection<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Ok(_place) = shared.handshakes.try_acquire() else {
        shared.counters.refuse(Rule::Handshakes);
        return None;
    };
    let greeted = shared.stop.run_until_cancelled(greet(&shared, &mut stream, peer)).await??;
    Some(Connection::new(stream, greeted, is_probe))
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}
