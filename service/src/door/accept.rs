//! The accept loop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tracing::warn;

use super::counters::{Counters, Label};
use super::{Admission, Connection, Limits, Refusal, descriptors};
use crate::{Metrics, OncePerMinute, SettingError};

/// Connections that the system completes before we accept them: all devices may come back at once.
const BACKLOG: u32 = 4096;

/// The pause after a failed accept doubles from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// A group of listeners that share their limits, such as all for MQTT.
#[derive(Debug, Clone)]
pub struct Doors {
    label: Label,
    admission: Admission,
    counters: Counters,
}

/// A listener whose connections are limited.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    doors: Doors,
    pause: Duration,
    failures: OncePerMinute,
    refusals: OncePerMinute,
}

impl Doors {
    /// The groups of this process by the section of their settings, with limits that fit into its limit of open files.
    #[must_use]
    pub fn share<const N: usize>(metrics: &Metrics, wanted: [(&'static str, Limits); N]) -> [Self; N] {
        let limit = descriptors::limit();
        let fitting = descriptors::fit(limit, wanted.map(|(_, limits)| limits));
        let counters = metrics.shared(Counters::register);
        std::array::from_fn(|i| {
            let ((name, wanted), limits) = (wanted[i], fitting[i]);
            if limits != wanted {
                let Limits { max_connections, max_connections_per_address } = limits;
                warn!(
                    max_connections,
                    max_connections_per_address,
                    "{limit} files may be open (ulimit -n): fewer connections than {name}.max_connections says"
                );
            }
            let label = Label { door: name };
            counters.max_connections.get_or_create(&label).set(limits.max_connections as i64);
            Self { label, admission: Admission::new(limits), counters: counters.clone() }
        })
    }

    /// Listens where a setting says.
    ///
    /// # Errors
    /// The address is taken or not this machine's: the message names the setting to change.
    pub fn open(&self, setting: &str, address: SocketAddr) -> Result<Door, SettingError> {
        self.listen(address).map_err(|e| SettingError::cannot_listen(setting, address, &e))
    }

    /// Listens on an address.
    ///
    /// # Errors
    /// As the system says: the address is taken or not this machine's.
    pub fn listen(&self, address: SocketAddr) -> io::Result<Door> {
        let listener = listen(address)?;
        Ok(Door {
            address: listener.local_addr()?,
            listener,
            doors: self.clone(),
            pause: FIRST_PAUSE,
            failures: OncePerMinute::default(),
            refusals: OncePerMinute::default(),
        })
    }
}

impl Door {
    /// The address that is listened on, with its port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a connection that may come in; the others are closed and counted. Safe to cancel.
    pub async fn next(&mut self) -> Connection {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    self.pause = FIRST_PAUSE;
                    if let Some(connection) = self.admit(stream, address) {
                        return connection;
                    }
                }
                Err(e) if concerns_one_peer(&e) => {}
                Err(e) => self.wait(&e).await,
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, address: SocketAddr) -> Option<Connection> {
        let Doors { label, admission, counters } = &self.doors;
        match admission.admit(address.ip()) {
            Ok(permit) => {
                // A small answer is not to wait for more of it.
                let _ = stream.set_nodelay(true);
                Some(Connection::new(stream, address, permit, counters.open.get_or_create(label).clone()))
            }
            Err(refusal) => {
                counters.refused(label, refusal).inc();
                self.say_refused(refusal, address.ip());
                None
            }
        }
    }

    fn say_refused(&mut self, refusal: Refusal, address: IpAddr) {
        let Some(refused) = self.refusals.note(Instant::now()) else { return };
        let Label { door } = self.doors.label;
        match refusal {
            Refusal::All => warn!(refused, "connections are refused: {door}.max_connections are open"),
            Refusal::Address => warn!(
                refused,
                %address,
                "connections are refused: {door}.max_connections_per_address are open from this address"
            ),
        }
    }

    /// Waits until the system may have room again, instead of asking it without end.
    async fn wait(&mut self, e: &io::Error) {
        self.doors.counters.failed.get_or_create(&self.doors.label).inc();
        if let Some(failures) = self.failures.note(Instant::now()) {
            let door = self.doors.label.door;
            warn!(failures, "cannot accept connections ({door}), trying on: {e}");
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Of a peer that lost its power nothing is heard any more. Accepted connections inherit this.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The peer was gone before it was accepted: the next one is fine.
fn concerns_one_peer(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests;
