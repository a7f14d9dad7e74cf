//! Runs cases, many at once, each with topics and client ids of its own.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Version};
use e2e::{Millrace, Start};

/// Cases that run at once: most of them wait.
const AT_ONCE: usize = 12;

/// Time in which a server would have sent what it must not send.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(200);

/// A malformed packet, or a protocol error.
pub(crate) const MALFORMED: &[u8] = &[0x81, 0x82];

/// What a conforming server does.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The versions of MQTT in which it runs, each with the statements that it shows.
    pub(crate) clauses: &'static [(Version, &'static str)],
    pub(crate) run: fn(&Scope),
}

/// A table of cases: the function, and for each version that it runs in the statements that it shows.
macro_rules! cases {
    ($($name:ident $(v31: $v31:literal)? $(v311: $v311:literal)? $(v5: $v5:literal)?;)*) => {
        pub(crate) const CASES: &[$crate::suite::Case] = &[$($crate::suite::Case {
            name: stringify!($name),
            clauses: &[
                $((e2e::mqtt::Version::V31, $v31),)?
                $((e2e::mqtt::Version::V311, $v311),)?
                $((e2e::mqtt::Version::V5, $v5),)?
            ],
            run: $name,
        }),*];
    };
}
pub(crate) use cases;

/// The server that is tested.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Ours, which always gives a reason in MQTT 5.
    ours: Option<(Millrace, tempfile::TempDir)>,
}

impl Server {
    /// The one at `MQTT_ADDRESS`, or a fresh millrace.
    pub(crate) fn of_the_test() -> Self {
        match std::env::var("MQTT_ADDRESS") {
            Ok(address) => Self::at(address.parse().expect("MQTT_ADDRESS is an address and a port")),
            Err(_) => Self::fresh(),
        }
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, ours: None }
    }

    fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let millrace = Start::new(&folder.path().join("data")).start();
        Self { address: millrace.mqtt.parse().unwrap(), ours: Some((millrace, folder)) }
    }
}

/// What a case works with.
pub(crate) struct Scope {
    pub(crate) endpoint: Endpoint,
    /// Part of all its client ids and topics.
    name: String,
    /// Ours: a reason must be given where MQTT 5 lets a server choose, and there are limits.
    pub(crate) strict: bool,
}

/// Runs the cases in each of their versions, and returns what failed.
pub(crate) fn failures(
    server: &Server,
    chapter: &str,
    cases: &[Case],
    known: impl Fn(&Case) -> bool + Sync,
) -> Vec<String> {
    let wanted = std::env::var("MQTT_CASE").unwrap_or_default();
    let runs = cases.iter().flat_map(|case| case.clauses.iter().map(move |clause| (case, clause.0)));
    let runs = runs.filter(|(case, _)| case.name.contains(&wanted) && known(case));
    let (runs, failed) = (Mutex::new(runs), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                while let Some((case, version)) = next(&runs) {
                    let failure = failure(server, case, version);
                    let place = format!("{chapter}::{} (MQTT {})", case.name, version.name());
                    let described = failure.map(|failure| format!("{place}: {failure}"));
                    failed.lock().unwrap().extend(described);
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

fn next<T>(runs: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    runs.lock().unwrap().next()
}

fn failure(server: &Server, case: &Case, version: Version) -> Option<String> {
    let endpoint = Endpoint { address: server.address, version };
    // A server that is tested again may still have sessions of the run before.
    let name = format!("{}-v{}-{}", case.name.replace('_', "-"), version as u8, std::process::id());
    let scope = Scope { endpoint, name, strict: server.ours.is_some() };
    caught(|| (case.run)(&scope)).err()
}

/// The message of a panic.
fn caught(run: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
    })
}

impl Scope {
    pub(crate) fn version(&self) -> Version {
        self.endpoint.version
    }

    pub(crate) fn is_v5(&self) -> bool {
        self.version() == Version::V5
    }

    /// A client id that no other case uses.
    pub(crate) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// A topic (or a filter) that no other case uses.
    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    /// A CONNECT with a clean session.
    pub(crate) fn request(&self, name: &str) -> Connect {
        Connect::new(self.version(), &self.id(name))
    }

    /// Connects with a clean session.
    pub(crate) fn connect(&self, name: &str) -> Client {
        self.endpoint.connect(&self.id(name))
    }

    /// Resumes (or begins) a session that lasts.
    pub(crate) fn resume(&self, name: &str) -> Client {
        self.endpoint.connect_as(&self.request(name).lasting(600))
    }

    /// A publisher, and a subscriber to one filter.
    pub(crate) fn pair(&self, filter: &str, options: u8) -> (Client, Client) {
        let mut subscriber = self.connect("subscriber");
        assert_eq!(subscriber.subscribe(filter, options), options & 3);
        (self.connect("publisher"), subscriber)
    }

    /// The server refuses a CONNECT and closes; `codes` are the return codes that MQTT 3.1.1 allows here, if any.
    pub(crate) fn refused(&self, connect: &[u8], codes: &[u8]) {
        let refused = caught(|| self.check_refused(connect, codes));
        refused.unwrap_or_else(|e| panic!("{e} after {connect:02x?}"));
    }

    fn check_refused(&self, connect: &[u8], codes: &[u8]) {
        let mut client = self.endpoint.open();
        client.send(connect);
        let came = client.closed_raw();
        match came.as_slice() {
            [] => {}
            [0x20, _, 0, code, ..] if self.is_v5() => assert!(*code >= 0x80 || *code == 1, "{came:02x?}"),
            [0x20, 2, 0, code] => assert!(codes.contains(code), "return code {code}"),
            other => panic!("not a CONNACK that refuses: {other:02x?}"),
        }
    }

    /// The server ends this connection; in MQTT 5, if it gives a reason, then one of these.
    pub(crate) fn ended(&self, client: &mut Client, reasons: &[u8]) {
        let packets = client.closed().0;
        match packets.as_slice() {
            [] => assert!(!self.is_v5() || !self.strict, "closed without a reason"),
            [Packet::Disconnect { reason, .. }] => assert!(reasons.contains(reason), "reason {reason:#04x}"),
            other => panic!("expected the end of the connection: {other:?}"),
        }
    }

    /// The server ends a connection of this client on receipt of these bytes.
    pub(crate) fn ends_on(&self, name: &str, bytes: &[u8], reasons: &[u8]) {
        let mut client = self.connect(name);
        client.send(bytes);
        let ended = caught(|| self.ended(&mut client, reasons));
        ended.unwrap_or_else(|e| panic!("{e} after {bytes:02x?}"));
    }

    /// Nothing has come to the subscriber of all that the publisher has sent.
    pub(crate) fn nothing_came(&self, publisher: &mut Client, subscriber: &mut Client) {
        let marker = format!("marker-{}", self.name);
        subscriber.subscribe(&marker, 0);
        publisher.send(&Publish::new(&marker, "marker").written(self.version()));
        subscriber.hear("marker");
        subscriber.unsubscribe(&marker);
    }

    /// Publishes at a QoS and waits for all acknowledgements.
    pub(crate) fn publish(&self, publisher: &mut Client, topic: &str, payload: &str, qos: u8) {
        let reason = publisher.publish(&Publish::new(topic, payload).qos(qos, 0));
        assert!(reason < 0x80, "{topic}: reason {reason:#04x}");
    }
}
