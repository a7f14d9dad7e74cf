//! The TCP or TLS connection over which lapin speaks AMQP.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Mutex;

use async_rs::Tokio;
use async_rs::traits::Reactor;
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use tls::ClientTls;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Queue;
use super::deliveries::{FRAME_MAX, RawDelivery};
use super::demux::{Demux, Stream, runtime};
use super::problem::{Problem, not_let_in};
use crate::url::AmqpUrl;

/// The heartbeat: a peer that is silent for twice this time is dead. lapin checks every half of it.
const HEARTBEAT_SECONDS: u16 = 4;

/// Closes the socket when dropped, whatever lapin's thread is doing with it.
pub(super) struct OpenSocket(TcpStream);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        // The socket may be closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The user, and the password, where the URL has no credentials: RabbitMQ's default.
const GUEST: &str = "guest";

impl AmqpUrl {
    pub(super) fn user(&self) -> &str {
        self.credentials.as_ref().map_or(GUEST, |(user, _)| user)
    }
}

/// A connection whose deliveries do not go through lapin.
pub(super) struct Connected {
    pub(super) connection: Connection,
    pub(super) socket: OpenSocket,
    pub(super) deliveries: UnboundedReceiver<RawDelivery>,
}

/// Connects here rather than in lapin's thread, which knows no time limit.
pub(super) async fn connect(queue: &Queue) -> Result<Connected, Problem> {
    let (stream, socket) = reach(&queue.url).await.map_err(|e| e.to_string())?;
    let (demux, deliveries) = Demux::new(stream);
    let once = Mutex::new(Some(AsyncTcpStream::Plain(demux)));
    let hand_in = async move |_, _| {
        let stream = once.lock().ok().and_then(|mut stream| stream.take());
        stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
    };
    let properties =
        ConnectionProperties::default().with_connection_name(queue.connection_name.as_str().into());
    let connection = Connection::connector(uri(&queue.url), runtime(), hand_in, properties).await;
    Ok(Connected { connection: connection.map_err(|e| not_let_in(&e, queue))?, socket, deliveries })
}

async fn reach(url: &AmqpUrl) -> io::Result<(Stream, OpenSocket)> {
    let host = url.host.trim_matches(['[', ']']);
    let addresses: Vec<_> = tokio::net::lookup_host((host, url.port)).await?.collect();
    let plain = Tokio::current().tcp_connect(addresses).await?;
    let socket = OpenSocket(plain.get_ref().as_fd().try_clone_to_owned()?.into());
    let mut stream = Stream::Plain(plain);
    if let Some(tls) = &url.tls {
        stream = stream.into_tls(host, tls_config(tls).as_ref()).await?;
    }
    Ok((stream, socket))
}

fn tls_config(tls: &ClientTls) -> OwnedTLSConfig {
    let identity = tls.identity().map(|identity| OwnedIdentity::PKCS8 {
        pem: identity.certificate.clone().into_bytes(),
        key: identity.key.clone().into_bytes(),
    });
    OwnedTLSConfig { identity, cert_chain: tls.authorities().map(str::to_owned) }
}

fn uri(url: &AmqpUrl) -> AMQPUri {
    let password = url.credentials.as_ref().map_or(GUEST, |(_, password)| password);
    AMQPUri {
        scheme: if url.tls.is_some() { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo { username: url.user().to_owned(), password: password.to_owned() },
            host: url.host.clone(),
            port: url.port,
        },
        vhost: url.vhost.clone(),
        query: AMQPQueryString {
            heartbeat: Some(HEARTBEAT_SECONDS),
            frame_max: Some(FRAME_MAX),
            ..AMQPQueryString::default()
        },
    }
}
