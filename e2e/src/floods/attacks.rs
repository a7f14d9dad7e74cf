//! What strangers and devices have done to brokers, each bounded by a number and by time.

use std::net::{SocketAddr, TcpStream};

use super::askers;
use super::peer::{Held, LARGE, PATIENCE, held, large, published};
use crate::mqtt::{Client, Connect, Endpoint, Publish, Subscribe, Version, Will, packet, pingreq};

/// One flood.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    pub name: &'static str,
    /// What is done, for the table.
    pub what: &'static str,
    pub(super) peer: Peer,
}

/// Who floods: it does so when it is called, and returns what has to stay open meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    /// A client of the broker.
    Device(fn(Endpoint) -> Held),
    /// Somebody who asks the page and its API, after clients of the broker have published something to ask for.
    Asker(fn(Endpoint, SocketAddr) -> Held),
}

impl Flood {
    /// How many connections of its address are let in, at most.
    #[must_use]
    pub const fn most_connections(&self) -> usize {
        match self.peer {
            Peer::Device(_) => 2_000,
            Peer::Asker(_) => 200,
        }
    }
}

/// All floods.
pub const FLOODS: &[Flood] = &[
    Flood { name: "silent", what: "1,500 connections that say nothing", peer: Peer::Device(silent) },
    Flood {
        name: "halves",
        what: "200 connections, each with 900 kB of a packet of 1 MB",
        peer: Peer::Device(halves),
    },
    Flood {
        name: "qos2",
        what: "600 publishes of 900 kB at QoS 2, never released",
        peer: Peer::Device(qos2),
    },
    Flood {
        name: "sessions",
        what: "2,000 sessions that are away, and 6 messages of 60 kB for each",
        peer: Peer::Device(sessions),
    },
    Flood {
        name: "wills",
        what: "1,500 clients with a delayed will of 60 kB, cut off",
        peer: Peer::Device(wills),
    },
    Flood { name: "filters", what: "400 clients with 100 filters each", peer: Peer::Device(filters) },
    Flood {
        name: "one_packet",
        what: "200,000 wrong filters in one packet, 20 times",
        peer: Peer::Device(one_packet),
    },
    Flood { name: "names", what: "400 user names of 60 kB", peer: Peer::Device(names) },
    Flood {
        name: "retained",
        what: "130 retained messages of 900 kB, and 3,000 small ones",
        peer: Peer::Device(retained),
    },
    Flood {
        name: "slow_subscriber",
        what: "a subscriber that reads nothing of 300 messages of 900 kB",
        peer: Peer::Device(slow),
    },
    Flood {
        name: "unread",
        what: "200,000 PINGREQs by clients that read nothing",
        peer: Peer::Device(unread),
    },
    Flood { name: "rejected", what: "300 wrong payloads of 900 kB", peer: Peer::Device(rejected) },
    Flood {
        name: "malformed",
        what: "2,000 connections with a malformed packet",
        peer: Peer::Device(malformed),
    },
    Flood {
        name: "idle_askers",
        what: "1,500 connections to the page: silent, or with half of a head",
        peer: Peer::Asker(askers::idle),
    },
    Flood {
        name: "pages",
        what: "1,500 pages of one address, which read nothing",
        peer: Peer::Asker(askers::pages),
    },
    Flood {
        name: "tables",
        what: "150 tables of 100,000 readings, asked for and not read",
        peer: Peer::Asker(askers::tables),
    },
    Flood {
        name: "rejected_lists",
        what: "300 payloads of 900 kB that are no text, listed by 30 askers at once",
        peer: Peer::Asker(askers::rejected_lists),
    },
];

fn silent(endpoint: Endpoint) -> Held {
    held((0..1_500).filter_map(|_| TcpStream::connect(endpoint.address).ok()))
}

fn halves(endpoint: Endpoint) -> Held {
    let half = packet(0x30, &vec![b'x'; 1_000_000])[..LARGE].to_vec();
    held((0..200).map(|number| {
        let mut client = endpoint.connect(&format!("half-{number}"));
        client.send_some(&half);
        client
    }))
}

fn qos2(endpoint: Endpoint) -> Held {
    let mut clients = vec![endpoint.connect("flood-0")];
    for number in 0..600 {
        let client = clients.last_mut().expect("a client");
        client.send(&Publish::new("status/flood", large()).qos(2, number + 1).written(endpoint.version));
        if client.next_within(crate::SOON).is_err() {
            clients.push(endpoint.connect(&format!("flood-{number}")));
        }
        if clients.len() > PATIENCE {
            break;
        }
    }
    held(clients)
}

