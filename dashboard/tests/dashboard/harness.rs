//! A dashboard that runs, between a broker and a store in a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::Authority;
use api::{Commanding, Ingest, IngestLimits, Limits, Resend};
use broker::{ConnectionStatus, Delivery};
use bytes::Bytes;
use dashboard::{Ages, Live, Pipeline, Server, relay, serve};
use jiff::Timestamp;
use service::{Decoder, Doors, Health, HttpConfig, Limits as PageLimits, MappingsFile, Metrics, Settings};
use store::{
    Address, Batch, Changes, Channel, Incident, Incidents, ReadingStore, RejectedMessage, Sqlite, Transition,
};
use telemetry::{Decoded, Message, Reading, Series};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::ingest::ToStore;
use crate::resend::Heard;
use crate::watcher::Watcher;

/// Longer than anything takes where nothing is wrong.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// More connections than any test opens.
const OPEN: PageLimits = PageLimits { max_connections: 1_000, max_connections_per_address: 1_000 };

/// So many pages, and all of them from one address.
pub(crate) fn pages(max_connections: usize) -> PageLimits {
    PageLimits { max_connections, max_connections_per_address: max_connections }
}

pub(crate) struct Harness {
    folder: TempDir,
    pub(crate) store: Arc<Sqlite>,
    pub(crate) access: Authority,
    pub(crate) address: SocketAddr,
    pub(crate) health: Health,
    pub(crate) stop: CancellationToken,
    pub(crate) live: Live,
    /// What was resent.
    pub(crate) heard: Heard,
    /// Stores what comes in over HTTP.
    pub(crate) intake: ToStore,
    decoder: Decoder,
    broker: mpsc::Sender<Delivery<Arc<Decoded>>>,
    link: watch::Sender<ConnectionStatus>,
}

/// What a test may want different.
pub(crate) struct Wanted {
    pub(crate) ages: Ages,
    pub(crate) pages: PageLimits,
    pub(crate) public_url: &'static str,
    pub(crate) limits: Limits,
    /// Where people may log in, too.
    pub(crate) oidc: Option<oidc::Oidc>,
    /// How long a resend waits for its acknowledgements.
    pub(crate) ack_timeout: Duration,
}

impl Default for Wanted {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        let ages = Ages { stale_after: day, offline_after: day * 2 };
        Self {
            ages,
            pages: pages(10),
            public_url: "https://millrace.example.org",
            limits: Limits::default(),
            oidc: None,
            ack_timeout: BOUND,
        }
    }
}

/// Reads two metrics, and follows the file of mappings in this folder.
fn decoder(folder: &Path) -> Decoder {
    let file = folder.join("settings.toml");
    let text = format!("metrics = [\"temperature\", \"humidity\"]\ndata_dir = {folder:?}");
    std::fs::write(&file, text).unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    let mappings = MappingsFile::at_the_edge(&settings).unwrap();
    Decoder::from_settings(&settings, mappings, &Metrics::default(), clock()).unwrap()
}

fn commanding(store: &Arc<Sqlite>) -> Commanding {
    let counters = commands::Counters::register(&Metrics::default());
    let inbox = commands::Inbox::new(store.clone(), counters, commands::Listener::default());
    Commanding::new(commands::Config::default(), inbox)
}

fn clock() -> Arc<dyn telemetry::Clock> {
    Arc::new(telemetry::SystemClock::default())
}

