//! Readings over HTTP, sent to the real binary: every form, keys, kills under load, and bodies that unpack to much.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use e2e::{Cluster, LONG, Millrace, Shape, Start, eventually, free_address};
use serde_json::{Value, json};

/// An answer: its status, its body, and whether it was given before.
struct Answer {
    status: u16,
    body: Value,
    is_replayed: bool,
}

/// Sends a request over connections that stay open.
#[derive(Clone)]
struct Http {
    agent: ureq::Agent,
    url: String,
    /// The user and password, where one is needed.
    authorization: Option<String>,
}

impl Http {
    fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .new_agent();
        Self { agent, url: url.to_owned(), authorization: None }
    }

    fn with_basic(self, user: &str, password: &str) -> Self {
        Self { authorization: Some(format!("Basic {}", base64(&format!("{user}:{password}")))), ..self }
    }

    /// # Errors
    /// There is no answer.
    fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = request.send(body).map_err(|e| e.to_string())?;
        let is_replayed = answer.headers().contains_key("idempotency-replayed");
        let text = answer.body_mut().read_to_string().map_err(|e| e.to_string())?;
        let body = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
        Ok(Answer { status: answer.status().as_u16(), body, is_replayed })
    }

    fn json(&self, path: &str, body: &str) -> Answer {
        self.send(path, &[("content-type", "application/json")], body.as_bytes()).unwrap()
    }
}

/// By a program, so that no library is needed for it.
fn base64(text: &str) -> String {
    String::from_utf8(piped("base64", &["-w0"], text.as_bytes())).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    piped("gzip", &["-9"], bytes)
}

fn piped(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut process =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = process.wait_with_output().unwrap();
    writing.join().unwrap();
    output.stdout
}

/// How often each value is stored of a device.
fn stored(shape: &impl Shape, device: &str) -> HashMap<u64, usize> {
    let mut times = HashMap::new();
    for row in shape.readings(&format!("device={device}")) {
        *times.entry(row["value"].as_f64().unwrap() as u64).or_default() += 1;
    }
    times
}

/// Programs that send one number after the other, each until it is acknowledged.
struct Senders {
    acked: Arc<Mutex<Vec<u64>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    fn start(http: &Http, device: &str, count: usize) -> Self {
        let (acked, stop, next): (Arc<Mutex<Vec<u64>>>, Arc<AtomicBool>, Arc<AtomicU64>) = Default::default();
        let send = |_| {
            let (http, acked, stop, next) = (http.clone(), Arc::clone(&acked), stop.clone(), next.clone());
            let path = format!("/api/readings/temperature/{device}");
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let (key, body) = (format!("{path}-{number}"), number.to_string());
                    let is_acked = || {
                        let answer = http.send(&path, &[("idempotency-key", &key)], body.as_bytes());
                        answer.is_ok_and(|answer| matches!(answer.status, 201 | 202))
                    };
                    let began = Instant::now();
                    while !is_acked() {
                        assert!(began.elapsed() < LONG, "{number} is not acknowledged");
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    acked.lock().unwrap().push(number);
                }
            })
        };
        Self { threads: (0..count).map(send).collect(), acked, stop }
    }

    fn acked(&self) -> usize {
        self.acked.lock().unwrap().len()
    }

    fn until_acked(&self, more: usize) {
        let before = self.acked();
        eventually(LONG, || if self.acked() >= before + more { Ok(()) } else { Err(self.acked()) });
    }

    /// Ends them, and returns what was acknowledged.
    fn finish(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let acked = self.acked.lock().unwrap();
        println!("{} readings acked over HTTP", acked.len());
        acked.clone()
    }
}

/// # Errors
/// Some are lost or stored twice.
fn each_once(acked: &[u64], stored: &HashMap<u64, usize>) -> Result<(), String> {
    let wrong: Vec<_> = acked.iter().filter(|number| stored.get(number) != Some(&1)).take(5).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:?} are not stored once")) }
}

fn counters_add_up(shape: &impl Shape, service: &str) {
    let metric = |name| shape.metric_of(service, name);
    let sum = metric("taken_total") + metric("refused_total") + metric("failed_total") + metric("in_flight");
    assert!((metric("requests_total") - sum).abs() < 0.5);
}

fn start() -> (tempfile::TempDir, Millrace, Http) {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let http = Http::new(millrace.http());
    (folder, millrace, http)
}

