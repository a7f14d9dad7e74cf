//! Commands to devices, with the real process and real clients: in order, again until they are answered, and never after
//! their end.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use e2e::{FakeTime, LONG, Millrace, SOON, Shape as _, Start, Subscriber, eventually, free_address};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3_600;

/// Longer than a command takes that is on its way.
const QUIET: Duration = Duration::from_secs(3);

fn start(folder: &Path) -> Millrace {
    Start::new(folder).start()
}

fn register(millrace: &Millrace, device: &str) {
    let (status, answer) = millrace.post("/api/devices", &json!({ "name": device }));
    assert_eq!(status, 201, "{answer}");
}

/// Makes a command; returns its id.
fn make(millrace: &Millrace, device: &str, expires_in: &str) -> String {
    let body =
        json!({ "device": device, "command": "blink", "args": { "times": 3 }, "expires_in": expires_in });
    let (status, made) = millrace.post("/api/commands", &body);
    assert_eq!((status, &made["state"]), (201, &json!("queued")), "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn command(millrace: &Millrace, id: &str) -> Value {
    millrace.get(&format!("/api/commands/{id}"))
}

fn until_it_is(millrace: &Millrace, id: &str, state: &str, within: Duration) -> Value {
    eventually(within, || match command(millrace, id) {
        command if command["state"] == state => Ok(command),
        command => Err(command),
    })
}

/// The command in a message on `commands/<device>`.
fn heard(message: &str) -> Value {
    let (topic, payload) = message.split_once(' ').unwrap();
    assert!(topic.starts_with("commands/"), "{message}");
    serde_json::from_str(payload).unwrap()
}

fn answer(millrace: &Millrace, device: &str, id: &str, status: &str) {
    let result = json!({ "id": id, "status": status, "result": 3 }).to_string();
    millrace.publish(&format!("results/{device}"), &["-m", &result]);
}

/// The counters of commands add up.
fn add_up(millrace: &Millrace) {
    let count = |name: &str| millrace.metric(&format!("millrace_commands_{name}"));
    eventually(SOON, || {
        let ended: f64 = ["done", "failed", "expired", "cancelled", "open"].map(count).iter().sum();
        if count("made") == ended { Ok(()) } else { Err((count("made"), ended)) }
    });
}

#[test]
fn a_device_that_was_away_gets_its_commands_in_order_and_one_at_a_time() {
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

#[test]
fn a_command_whose_answer_is_lost_comes_again_and_is_recorded_once() {
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

#[test]
fn kills_lose_no_command_and_send_none_that_has_ended() {
    const KILLS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let mut millrace = Start::new(folder.path()).set("MQTT__LISTEN", &free_address().to_string()).start();
    register(&millrace, "lab");
    let device = Device::start(&millrace.mqtt, "lab");
    let mut ids = Vec::new();
    for kill in 0..KILLS {
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
    assert!(got.len() <= ids.len() + 2 * KILLS, "{} sent for {}", got.len(), ids.len());
}

#[test]
fn a_command_is_never_sent_after_its_time_whatever_the_clock_shows() {
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

#[test]
fn a_device_without_mqtt_gets_commands_and_answers_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let (status, made) = millrace.post("/api/devices/site-a.lab/credentials", &json!({}));
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let authorization = format!("Bearer {}:{}", text("user"), text("password"));
    let ask = |path: &str| {
        let url = format!("{}{path}", millrace.http);
        let mut answer = ureq::get(url).header("authorization", &authorization).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    assert_eq!(ask("/commands?wait=0s").0, 204);
    let (sent, got) = std::thread::scope(|scope| {
        let waits = scope.spawn(|| ask("/commands?wait=20s"));
        sleep(Duration::from_secs(1));
        (make(&millrace, "site-a/lab", "1h"), waits.join().unwrap())
    });
    let command_got: Value = serde_json::from_str(&got.1).unwrap();
    assert_eq!((got.0, command_got["id"].as_str()), (200, Some(sent.as_str())), "{got:?}");
    assert_eq!(command(&millrace, &sent)["state"], "sent");
    let url = format!("{}/api/devices/site-a.lab/commands/{sent}/result", millrace.http);
    let result = json!({ "status": "done", "result": { "blinked": 3 } });
    let recorded = ureq::post(url).header("authorization", &authorization).send_json(&result).unwrap();
    assert_eq!(recorded.status(), 200);
    assert_eq!(command(&millrace, &sent)["result"], json!({ "blinked": 3 }));
    assert_eq!(ask("/commands").0, 204);
    add_up(&millrace);
}

#[test]
fn a_simulated_sensor_does_what_it_is_told_and_becomes_what_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(folder.path()).set("SENSORS__COUNT", "1").start();
    let device = "data_center_a1";
    eventually(SOON, || (!millrace.rows_of("series", device).is_empty()).then_some(()).ok_or("not heard"));
    for (name, args, state) in [
        ("set-interval", json!({ "seconds": 0.2 }), "done"),
        ("blink", json!({ "times": 1 }), "done"),
        ("fly", json!(null), "failed"),
    ] {
        let (status, made) =
            millrace.post("/api/commands", &json!({ "device": device, "command": name, "args": args }));
        assert_eq!(status, 201, "{made}");
        let ended = until_it_is(&millrace, made["id"].as_str().unwrap(), state, LONG);
        assert!(!ended["accepted_at"].is_null(), "{ended}");
    }
    let url = format!("{}/api/devices/{device}/desired", millrace.http);
    assert_eq!(ureq::put(url).send_json(json!({ "interval": 0.5 })).unwrap().status(), 200);
    eventually(LONG, || match millrace.get(&format!("/api/devices/{device}/twin")) {
        twin if twin["reported_version"] == 1 && twin["in_sync"] == true => Ok(()),
        twin => Err(twin),
    });
    add_up(&millrace);
}

#[test]
fn a_plug_with_tasmota_is_switched_and_its_answer_is_result_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let (status, answer) = millrace.post("/api/devices", &json!({ "name": "plug", "type": "tasmota" }));
    assert_eq!(status, 201, "{answer}");
    let mut plug = Subscriber::new(&millrace, &["-t", "cmnd/plug/#"]);
    let power = |state: &str| {
        let body = json!({ "device": "plug", "command": "power", "args": { "state": state } });
        millrace.post("/api/commands", &body)
    };
    let (status, refused) = power("LOUD");
    assert_eq!(status, 400, "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("args.state must be one of"), "{refused}");
    let (status, made) = power("ON");
    assert_eq!(status, 201, "{made}");
    assert_eq!(plug.hear(), "cmnd/plug/POWER ON");
    millrace.publish("stat/plug/POWER", &["-m", "ON"]);
    let done = until_it_is(&millrace, made["id"].as_str().unwrap(), "done", SOON);
    assert_eq!(done["result"], "ON");
    eventually(SOON, || match millrace.readings("").len() {
        1 => Ok(()),
        other => Err(other),
    });
    assert!(millrace.rows("rejected").is_empty());
    add_up(&millrace);
}

#[test]
fn a_device_carries_the_connection_by_which_it_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    millrace.publish("temperature/lab", &["-m", "21"]);
    let device = || millrace.get("/api/devices/lab");
    eventually(SOON, || match device()["connection"].is_null() {
        true => Ok(()),
        false => Err(device()),
    });
    let mut gateway = millrace.mosquitto("mosquitto_pub");
    gateway.args(["-i", "gate-7", "-q", "1", "-t", "temperature/lab", "-l"]);
    gateway.args(["--will-topic", "status/lab", "--will-payload", "gone", "--will-retain"]);
    let mut gateway = gateway.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(gateway.stdin.as_mut().unwrap(), b"22\n").unwrap();
    let connection = eventually(SOON, || match &device()["connection"] {
        Value::Null => Err("it has not spoken yet"),
        connection => Ok(connection.clone()),
    });
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert_eq!(connection["client_id"], "gate-7");
    assert!(connection["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{connection}");
    assert_eq!(connection["last_will"], json!({ "topic": "status/lab", "payload": "gone", "retain": true }));
}