fn sessions(endpoint: Endpoint) -> Held {
    let lasting = |number: usize| Connect::new(endpoint.version, &format!("away-{number}")).lasting(u32::MAX);
    for number in 0..2_000 {
        let mut client = endpoint.open();
        client.send(&lasting(number).written());
        client.send(&Subscribe::new(1, &[("status/flood", 1)]).written(endpoint.version));
        // The CONNACK and the SUBACK, or a refusal.
        let _ = client.next_within(crate::SOON).and_then(|_| client.next_within(crate::SOON));
    }
    published(endpoint, (0..6).map(|_| Publish::new("status/flood", &large()[..60_000])));
    Held::new()
}

fn wills(endpoint: Endpoint) -> Held {
    use crate::mqtt::{Properties, property};
    let endpoint = Endpoint { version: Version::V5, ..endpoint };
    let properties = Properties::default().four(property::WILL_DELAY, 600);
    let payload = large()[..60_000].to_vec();
    for number in 0..1_500 {
        let will = Will {
            properties: properties.clone(),
            payload: payload.clone(),
            ..Will::new("status/flood", "")
        };
        let connect = Connect::new(Version::V5, &format!("will-{number}")).lasting(600).with_will(will);
        let mut client = endpoint.open();
        client.send(&connect.written());
        let _ = client.next_within(crate::SOON);
    }
    Held::new()
}

fn filters(endpoint: Endpoint) -> Held {
    held((0..400).map(|number| {
        let mut client = endpoint.connect(&format!("filters-{number}"));
        let filters: Vec<String> = (0..100).map(|filter| format!("+/none-{number}/{filter}/#")).collect();
        let filters: Vec<(&str, u8)> = filters.iter().map(|filter| (filter.as_str(), 0)).collect();
        client.subscribe_with(&Subscribe::new(1, &filters));
        client
    }))
}

fn one_packet(endpoint: Endpoint) -> Held {
    let filters = vec![("##", 0); 200_000];
    let subscribe = Subscribe::new(1, &filters).written(endpoint.version);
    for _ in 0..20 {
        let mut client = endpoint.connect("flood");
        client.send(&subscribe);
        let _ = client.next_within(crate::SOON);
    }
    Held::new()
}

fn names(endpoint: Endpoint) -> Held {
    for number in 0..400 {
        let user = format!("{number}{}", "n".repeat(60_000)).into_bytes();
        let password = Some(b"wrong".to_vec());
        let connect = Connect { user: Some(user), password, ..Connect::new(endpoint.version, "name") };
        let mut client = endpoint.open();
        client.send(&connect.written());
        let _ = client.next_within(crate::SOON);
    }
    Held::new()
}

fn retained(endpoint: Endpoint) -> Held {
    let topic = |number: usize| format!("status/flood-{number}");
    let few = (0..130).map(|number| Publish::new(&topic(number), large()).retained());
    published(endpoint, few.chain((200..3_200).map(|number| Publish::new(&topic(number), "x").retained())));
    Held::new()
}

fn slow(endpoint: Endpoint) -> Held {
    let mut subscriber = endpoint.connect("slow");
    subscriber.subscribe("status/flood", 1);
    published(endpoint, (0..300).map(|_| Publish::new("status/flood", large())));
    held([subscriber])
}

fn unread(endpoint: Endpoint) -> Held {
    let pings = pingreq().repeat(10_000);
    held((0..20).map(|number| {
        let mut client = endpoint.connect(&format!("unread-{number}"));
        client.send_some(&pings);
        client
    }))
}

fn rejected(endpoint: Endpoint) -> Held {
    published(endpoint, (0..300).map(|_| Publish::new("temperature/flood", large())));
    Held::new()
}

fn malformed(endpoint: Endpoint) -> Held {
    for number in 0..2_000 {
        let mut client: Client = endpoint.open();
        if number % 2 == 0 {
            client.send(&Connect::new(endpoint.version, &format!("malformed-{number}")).written());
        }
        client.send(&[0x36, 2, 0, 0]);
        while client.next_within(crate::SOON).is_ok() {}
    }
    Held::new()
}
