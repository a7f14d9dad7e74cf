//! Alerts on MQTT, against mosquitto.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use alerter::{Mqtt, Notifiers};
use serde_json::{Value, json};
use store::{Address, Channel};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::harness::{Harness, inputs, owing};
use crate::journal::BOUND;

/// A broker in a process of its own; both end with the test.
struct Mosquitto {
    _process: Child,
}

impl Mosquitto {
    async fn start(folder: &TempDir, address: SocketAddr) -> Option<Self> {
        let config = folder.path().join("mosquitto.conf");
        let text = format!("listener {} 127.0.0.1\nallow_anonymous true\n", address.port());
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let path = std::env::var("PATH").unwrap_or_default();
        let process = command.env("PATH", format!("{path}:/usr/sbin")).spawn();
        if process.is_err() && std::env::var("CI").is_err_and(|_| true) {
            return None;
        }
        let broker = Self { _process: process.expect("mosquitto is installed") };
        let up = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(BOUND, up).await.expect("mosquitto listens");
        Some(broker)
    }
}

/// Lines of `<topic> <qos> <payload>`.
async fn subscribed(address: SocketAddr) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new("mosquitto_sub");
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &address.port().to_string(),
        "-q",
        "1",
        "-t",
        "alerts/#",
        "-t",
        "ready",
    ]);
    let mut process =
        command.args(["-F", "%t %q %p"]).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ready = async {
        loop {
            let mut publish = Command::new("mosquitto_pub");
            publish.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-t", "ready", "-m", "yes"]);
            publish.status().await.unwrap();
            if timeout(Duration::from_millis(200), lines.next_line()).await.is_ok() {
                break;
            }
        }
    };
    timeout(BOUND, ready).await.expect("it subscribes");
    (process, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    loop {
        let line = timeout(BOUND, lines.next_line()).await.expect("a publish").unwrap().unwrap();
        if !line.starts_with("ready") {
            return line;
        }
    }
}

#[tokio::test]
#[ignore = "needs mosquitto: `make test`"]
async fn an_alert_is_published_and_one_for_a_broker_that_is_away_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = owing(&[]);
    let bus = Address { channel: Channel::Mqtt, to: "bus".into() };
    let url = format!("mqtt://{address}").parse().unwrap();
    let mqtt = Mqtt { url, client_id: "alerts-test".into(), inputs: inputs() };
    let Some(_broker) = Mosquitto::start(&folder, address).await else {
        say_skipped();
        return;
    };
    let (_process, mut lines) = subscribed(address).await;
    store.owe("site-a/rack-1", bus.clone());
    store.owe("lab", bus);
    let harness = Harness::start(&store, Notifiers::default().with(Channel::Mqtt, Arc::new(mqtt)));
    store.journal.has("mark lab@millrace").await;
    assert_eq!(harness.counters.messages_sent.get(), 2);
    let first = next(&mut lines).await;
    let (head, payload) = first.split_at(first.find('{').unwrap());
    assert_eq!(head, "alerts/high/site-a/rack-1 1 ");
    let expected = json!({
        "id": "site-a/rack-1", "status": "firing", "rule": "high", "severity": "warning", "device": "site-a/rack-1",
        "metric": "temperature", "condition": "above 25", "threshold": 25.0, "value": 26.1, "value_word": null, "unit": "celsius",
        "began_at": "2026-01-15T10:30:00Z", "opened_at": "2026-01-15T10:30:00Z", "judged_at": "2026-01-15T10:30:00Z",
        "peak": 26.1, "peak_word": null, "peak_at": "2026-01-15T10:30:00Z", "resolved_at": null, "resolved_value": null,
        "resolved_value_word": null,
    });
    assert_eq!(serde_json::from_str::<Value>(payload).unwrap(), expected);
    assert!(next(&mut lines).await.starts_with("alerts/high/lab 1 "));
}

#[tokio::test]
#[ignore = "needs mosquitto: `make test`"]
async fn a_broker_that_is_away_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = owing(&[]);
    store.owe("lab", Address { channel: Channel::Mqtt, to: "bus".into() });
    let mqtt = Mqtt {
        url: format!("mqtt://{address}").parse().unwrap(),
        client_id: "alerts-test".into(),
        inputs: inputs(),
    };
    let harness = Harness::start(&store, Notifiers::default().with(Channel::Mqtt, Arc::new(mqtt)));
    store.journal.has("later lab@millrace").await;
    let Some(_broker) = Mosquitto::start(&folder, address).await else {
        say_skipped();
        return;
    };
    store.journal.has("mark lab@millrace").await;
    assert_eq!(harness.counters.messages_sent.get(), 1);
}

/// Where CI is set, [`Mosquitto::start`] has failed instead.
fn say_skipped() {
    writeln!(std::io::stderr().lock(), "skipped: mosquitto is not installed").unwrap();
}
