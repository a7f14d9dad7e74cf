//! Addresses that can be listened on again after a restart.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{SocketAddr, TcpListener};

/// Below the range from which Linux gives ports to outgoing connections: no connection gets one while it is free.
const PORTS: std::ops::Range<u64> = 10_000..32_000;

/// A free address of this machine that stays free during a restart.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free_address() -> SocketAddr {
    let random = || RandomState::new().build_hasher().finish();
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let tries = (0..100).map(|_| address((PORTS.start + random() % (PORTS.end - PORTS.start)) as u16));
    tries.into_iter().find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}
