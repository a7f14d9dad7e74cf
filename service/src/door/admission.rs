//! How many connections may be open, in all and for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{SettingError, Settings};

/// More than one process can serve.
const MAX_CONNECTIONS: usize = 1_000_000;

/// Connections that one honest client may need.
const FEW: usize = 16;

/// The connections that may be open at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub max_connections: usize,
    /// From one address; of IPv6 from one /64 network. No limit of its own if it is not below that for all.
    pub max_connections_per_address: usize,
}

impl Limits {
    /// Reads `max_connections` and `max_connections_per_address` of a section.
    ///
    /// # Errors
    /// One of them is not a positive number.
    pub fn from_settings(settings: &Settings, section: &str) -> Result<Self, SettingError> {
        let positive = |name: &str| {
            let key = format!("{section}.{name}");
            match settings.get::<usize>(&key)? {
                count @ 1..=MAX_CONNECTIONS => Ok(count),
                _ => Err(SettingError::new(&key, format!("must be 1 to {MAX_CONNECTIONS}"))),
            }
        };
        Ok(Self {
            max_connections: positive("max_connections")?,
            max_connections_per_address: positive("max_connections_per_address")?,
        })
    }

    /// The same proportion between all and one address, for fewer connections in all. One address gets what a browser
    /// opens, but no more than three quarters of all.
    pub(super) fn scaled_to(self, max_connections: usize) -> Self {
        let per_address = self.max_connections_per_address.min(self.max_connections);
        let per_address = (per_address * max_connections / self.max_connections)
            .max(FEW)
            .min(max_connections * 3 / 4)
            .max(1);
        Self { max_connections, max_connections_per_address: per_address }
    }
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// As many connections are open as may be.
    All,
    /// As many connections are open from this address as may be.
    Address,
}

/// Counts what is open. Clones count together.
#[derive(Debug, Clone)]
pub struct Admission {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

/// Bounded by the limit of all connections: an address without one is not in it.
#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to be connected, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    address: IpAddr,
    open: Arc<Mutex<Open>>,
}

impl Admission {
    /// Nothing is open yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// What may be open.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Lets a connection in, as long as its permit is held.
    ///
    /// # Errors
    /// Too many are open: close the connection.
    pub fn admit(&self, address: IpAddr) -> Result<Permit, Refusal> {
        let address = network(address);
        let mut open = lock(&self.open);
        if open.all >= self.limits.max_connections {
            return Err(Refusal::All);
        }
        let here = open.by_address.get(&address).copied().unwrap_or_default();
        if here >= self.limits.max_connections_per_address {
            return Err(Refusal::Address);
        }
        open.all += 1;
        open.by_address.insert(address, here + 1);
        Ok(Permit { address, open: Arc::clone(&self.open) })
    }

    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        lock(&self.open).all
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all -= 1;
        match open.by_address.get_mut(&self.address) {
            Some(here) if *here > 1 => *here -= 1,
            _ => {
                open.by_address.remove(&self.address);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().expect("no code panics while it counts connections")
}

/// What counts as one address: of IPv6 a /64 network, as a client has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_connections: 3, max_connections_per_address: 2 };

    fn admission() -> Admission {
        Admission::new(LIMITS)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_does_not_take_all_places_and_gets_them_back() {
        let admission = admission();
        let (a, b) = (address("10.0.0.1"), address("10.0.0.2"));
        let first = admission.admit(a).unwrap();
        let _second = admission.admit(a).unwrap();
        assert_eq!(admission.admit(a).err(), Some(Refusal::Address));
        let _third = admission.admit(b).unwrap();
        assert_eq!(admission.admit(b).err(), Some(Refusal::All));
        drop(first);
        assert_eq!(admission.open(), 2);
        assert!(admission.admit(a).is_ok());
    }

    #[test]
    fn an_address_is_forgotten_with_its_last_connection() {
        let admission = admission();
        for last in 0..=255 {
            drop(admission.admit(IpAddr::from([10, 0, 0, last])).unwrap());
        }
        assert!(lock(&admission.open).by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_and_both_forms_of_an_ipv4_address_are_one() {
        let admission = admission();
        for (one, other) in [("fd00::1", "fd00::2"), ("10.0.0.1", "::ffff:10.0.0.1")] {
            let _permits = [admission.admit(address(one)).unwrap(), admission.admit(address(one)).unwrap()];
            assert_eq!(admission.admit(address(other)).err(), Some(Refusal::Address), "{other}");
            assert!(admission.admit(address("fd00:0:0:1::1")).is_ok());
        }
    }
}
