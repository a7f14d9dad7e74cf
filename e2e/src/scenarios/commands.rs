//! Commands to devices: in order, again until they are answered, and never after their end.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails says so by a panic")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Cluster, FakeTime, LONG, Millrace, SOON, Shape, Start, Subscriber, eventually, free_address};

const DAY: i64 = 24 * 3_600;

/// Longer than a command takes that is on its way.
const QUIET: Duration = Duration::from_secs(3);

/// The edge with its data in this folder.
#[must_use]
pub fn start(folder: &Path) -> Millrace {
    Start::new(folder).start()
}

/// Registers a device.
pub fn register(shape: &impl Shape, device: &str) {
    let (status, answer) = shape.post("/api/devices", &json!({ "name": device }));
    assert_eq!(status, 201, "{answer}");
}

/// Makes a command; returns its id.
pub fn make(shape: &impl Shape, device: &str, expires_in: &str) -> String {
    let body =
        json!({ "device": device, "command": "blink", "args": { "times": 3 }, "expires_in": expires_in });
    let (status, made) = shape.post("/api/commands", &body);
    assert_eq!((status, &made["state"]), (201, &json!("queued")), "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// The command with this id.
pub fn command(shape: &impl Shape, id: &str) -> Value {
    shape.get(&format!("/api/commands/{id}"))
}

/// Waits until a command is in this state.
pub fn until_it_is(shape: &impl Shape, id: &str, state: &str, within: Duration) -> Value {
    eventually(within, || match command(shape, id) {
        command if command["state"] == state => Ok(command),
        command => Err(command),
    })
}

/// The command in a message on `commands/<device>`.
#[must_use]
pub fn heard(message: &str) -> Value {
    let (topic, payload) = message.split_once(' ').unwrap();
    assert!(topic.starts_with("commands/"), "{message}");
    serde_json::from_str(payload).unwrap()
}

/// Answers a command as its device.
pub fn answer(shape: &impl Shape, device: &str, id: &str, status: &str) {
    let result = json!({ "id": id, "status": status, "result": 3 }).to_string();
    shape.publish(&format!("results/{device}"), &["-m", &result]);
}

/// The counters of commands add up.
pub fn add_up(millrace: &Millrace) {
    let count = |name: &str| millrace.metric(&format!("millrace_commands_{name}"));
    eventually(SOON, || {
        let ended: f64 = ["done", "failed", "expired", "cancelled", "open"].map(count).iter().sum();
        if count("made") == ended { Ok(()) } else { Err((count("made"), ended)) }
    });
}

/// `command-offline`: a device that was away gets its commands in order, one at a time.
pub fn offline() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    register(&millrace, "site-a/lab");
    let ids = [(); 3].map(|()| make(&millrace, "site-a/lab", "1h"));
    sleep(QUIET);
    assert!(ids.iter().all(|id| command(&millrace, id)["state"] == "queued"), "nobody has taken them");
    // MQTT 3.1.1, a clean session: a complete client.
    let mut device = Subscriber::new(&millrace, &["-V", "mqttv311", "-t", "commands/site-a/lab"]);
    for (number, id) in (1..).zip(&ids) {
        let got = heard(&device.hear());
        assert_eq!((got["id"].as_str(), &got["n"]), (Some(id.as_str()), &json!(number)), "{got}");
        assert_eq!((&got["command"], &got["args"]), (&json!("blink"), &json!({ "times": 3 })));
        answer(&millrace, "site-a/lab", id, "accepted");
        assert_eq!(command(&millrace, id)["state"], "accepted", "the PUBACK means that it is recorded");
        answer(&millrace, "site-a/lab", id, "done");
    }
    for id in &ids {
        let done = command(&millrace, id);
        assert_eq!((&done["state"], &done["result"]), (&json!("done"), &json!(3)));
    }
    assert!(
        millrace.rows("rejected").is_empty() && millrace.readings("").is_empty(),
        "answers are no readings"
    );
    add_up(&millrace);
}

/// `command-twice`: a command whose answer is lost comes again, and is recorded once.
pub fn twice() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    millrace.publish("temperature/lab", &["-m", "21"]);
    let mut device = Subscriber::new(&millrace, &["-t", "commands/lab"]);
    let id = make(&millrace, "lab", "1h");
    assert_eq!(heard(&device.hear())["id"], *id);
    sleep(Duration::from_secs(6));
    millrace.publish("temperature/lab", &["-m", "22"]);
    assert_eq!(heard(&device.hear())["id"], *id, "the device says something, and may lack it");
    answer(&millrace, "lab", &id, "done");
    let first = command(&millrace, &id);
    for status in ["done", "accepted", "failed"] {
        answer(&millrace, "lab", &id, status);
    }
    assert_eq!(command(&millrace, &id), first, "it is recorded once");
    // Of another device, or of a command that there is not: kept as rejected.
    answer(&millrace, "other", &id, "failed");
    answer(&millrace, "lab", "unknown", "done");
    millrace.publish("results/lab", &["-m", "done"]);
    eventually(SOON, || match millrace.rows("rejected").len() {
        3 => Ok(()),
        other => Err(other),
    });
    add_up(&millrace);
}