impl Harness {
    pub(crate) async fn start(wanted: Wanted) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE)).unwrap());
        Self::serve(folder, store, wanted).await
    }

    /// Beside a store that cannot be read until it is repaired; a reading of `temperature/kept` is in it.
    pub(crate) async fn start_with_broken_store() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE)).unwrap());
        keep(&store, "temperature/kept", 1.0).await;
        let folder_of = |name: &str| folder.path().join(name);
        std::fs::create_dir(folder_of("away")).unwrap();
        move_files(folder.path(), &folder_of("away"));
        let garbage = "this is no database, however long it is read".repeat(100);
        std::fs::write(folder_of(store::FILE), garbage).unwrap();
        Self::serve(folder, store, Wanted::default()).await
    }

    pub(crate) fn repair_store(&self) {
        move_files(&self.folder.path().join("away"), self.folder.path());
    }

    async fn serve(folder: TempDir, store: Arc<Sqlite>, wanted: Wanted) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let http = HttpConfig { limits: OPEN, ..HttpConfig::admin(listen) };
        let [doors] = Doors::share(&Metrics::default(), [("http", OPEN)]);
        let door = doors.listen(listen).unwrap();
        let address = door.local_addr();
        let (health, stop, live) =
            (Health::default(), CancellationToken::new(), Live::new(wanted.ages, clock()));
        let (broker, deliveries) = mpsc::channel(100_000);
        let link = watch::Sender::new(ConnectionStatus {
            connected: true,
            missed: 1,
            ..ConnectionStatus::default()
        });
        let ready = health.check("store");
        tokio::spawn(relay(deliveries.into(), link.subscribe(), live.clone(), store.clone(), ready));
        let (heard, metrics) = (Heard::default(), Metrics::default());
        let decoder = decoder(folder.path());
        let intake = ToStore::new(store.clone(), decoder.clone());
        let limits = IngestLimits { max_waiting: 2, max_bytes: 64 * 1024 * 1024, max_idempotency_keys: 100 };
        let registry = decoder.registry().cloned();
        // A store that cannot be read is read later.
        let _ = registry.as_ref().unwrap().load(store.as_ref()).await;
        let following = (decoder.clone(), store.clone());
        tokio::spawn(async move { following.0.follow_registry(following.1.as_ref()).await });
        let access = Authority::new(store.as_ref(), clock()).unwrap();
        if let Some(oidc) = &wanted.oidc {
            let _ = access.clone().with_issuer(Arc::new(oidc.clone()));
        }
        let server = Server {
            live: live.clone(),
            store: store.clone(),
            access: access.clone(),
            oidc: wanted.oidc,
            cache: None,
            broker: Arc::new(api::forms::Broker { port: Some(1883), ..api::forms::Broker::default() }),
            resend: Resend::new(Arc::new(heard.clone()), decoder.inputs(), clock())
                .with_ack_timeout(wanted.ack_timeout),
            ingest: Ingest::new(Arc::new(intake.clone()), registry, limits, &metrics)
                .with_ack_timeout(wanted.ack_timeout),
            commanding: commanding(&store),
            health: health.clone(),
            metrics,
            pipeline: Pipeline::new(clock()),
            max_clients: wanted.pages,
            decoder: decoder.clone(),
            public_url: wanted.public_url.into(),
            limits: wanted.limits,
            clock: clock(),
            stop: stop.clone(),
        };
        tokio::spawn(serve(door, None, http, server));
        Self { folder, store, access, address, health, stop, live, heard, intake, decoder, broker, link }
    }

    /// Waits until a credential is known.
    pub(crate) async fn until_known(&self, user: &str) {
        while self.decoder.registry().unwrap().known().credential(user).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The file of mappings, which need not be there.
    pub(crate) fn mappings(&self) -> PathBuf {
        self.folder.path().join("mappings.toml")
    }

    /// Publishes a message, to the relay alone.
    pub(crate) fn publish(&self, topic: &str, payload: &str) {
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        let message = Message { topic: topic.into(), payload, received_at: Timestamp::now() };
        self.broker.try_send(Delivery::untracked(Arc::new(message.decode()))).unwrap();
    }

    /// Into the store alone, past the relay.
    pub(crate) async fn keep(&self, topic: &str, value: f64) {
        keep(&self.store, topic, value).await;
    }

    /// So many readings, a millisecond apart, from 1970 on; each bears its number.
    pub(crate) async fn keep_many(&self, topic: &str, count: u64) {
        let (topic, now) = (Series::parse(topic).unwrap(), Timestamp::now());
        let reading = |number: u64| Reading {
            series: topic.clone(),
            value: number as f64,
            unit: Some("celsius".into()),
            measured_at: Timestamp::from_millisecond(number.try_into().unwrap()).unwrap(),
            received_at: now,
            boot: Some(1),
            seq: Some(number),
        };
        let numbers: Vec<u64> = (1..=count).collect();
        for numbers in numbers.chunks(10_000) {
            let readings = numbers.iter().copied().map(reading).collect();
            self.store.write(&Batch { readings, ..Batch::default() }.into()).await.unwrap();
        }
    }

    /// Whatever is read from the store from now on is garbage.
    pub(crate) fn spoil_store(&self) {
        for end in ["", "-wal"] {
            let path = self.folder.path().join(format!("{}{end}", store::FILE));
            std::fs::write(path, "this is no database".repeat(100_000)).unwrap();
        }
    }

    /// With a mail asked for.
    pub(crate) async fn open(&self, incident: Incident) {
        let to = Address { channel: Channel::Mail, to: "operator@example.org".into() };
        self.change(Transition::Opened(Box::new(incident), vec![to])).await;
    }

    pub(crate) async fn change(&self, transition: Transition) {
        let changes = Changes { transitions: vec![transition], alert_states: vec![] };
        self.store.record(&changes).await.unwrap();
    }

    pub(crate) async fn reject(&self, reason: &str) {
        let payload = Bytes::from_static(b"hello");
        let (received_at, topic) = (Timestamp::now(), "temperature/lab".into());
        let rejected = vec![RejectedMessage { received_at, topic, reason: reason.into(), payload }];
        self.store.write(&Batch { rejected, ..Batch::default() }.into()).await.unwrap();
    }

    pub(crate) async fn until_ready(&self) {
        let start = Instant::now();
        while self.ask("GET", "/readyz").await.status != 200 {
            assert!(start.elapsed() < BOUND, "{:?}", self.health.problems());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Messages may have been missed.
    pub(crate) fn miss(&self) {
        self.link.send_modify(|link| link.missed += 1);
    }

    /// Has the store read again, and waits until so many series are shown. Readiness does not tell: the page is ready
    /// with what it read before.
    pub(crate) async fn until_series(&self, count: usize) {
        let start = Instant::now();
        self.miss();
        loop {
            let answer = self.ask("GET", "/api/series").await;
            if answer.status == 200 && answer.json()["series"].as_array().unwrap().len() == count {
                return;
            }
            assert!(start.elapsed() < BOUND, "{count} series are not shown: {answer:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn watch(&self) -> Watcher {
        Watcher::open(self.address, &[]).await.unwrap()
    }

    /// `millrace_dashboard_<name>`.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.ask("GET", "/metrics").await.body;
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("millrace_dashboard_{name} ")));
        value.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
    }

    /// Waits until so many pages have a seat.
    pub(crate) async fn until_pages(&self, count: usize) {
        let start = std::time::Instant::now();
        while self.metric("pages").await != count as f64 {
            assert!(start.elapsed() < BOUND, "{} pages have a seat, not {count}", self.metric("pages").await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        let host = format!("host: {}", self.address);
        self.send(method, path, &[&host], "").await
    }

    /// As a program that may: JSON, under the address.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        let host = format!("host: {}", self.address);
        self.send("POST", path, &[&host, "content-type: application/json"], body).await
    }

    /// With these headers and no other host.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length =
            if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        self.raw(&format!("{method} {path} HTTP/1.1\r\n{headers}{length}connection: close\r\n\r\n{body}"))
            .await
    }

    async fn raw(&self, request: &str) -> Answer {
        self.raw_bytes(request.as_bytes()).await
    }

    pub(crate) async fn raw_bytes(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // An answer may come before all is sent.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(BOUND, stream.read_to_end(&mut answer)).await.unwrap();
        Answer::read(&answer)
    }
}

async fn keep(store: &Sqlite, topic: &str, value: f64) {
    let (topic, now) = (Series::parse(topic).unwrap(), Timestamp::now());
    let reading = Reading {
        series: topic,
        value,
        unit: None,
        measured_at: now,
        received_at: now,
        boot: None,
        seq: None,
    };
    store.write(&Batch { readings: vec![reading], ..Batch::default() }.into()).await.unwrap();
}

fn move_files(from: &Path, to: &Path) {
    for end in ["", "-wal", "-shm"] {
        let name = format!("{}{end}", store::FILE);
        std::fs::rename(from.join(&name), to.join(&name)).unwrap();
    }
}
