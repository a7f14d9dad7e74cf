//! Who may connect, and what a connected client may do: asked by the server, answered by the program that embeds it.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

/// Where a connection comes from, as the listener that accepted it knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The address of the other end.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The name in the client's certificate, once the listener has verified it.
    pub certificate_name: Option<String>,
    /// Whether MQTT is carried by a WebSocket.
    pub websocket: bool,
}

impl Peer {
    /// A connection over TCP, without encryption.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: false, certificate_name: None, websocket: false }
    }
}

/// What a client says of itself in its CONNECT.
#[derive(Debug, Clone)]
pub struct Login {
    /// Where the connection comes from.
    pub peer: Peer,
    /// The client id, which the server has assigned if the client sent none.
    pub client_id: String,
    /// The user name, if the client sent one.
    pub user_name: Option<String>,
    /// The password, if the client sent one: any bytes.
    pub password: Option<Bytes>,
}

/// Who a connected client is. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user that the client has proved to be; none where everyone may connect.
    pub user: Option<Arc<str>>,
}

/// Why a client may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The user name or the password is wrong.
    BadCredentials,
    /// The credentials are good, or there are none, but this client may not connect.
    NotAuthorized,
    /// It cannot be decided now: the client should try again later.
    Unavailable,
}

/// Decides who may connect, publish and subscribe.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Decides whether a client may connect. May take its time, which does not count as the client's.
    async fn connect(&self, login: Login) -> Result<Caller, Refusal>;

    /// Whether this client may publish to this topic; asked for each publish and for the topic of a will.
    fn may_publish(&self, caller: &Caller, topic: &str) -> bool;

    /// Whether this client may subscribe to this filter; for a shared subscription the part behind the group's name.
    fn may_subscribe(&self, caller: &Caller, filter: &str) -> bool;
}
