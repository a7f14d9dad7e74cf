//! However much is asked for, little is held: a test alone, since it looks at the memory of its process.

#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Commanding, Ingest, IngestLimits, ReadingPublisher, Resend};
use async_trait::async_trait;
use bytes::Bytes;
use commands::{Counters, Inbox, Listener};
use dashboard::{Ages, Live, Pipeline, Server, serve};
use jiff::Timestamp;
use service::{Health, HttpConfig, Incoming, Intake, Metrics, Promise, Taken};
use store::{Batch, ReadingStore, Sqlite};
use telemetry::{Reading, Series};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const READINGS: usize = 500_000;

/// The buffers of store, server and sockets; the body has 67 MB.
const MAX_GROWTH_BYTES: u64 = 24 * 1024 * 1024;

async fn fill(store: &Sqlite) {
    let topic = Series::parse("temperature/site-a/lab").unwrap();
    let reading = |number: usize| Reading {
        series: topic.clone(),
        value: number as f64,
        unit: Some("celsius".into()),
        measured_at: Timestamp::from_millisecond(number as i64).unwrap(),
        received_at: Timestamp::UNIX_EPOCH,
        boot: Some(1),
        seq: Some(number as u64),
    };
    for first in (0..READINGS).step_by(10_000) {
        let readings = (first..first + 10_000).map(reading).collect();
        store.write(&Batch { readings, ..Batch::default() }.into()).await.unwrap();
    }
}

const NO_READINGS: IngestLimits = IngestLimits { max_waiting: 1, max_bytes: 0, max_idempotency_keys: 0 };

struct NoBroker;

#[async_trait]
impl ReadingPublisher for NoBroker {
    async fn publish(&self, _: &Series, _: Vec<Bytes>) -> anyhow::Result<()> {
        anyhow::bail!("there is no broker")
    }
}

impl Intake for NoBroker {
    fn promise(&self) -> Promise {
        Promise::Stored
    }

    fn stamp(&self, _: usize) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn take_in(&self, _: Incoming<'_>) -> Taken {
        unreachable!("nobody sends")
    }
}

fn commanding(store: Arc<Sqlite>) -> Commanding {
    let inbox = Inbox::new(store, Counters::register(&Metrics::default()), Listener::default());
    Commanding::new(commands::Config::default(), inbox)
}

async fn start(store: Arc<Sqlite>) -> SocketAddr {
    let http = HttpConfig::admin("127.0.0.1:0".parse().unwrap());
    let door = service::admin_door(http.listen, &Metrics::default()).unwrap();
    let address = door.local_addr();
    let clock: Arc<dyn telemetry::Clock> = Arc::new(telemetry::SystemClock::default());
    let day = Duration::from_secs(24 * 60 * 60);
    let decoder = service::Decoder::new(telemetry::Inputs::default(), &Metrics::default());
    let server = Server {
        oidc: None,
        cache: None,
        live: Live::new(Ages { stale_after: day, offline_after: day * 2 }, clock.clone()),
        store: store.clone(),
        access: access::Authority::new(store.as_ref(), clock.clone()).unwrap(),
        broker: Arc::new(api::forms::Broker::default()),
        resend: Resend::new(Arc::new(NoBroker), decoder.inputs(), clock.clone()),
        ingest: Ingest::new(Arc::new(NoBroker), None, NO_READINGS, &Metrics::default()),
        commanding: commanding(store.clone()),
        health: Health::default(),
        metrics: Metrics::default(),
        pipeline: Pipeline::new(clock.clone()),
        max_clients: http.limits,
        decoder,
        public_url: String::new(),
        limits: api::Limits::default(),
        clock,
        stop: CancellationToken::new(),
    };
    tokio::spawn(serve(door, None, http, server));
    address
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Reads an answer to its end: its bytes, its lines, and the most memory that was in use meanwhile.
async fn read(address: SocketAddr, path: &str) -> (usize, usize, u64) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut bytes, mut lines, mut most) = (0, 0, 0);
    let mut part = vec![0; 256 * 1024];
    loop {
        let read = stream.read(&mut part).await.unwrap();
        if read == 0 {
            return (bytes, lines, most);
        }
        bytes += read;
        lines += part[..read].iter().filter(|byte| **byte == b'\n').count();
        most = most.max(resident_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_million_readings_are_sent_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE)).unwrap());
    fill(&store).await;
    let address = start(store).await;
    // Once before, so that what stays for good is there.
    read(address, "/api/readings?format=csv&limit=20000").await;
    let before = resident_bytes();
    let start = std::time::Instant::now();
    let (bytes, lines, most) = read(address, "/api/readings?format=csv").await;
    let growth = most.saturating_sub(before);
    println!("{bytes} bytes in {:?}, {growth} more in use", start.elapsed());
    assert!(bytes > 50 * 1024 * 1024 && lines > READINGS, "{bytes} bytes, {lines} lines");
    assert!(growth < MAX_GROWTH_BYTES, "{growth} bytes for a body of {bytes}");
}
