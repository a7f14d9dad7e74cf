//! Addresses that other machines can use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address by which others reach a listener: one that listens on all addresses is reached at the one that this
/// machine has in its network, or at loopback where there is none.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(in_network(listen.ip()), listen.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(in_network(listen.ip()), listen.port()),
        _ => listen,
    }
}

fn in_network(unspecified: IpAddr) -> IpAddr {
    // Addresses for documentation. Connecting sends nothing: the system only looks up its own address for the way there.
    let (elsewhere, loopback): (IpAddr, IpAddr) = match unspecified {
        IpAddr::V4(_) => (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), Ipv6Addr::LOCALHOST.into()),
    };
    let own = UdpSocket::bind((unspecified, 0)).and_then(|socket| {
        socket.connect((elsewhere, 9))?;
        socket.local_addr()
    });
    own.map_or(loopback, |own| own.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_at_one_of_them() {
        for listen in ["0.0.0.0:1883", "[::]:1883"] {
            let listen: SocketAddr = listen.parse().unwrap();
            let found = reachable(listen);
            assert!(!found.ip().is_unspecified() && found.is_ipv4() == listen.is_ipv4(), "{found}");
            assert_eq!(found.port(), 1883);
        }
        let listen = "10.1.2.3:80".parse().unwrap();
        assert_eq!(reachable(listen), listen);
    }
}
