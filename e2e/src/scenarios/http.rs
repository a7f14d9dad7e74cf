//! Readings over HTTP: each that is acknowledged is stored once.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails says so by a panic")]

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Cluster, LONG, Millrace, Shape, Start, eventually, free_address};

/// An answer: its status, its body, and whether it was given before.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Value,
    /// Whether it was given before.
    pub is_replayed: bool,
}

/// Sends a request over connections that stay open.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
    url: String,
    /// The user and password, where one is needed.
    authorization: Option<String>,
}

impl Http {
    /// To the server at this address.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .new_agent();
        Self { agent, url: url.to_owned(), authorization: None }
    }

    /// With a user and a password.
    #[must_use]
    pub fn with_basic(self, user: &str, password: &str) -> Self {
        Self { authorization: Some(format!("Basic {}", base64(&format!("{user}:{password}")))), ..self }
    }

    /// Sends a body.
    ///
    /// # Errors
    /// There is no answer.
    pub fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
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

    /// Sends JSON.
    #[must_use]
    pub fn json(&self, path: &str, body: &str) -> Answer {
        self.send(path, &[("content-type", "application/json")], body.as_bytes()).unwrap()
    }
}

/// What a program makes of an input.
#[must_use]
pub fn piped(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut process =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = process.wait_with_output().unwrap();
    writing.join().unwrap();
    output.stdout
}

/// By a program, so that no library is needed for it.
fn base64(text: &str) -> String {
    String::from_utf8(piped("base64", &["-w0"], text.as_bytes())).unwrap()
}

/// How often each value is stored of a device.
pub fn stored(shape: &impl Shape, device: &str) -> HashMap<u64, usize> {
    let mut times = HashMap::new();
    for row in shape.readings(&format!("device={device}")) {
        *times.entry(row["value"].as_f64().unwrap() as u64).or_default() += 1;
    }
    times
}

/// Programs that send one number after the other, each until it is acknowledged.
#[derive(Debug)]
pub struct Senders {
    acked: Arc<Mutex<Vec<u64>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    /// Starts so many of them.
    #[must_use]
    pub fn start(http: &Http, device: &str, count: usize) -> Self {
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

    /// How many are acknowledged.
    #[must_use]
    pub fn acked(&self) -> usize {
        self.acked.lock().unwrap().len()
    }

    /// Waits until so many more are.
    pub fn until_acked(&self, more: usize) {
        let before = self.acked();
        eventually(LONG, || if self.acked() >= before + more { Ok(()) } else { Err(self.acked()) });
    }

    /// Ends them, and returns what was acknowledged.
    #[must_use]
    pub fn finish(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let acked = self.acked.lock().unwrap();
        acked.clone()
    }
}

/// Whether each number is stored once.
///
/// # Errors
/// Some are lost or stored twice.
pub fn each_once(acked: &[u64], stored: &HashMap<u64, usize>) -> Result<(), String> {
    let wrong: Vec<_> = acked.iter().filter(|number| stored.get(number) != Some(&1)).take(5).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:?} are not stored once")) }
}

/// The counters of requests add up.
pub fn counters_add_up(shape: &impl Shape, service: &str) {
    let metric = |name| shape.metric_of(service, name);
    let sum = metric("taken_total") + metric("refused_total") + metric("failed_total") + metric("in_flight");
    assert!((metric("requests_total") - sum).abs() < 0.5);
}

/// The edge, with its folder, and a client.
#[must_use]
pub fn start() -> (tempfile::TempDir, Millrace, Http) {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let http = Http::new(millrace.http());
    (folder, millrace, http)
}

/// `http-twice`: everything is sent twice, at once or later, and stored once.
pub fn twice() {
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

/// `http-kill`: every 2xx is stored once, however often the process is killed.
pub fn kill() {
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
    counters_add_up(&millrace, "ingest");
}

/// A device of the cluster with a credential: it needs no login of a person.
#[must_use]
pub fn device(cluster: &Cluster, name: &str) -> (String, Http) {
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

/// `http-database-away`: what has no key is taken while the database is away, what has one is not.
pub fn database_away(cluster: &Cluster) {
    let (device, http) = device(cluster, "away");
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
    eventually(LONG, || each_once(&numbers, &stored(cluster, &device)));
}