#[test]
fn every_form_is_stored_evaluated_and_answered() {
    let (_folder, millrace, http) = start();
    for (path, kind, body, taken) in [
        ("/api/devices/lab/data", "application/json", r#"{"type": "temperature", "value": 1}"#, 1),
        ("/api/devices/lab/data", "application/json", r#"[{"temperature": 2, "humidity": 3}]"#, 2),
        ("/api/readings", "application/json", r#"[{"topic": "temperature/lab", "value": 4}]"#, 1),
        ("/api/readings", "application/x-ndjson", r#"{"topic": "temperature/lab", "value": 5}"#, 1),
        ("/api/readings/temperature/lab", "text/plain", "6", 1),
        ("/sensors", "application/json", r#"{"device_id": "lab", "type": "temperature", "value": 7}"#, 1),
        (
            "/api/inputs/zigbee2mqtt/kitchen",
            "application/json",
            r#"{"temperature": 21.5, "linkquality": 80}"#,
            1,
        ),
    ] {
        let answer = http.send(path, &[("content-type", kind)], body.as_bytes()).unwrap();
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        assert!(answer.body["taken"].as_u64().unwrap() >= taken, "{path}: {}", answer.body);
    }
    let answer = http.json("/metric", r#"{"timestamp": 1768473000, "device_id": "lab", "cpu": 8, "rps": 9}"#);
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("accepted")));
    // A 201 is given when it is stored: nothing is waited for.
    let values = stored(&millrace, "lab");
    assert_eq!(values.len(), 9, "{values:?}");
    let exported = millrace.ask("/api/readings?device=lab&format=csv").1;
    let answer = http.send("/api/readings", &[("content-type", "text/csv")], exported.as_bytes()).unwrap();
    assert_eq!((answer.status, &answer.body["idempotent"]), (201, &json!(true)), "{}", answer.body);
    assert_eq!(stored(&millrace, "lab"), values, "what is imported again changes nothing");
    counters_add_up(&millrace, "ingest");
}

#[test]
fn a_body_that_unpacks_to_much_is_refused_and_takes_no_memory() {
    let (_folder, millrace, http) = start();
    let bomb = gzip(&vec![b' '; 512 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let before = millrace.resident_bytes();
    for _ in 0..20 {
        assert_eq!(http.send("/api/readings", &headers, &bomb).unwrap().status, 413);
    }
    let grown = millrace.resident_bytes().saturating_sub(before);
    assert!(grown < 100 * 1024 * 1024, "{grown} bytes more");
    let good = gzip(br#"[{"topic": "temperature/lab", "value": 1}]"#);
    assert_eq!(http.send("/api/readings", &headers, &good).unwrap().status, 201);
}

/// The drill `http-twice`: everything is sent twice, at once or later.
#[test]
fn what_is_sent_twice_with_a_key_is_stored_once() {
    let (_folder, millrace, http) = start();
    for number in 0..200_u64 {
        let key = format!("k{number}");
        let (key, body) = ([("idempotency-key", key.as_str())], number.to_string());
        let send = || http.send("/api/readings/temperature/twice", &key, body.as_bytes()).unwrap();
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(send);
            (send(), other.join().unwrap())
        });
        for answer in [&first, &second] {
            assert!(matches!(answer.status, 201 | 409), "{}", answer.body);
        }
        let later = send();
        assert!(later.status == 201 && later.is_replayed);
    }
    let numbers: Vec<_> = (0..200).collect();
    each_once(&numbers, &stored(&millrace, "twice")).unwrap();
    counters_add_up(&millrace, "ingest");
}

/// The drill `http-kill`: every 2xx is stored once, however often the process is killed.
#[test]
fn kills_under_load_over_http_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let mut millrace = start.set("HTTP__LISTEN", &free_address().to_string()).start();
    let senders = Senders::start(&Http::new(millrace.http()), "killed", 16);
    for turn in 0..25 {
        senders.until_acked(20 + 7 * (turn % 5));
        millrace = millrace.kill().start();
    }
    senders.until_acked(20);
    let acked = senders.finish();
    each_once(&acked, &stored(&millrace, "killed")).unwrap();
}

/// A device of the cluster with a credential: it needs no login of a person.
fn device(cluster: &Cluster, name: &str) -> (String, Http) {
    let device = cluster.device(name);
    let (status, made) = cluster.post(&format!("/api/devices/{device}/credentials"), &json!({}));
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap();
    let url = cluster.http.split_once('@').map_or(cluster.http.clone(), |(_, host)| format!("http://{host}"));
    let http = Http::new(&url).with_basic(text("user"), text("password"));
    let path = format!("/api/readings/temperature/{device}");
    // Every gateway knows it within a second.
    eventually(LONG, || match http.send(&path, &[], b"1000000") {
        Ok(answer) if answer.status == 202 => Ok(()),
        Ok(answer) => Err(answer.body.to_string()),
        Err(e) => Err(e),
    });
    std::thread::sleep(Duration::from_secs(1));
    (device, http)
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_202_of_the_cluster_is_stored_though_a_gateway_is_killed() {
    let cluster = Cluster::alone();
    let (device, http) = device(&cluster, "gateways");
    let senders = Senders::start(&http, &device, 8);
    for _ in 0..3 {
        senders.until_acked(200);
        let gateways = cluster.instances("gateway");
        assert_eq!(gateways.len(), 2);
        cluster.kill_container(&gateways[0].0);
        senders.until_acked(200);
        cluster.scale("gateway", 2);
    }
    let acked = senders.finish();
    eventually(LONG, || each_once(&acked, &stored(&cluster, &device)));
}

/// The drill `http-database-away`: what has no key is taken, what has one is not.
#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn readings_are_taken_while_the_database_is_away() {
    let cluster = Cluster::alone();
    let (device, http) = device(&cluster, "away");
    let path = format!("/api/devices/{device}/data");
    cluster.pause("timescaledb");
    for number in 0..50 {
        let body = json!({ "temperature": number }).to_string();
        let answer = http.json(&path, &body);
        assert_eq!((answer.status, &answer.body["taken"]), (202, &json!(1)), "{}", answer.body);
    }
    let headers = [("content-type", "application/json"), ("idempotency-key", "away")];
    let keyed = http.send(&path, &headers, br#"{"temperature": 50}"#).unwrap();
    assert_eq!(keyed.status, 503, "{}", keyed.body);
    cluster.unpause("timescaledb");
    eventually(LONG, || {
        let keyed = http.send(&path, &headers, br#"{"temperature": 50}"#).unwrap();
        if keyed.status == 202 { Ok(()) } else { Err(keyed.body) }
    });
    let numbers: Vec<_> = (0..=50).collect();
    eventually(LONG, || each_once(&numbers, &stored(&cluster, &device)));
}