/// A device on `mosquitto_sub` that comes back whenever it loses its connection, and answers all it gets.
struct Device {
    got: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Device {
    /// Each answer goes out until somebody takes it: mosquitto_pub gives up when the broker is away.
    fn start(address: &str, device: &'static str) -> Self {
        let (got, stop) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (list, ended) = (Arc::clone(&got), Arc::clone(&stop));
        let (host, port) =
            address.rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned())).unwrap();
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let mut subscriber = std::process::Command::new("mosquitto_sub");
                subscriber.args(["-h", &host, "-p", &port, "-q", "1", "-C", "1", "-W", "1"]);
                let output = subscriber.args(["-t", &format!("commands/{device}")]).output().unwrap();
                let Ok(command) = serde_json::from_slice::<Value>(&output.stdout) else {
                    sleep(Duration::from_millis(20));
                    continue;
                };
                let id = command["id"].as_str().unwrap().to_owned();
                list.lock().unwrap().push(id.clone());
                let result = json!({ "id": id, "status": "done" }).to_string();
                let mut publisher = std::process::Command::new("mosquitto_pub");
                publisher.args(["-h", &host, "-p", &port, "-q", "1", "-m", &result]);
                publisher.args(["-t", &format!("results/{device}")]).stderr(std::process::Stdio::null());
                // What is lost is asked for again.
                let _ = publisher.status();
            }
        });
        Self { got, stop, thread }
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn finish(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        Arc::try_unwrap(self.got).unwrap().into_inner().unwrap()
    }
}

/// `command-kill`: kills lose no command, and send none that has ended.
pub fn kill(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut millrace = Start::new(folder.path()).set("MQTT__LISTEN", &free_address().to_string()).start();
    register(&millrace, "lab");
    let device = Device::start(&millrace.mqtt, "lab");
    let mut ids = Vec::new();
    for kill in 0..kills {
        let before = device.count();
        ids.extend([(); 3].map(|()| make(&millrace, "lab", "1h")));
        eventually(LONG, || (device.count() > before).then_some(()).ok_or("the device gets nothing"));
        sleep(Duration::from_millis((kill * 37 % 200) as u64));
        millrace = millrace.kill().start();
    }
    for id in &ids {
        until_it_is(&millrace, id, "done", LONG);
    }
    add_up(&millrace);
    let settled = device.count();
    sleep(QUIET);
    let got = device.finish();
    assert_eq!(got.len(), settled, "nothing is sent after its end");
    let mut seen = HashSet::new();
    let first: Vec<_> = got.iter().filter(|id| seen.insert(id.as_str())).cloned().collect();
    assert_eq!(first, ids, "each came, in order");
    // Between two kills a command may come twice: once before its result was stored.
    assert!(got.len() <= ids.len() + 2 * kills, "{} sent for {}", got.len(), ids.len());
}

/// `command-expiry`: a command is never sent after its time, whatever the clock shows.
pub fn expiry() {
    for step in [0, DAY, -DAY] {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeTime::right(folder.path());
        let start = Start::new(&folder.path().join("data"));
        let start = clock.variables().into_iter().fold(start, |start, (name, value)| start.env(name, &value));
        let millrace = start.start();
        register(&millrace, "lab");
        let (began, id) = (Instant::now(), make(&millrace, "lab", "8s"));
        sleep(Duration::from_secs(1));
        clock.set(step);
        let expired = until_it_is(&millrace, &id, "expired", Duration::from_secs(12));
        let lived = began.elapsed();
        assert!(
            (Duration::from_secs(7)..Duration::from_secs(11)).contains(&lived),
            "{step}: {lived:?}: {expired}"
        );
        let mut device = Subscriber::new(&millrace, &["-t", "commands/lab"]);
        let next = make(&millrace, "lab", "1h");
        assert_eq!(heard(&device.hear())["id"], *next, "{step}: the other one is not sent any more");
        answer(&millrace, "lab", &id, "done");
        assert_eq!(command(&millrace, &id)["state"], "expired", "{step}");
        answer(&millrace, "lab", &next, "done");
        assert_eq!(command(&millrace, &next)["state"], "done", "{step}");
        add_up(&millrace);
    }
}

/// `command-node`: a killed gateway, node or database loses no command.
pub fn node(cluster: &Cluster) {
    let device = cluster.device("commanded");
    register(cluster, &device);
    for service in ["gateway", "rabbitmq1", "timescaledb", "gateway"] {
        let id = make(cluster, &device, "1h");
        cluster.kill(service);
        cluster.start(service);
        let mut subscriber = Subscriber::new(cluster, &["-t", &format!("commands/{device}")]);
        assert_eq!(heard(&subscriber.hear())["id"], *id, "{service}");
        answer(cluster, &device, &id, "done");
        until_it_is(cluster, &id, "done", LONG);
    }
}
