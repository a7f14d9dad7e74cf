//! The sender with a store in memory, a clock that tests set, and a broker that takes what it is told to.

use std::sync::Mutex;

use jiff::SignedDuration;
use service::{Health, Metrics};
use store::{Change, Commands as _, Recorded};
use telemetry::Message;
use testkit::{FakeClock, MemoryStore};

use super::*;
use crate::inbox::Inbox;

const SECOND: Duration = Duration::from_secs(1);

/// A broker to which devices subscribe.
#[derive(Clone, Default)]
struct Broker(Arc<Mutex<Devices>>);

#[derive(Default)]
struct Devices {
    subscribed: HashSet<String>,
    is_away: bool,
    got: Vec<String>,
}

#[async_trait]
impl Outlet for Broker {
    async fn offer(&self, offer: Offer) -> Offered {
        assert!(!offer.lasts.is_zero());
        let mut devices = self.0.lock().unwrap();
        if devices.is_away {
            return Offered::Away;
        }
        if !devices.subscribed.contains(&offer.topic) {
            return Offered::Absent;
        }
        devices.got.push(offer.id);
        Offered::Taken
    }
}

struct Harness {
    store: MemoryStore,
    clock: Arc<FakeClock>,
    broker: Broker,
    sender: Sender<Broker>,
    listener: Listener,
    inbox: Inbox,
}

impl Harness {
    fn new() -> Self {
        let clock = Arc::new(FakeClock::showing("2026-01-15T10:00:00Z".parse().unwrap()));
        Self::over(MemoryStore::with_clock(clock.clone()), clock, None)
    }

    fn over(store: MemoryStore, clock: Arc<FakeClock>, name: Option<&str>) -> Self {
        let broker = Broker::default();
        let counters = Counters::register(&Metrics::default());
        let shared: (Arc<dyn Store>, Arc<dyn Clock>) = (Arc::new(store.clone()), clock.clone());
        let ready = Health::default().check("commands");
        let name = name.map(str::to_owned);
        let config = Config::default();
        let (sender, listener) = Sender::new(shared, broker.clone(), config, (counters.clone(), ready), name);
        let inbox = Inbox::new(Arc::new(store.clone()), counters, listener.clone());
        Self { store, clock, broker, sender, listener, inbox }
    }

    /// The same store and clock in another process.
    fn restarted(&self) -> Self {
        Self::over(self.store.clone(), self.clock.clone(), None)
    }

    async fn make(&self, id: &str, device: &str, lives: Duration) {
        let now = self.clock.wall();
        let command = Command::new(id, device, "blink", now, saturating_add(now, lives));
        self.store_command(command).await;
    }

    async fn store_command(&self, command: Command) {
        use store::AccessStore as _;
        let record = store::NewRecord {
            at: command.created_at,
            actor: None,
            via: store::Via::Command,
            address: None,
            action: "command",
            target: command.id.clone(),
            outcome: store::AuditOutcome::Done,
            before: None,
            after: None,
        };
        assert!(self.store.change(&Change::AddCommand(command), &record).await.unwrap().is_some());
    }

    fn subscribe(&self, device: &str) {
        self.broker.0.lock().unwrap().subscribed.insert(format!("commands/{device}"));
        self.listener.subscribed(&format!("commands/{device}"));
    }

    /// Lets time pass in steps, with what the sender does in it.
    async fn pass(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            self.turn().await;
            let step = left.min(LOOK_EVERY);
            self.clock.pass(step);
            left -= step;
        }
        self.turn().await;
    }

    async fn turn(&mut self) {
        self.sender.look().await.unwrap();
        while let Ok((device, why)) = self.sender.events.try_recv() {
            self.sender.hear(device, why).await.unwrap();
        }
    }

    fn got(&self) -> Vec<String> {
        std::mem::take(&mut self.broker.0.lock().unwrap().got)
    }

    async fn say(&self, device: &str, id: &str, status: &str) {
        let payload = format!(r#"{{"id":"{id}","status":"{status}"}}"#);
        let topic = format!("results/{device}");
        let message = Message { topic, payload: payload.into(), received_at: self.clock.wall() };
        self.inbox.take(&message).await.unwrap();
    }

    async fn state(&self, id: &str) -> CommandState {
        self.store.command(id).await.unwrap().unwrap().state
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_device_that_comes_gets_its_commands_in_order() {
    let mut harness = Harness::new();
    for id in ["a", "b", "c"] {
        harness.make(id, "lab", HOUR).await;
    }
    harness.pass(600 * SECOND).await;
    assert_eq!(harness.state("a").await, CommandState::Queued, "nobody has taken it");
    harness.subscribe("lab");
    harness.turn().await;
    assert_eq!(harness.got(), ["a"]);
    assert_eq!(harness.state("a").await, CommandState::Sent);
    harness.say("lab", "a", "accepted").await;
    harness.turn().await;
    assert_eq!(harness.got(), [] as [&str; 0], "one at a time");
    for (ended, next) in [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec![])] {
        harness.say("lab", ended, "done").await;
        harness.turn().await;
        assert_eq!(harness.got(), next);
    }
    assert!(harness.store.command_counts().await.unwrap().add_up());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_is_sent_again_until_it_expires() {
    let mut harness = Harness::new();
    harness.subscribe("lab");
    harness.turn().await;
    harness.make("a", "lab", HOUR).await;
    harness.pass(HOUR - SECOND).await;
    let got = harness.got();
    assert!((8..=12).contains(&got.len()), "by growing pauses: {}", got.len());
    assert_eq!(harness.state("a").await, CommandState::Sent);
    harness.pass(2 * SECOND).await;
    assert_eq!(harness.state("a").await, CommandState::Expired);
    harness.pass(HOUR).await;
    assert_eq!(harness.got(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_word_of_the_device_sends_it_again_but_not_all_the_time() {
    let mut harness = Harness::new();
    harness.subscribe("lab");
    harness.turn().await;
    harness.make("a", "lab", HOUR).await;
    harness.pass(SECOND).await;
    assert_eq!(harness.got(), ["a"]);
    for _ in 0..100 {
        harness.listener.heard("lab");
        harness.listener.heard("other");
    }
    harness.turn().await;
    assert_eq!(harness.got(), [] as [&str; 0], "it has just been sent");
    harness.pass(6 * SECOND).await;
    harness.listener.heard("lab");
    harness.turn().await;
    assert_eq!(harness.got(), ["a"]);
    harness.subscribe("lab");
    harness.turn().await;
    assert_eq!(harness.got(), ["a"], "a new subscription has lost what came before");
    harness.say("lab", "a", "done").await;
    harness.subscribe("lab");
    harness.turn().await;
    assert_eq!(harness.got(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_command_expires_in_time_whatever_the_clock_is_set_to() {
    let year = SignedDuration::from_hours(365 * 24);
    for step in [year, -year] {
        let mut harness = Harness::new();
        harness.subscribe("lab");
        harness.turn().await;
        harness.make("a", "lab", HOUR).await;
        harness.pass(SECOND).await;
        harness.clock.step(step);
        harness.make("b", "lab", HOUR).await;
        harness.pass(HOUR - 3 * SECOND).await;
        assert_eq!(harness.state("a").await, CommandState::Sent, "{step:?}");
        assert!(harness.got().len() > 5, "{step:?}: it is sent again all the same");
        harness.pass(3 * SECOND).await;
        assert_eq!(harness.state("a").await, CommandState::Expired, "{step:?}");
        harness.pass(SECOND).await;
        assert_eq!(harness.state("b").await, CommandState::Expired, "{step:?}");
        harness.got();
        harness.pass(HOUR).await;
        assert_eq!(harness.got(), [] as [&str; 0], "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_loses_nothing_and_sends_nothing_that_has_ended() {
    let mut harness = Harness::new();
    harness.make("a", "lab", HOUR).await;
    harness.make("b", "lab", HOUR).await;
    harness.turn().await;
    harness.subscribe("lab");
    harness.pass(SECOND).await;
    assert_eq!(harness.got(), ["a"]);
    harness.say("lab", "a", "done").await;
    let mut next = harness.restarted();
    next.turn().await;
    next.subscribe("lab");
    next.pass(2 * SECOND).await;
    assert_eq!(next.got(), ["b"]);
    next.say("lab", "b", "failed").await;
    let mut last = next.restarted();
    last.subscribe("lab");
    last.pass(HOUR).await;
    assert_eq!(last.got(), [] as [&str; 0]);
    assert_eq!(last.state("b").await, CommandState::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_away_changes_nothing() {
    let mut harness = Harness::new();
    harness.subscribe("lab");
    harness.broker.0.lock().unwrap().is_away = true;
    harness.make("a", "lab", HOUR).await;
    harness.pass(10 * SECOND).await;
    assert!(harness.sender.is_away);
    assert_eq!(harness.state("a").await, CommandState::Queued);
    harness.broker.0.lock().unwrap().is_away = false;
    harness.pass(2 * SECOND).await;
    assert_eq!(harness.got(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn one_process_at_a_time_sends() {
    let clock = Arc::new(FakeClock::showing("2026-01-15T10:00:00Z".parse().unwrap()));
    let store = MemoryStore::with_clock(clock.clone());
    let mut one = Harness::over(store.clone(), clock.clone(), Some("one"));
    let mut other = Harness::over(store, clock.clone(), Some("other"));
    one.subscribe("lab");
    other.subscribe("lab");
    one.turn().await;
    other.turn().await;
    clock.pass(LOOK_EVERY);
    one.make("a", "lab", HOUR).await;
    for _ in 0..20 {
        one.turn().await;
        other.turn().await;
        clock.pass(LOOK_EVERY);
    }
    assert_eq!((one.got(), other.got()), (vec!["a".to_owned()], vec![]));
    clock.pass(2 * LEASE);
    for _ in 0..3 {
        other.turn().await;
        clock.pass(LOOK_EVERY);
    }
    other.subscribe("lab");
    other.turn().await;
    assert_eq!(other.got(), ["a"], "the device subscribes anew");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_or_has_no_command_is_kept_as_rejected() {
    use store::Rejections as _;
    let mut harness = Harness::new();
    harness.make("a", "lab", HOUR).await;
    harness.pass(SECOND).await;
    harness.say("lab", "unknown", "done").await;
    harness.say("other", "a", "done").await;
    harness.say("lab", "a", "perhaps").await;
    let message = |topic: &str, payload: &'static str| Message {
        topic: topic.into(),
        payload: payload.into(),
        received_at: harness.clock.wall(),
    };
    harness.inbox.take(&message("state/lab", r#"{"version": 1, "state": {}}"#)).await.unwrap();
    let query = store::RejectionQuery { limit: 10, ..store::RejectionQuery::default() };
    let reasons: Vec<_> =
        harness.store.rejected(query).await.unwrap().into_iter().map(|row| row.message.reason).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(harness.store.twin("lab").await.unwrap().unwrap().reported_version, Some(1));
    assert_eq!(harness.state("a").await, CommandState::Queued);
    let said = wire::read_result(br#"{"status":"done"}"#, Some("a")).unwrap();
    assert_eq!(harness.inbox.record("lab", said, harness.clock.wall()).await.unwrap(), Recorded::New);
}

#[tokio::test(start_paused = true)]
async fn a_group_goes_out_by_its_rate_and_stops_after_failures() {
    use store::AccessStore as _;
    let mut harness = Harness::new();
    let now = harness.clock.wall();
    let command = |(place, at): (usize, Timestamp)| {
        let device = format!("d{place}");
        harness.subscribe(&device);
        let new = Command::new(format!("g{place}"), device, "blink", now, saturating_add(now, HOUR));
        Command { job: Some("job".into()), ..new }.not_before(at)
    };
    let commands: Vec<_> =
        crate::group::release_times(now, Some(600)).take(1_000).enumerate().map(command).collect();
    harness.turn().await;
    let job = store::CommandJob {
        id: "job".into(),
        devices: "#".into(),
        command: "blink".into(),
        made: 0,
        per_minute: Some(600),
        stop_after: Some(1),
        created_by: None,
        created_at: now,
        stopped_at: None,
    };
    let record = store::NewRecord {
        at: now,
        actor: None,
        via: store::Via::Command,
        address: None,
        action: "command",
        target: "job".into(),
        outcome: store::AuditOutcome::Done,
        before: None,
        after: None,
    };
    harness.store.change(&Change::AddCommands { job, commands }, &record).await.unwrap().unwrap();
    harness.pass(2 * SECOND).await;
    let first = harness.got();
    assert!((10..=21).contains(&first.len()), "{first:?}");
    for id in &first {
        let status = if id == "g9" { "failed" } else { "done" };
        harness.say(&id.replace('g', "d"), id, status).await;
    }
    harness.pass(60 * SECOND).await;
    let (job, counts) = harness.store.command_job("job").await.unwrap().unwrap();
    assert!(first.iter().any(|id| id == "g9") && job.stopped_at.is_some() && harness.got().is_empty());
    assert_eq!(counts[&CommandState::Cancelled], 1_000 - first.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn answers_are_settled_once_they_are_recorded_and_those_of_a_device_in_order() {
    let mut harness = Harness::new();
    harness.make("a", "lab", HOUR).await;
    harness.turn().await;
    let (out, received) = mpsc::channel(1_000);
    let mut receipts = Vec::new();
    for version in 0..300 {
        let device = format!("d{}", version % 3);
        let payload = format!(r#"{{"version":{version},"state":{{}}}}"#);
        let message = Message {
            topic: format!("state/{device}"),
            payload: payload.into(),
            received_at: harness.clock.wall(),
        };
        let (delivery, receipt) = broker::Delivery::tracked(Arc::new(message));
        out.try_send(delivery).unwrap();
        receipts.push(receipt);
    }
    drop(out);
    harness.store.fail_next("report_state", 3);
    harness.inbox.clone().run(received.into(), Health::default().check("answers")).await;
    for receipt in receipts {
        assert_eq!(receipt.outcome().await, broker::Outcome::Done);
    }
    for (device, version) in [("d0", 297), ("d1", 298), ("d2", 299)] {
        let twin = harness.store.twin(device).await.unwrap().unwrap();
        assert_eq!(twin.reported_version, Some(version), "{device}");
    }
}

impl Harness {
    /// With the rules of all presets, and a device of this type.
    async fn with_firmware(device: &str, kind: &str) -> Self {
        use store::AccessStore as _;
        let Self { store, clock, broker, sender, listener, inbox } = Self::new();
        let (_, rules) = watch::channel(Arc::new(Inputs::default()));
        let now = clock.wall();
        let new = store::Device { kind: Some(kind.into()), ..store::Device::new(device, now) };
        let record = store::NewRecord {
            at: now,
            actor: None,
            via: store::Via::Command,
            address: None,
            action: "register device",
            target: device.into(),
            outcome: store::AuditOutcome::Done,
            before: None,
            after: None,
        };
        assert!(store.change(&Change::AddDevice(new), &record).await.unwrap().is_some());
        let (sender, inbox) = (sender.with_rules(rules.clone()), inbox.with_rules(rules));
        Self { store, clock, broker, sender, listener, inbox }
    }

    async fn ask(&self, id: &str, device: &str, name: &str, args: &str) {
        let now = self.clock.wall();
        let new = Command::new(id, device, name, now, saturating_add(now, HOUR));
        let command = Command { args: Some(args.into()), ..new };
        self.store_command(command).await;
    }

    fn takes(&self, topic: &str) {
        self.broker.0.lock().unwrap().subscribed.insert(topic.into());
    }

    async fn hear(&self, topic: &str, payload: &str) {
        let payload = payload.to_owned().into();
        let message = Message { topic: topic.into(), payload, received_at: self.clock.wall() };
        self.inbox.take(&message).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_firmware_is_sent_as_it_wants_it_and_its_answer_is_the_result() {
    let mut harness = Harness::with_firmware("plug", "tasmota").await;
    harness.takes("cmnd/plug/POWER");
    harness.ask("a", "plug", "power", r#"{"state":"ON"}"#).await;
    harness.hear("stat/plug/POWER", "OFF").await;
    harness.turn().await;
    assert_eq!((harness.got(), harness.state("a").await), (vec!["a".to_owned()], CommandState::Sent));
    harness.hear("stat/other/POWER", "ON").await;
    harness.hear("tele/plug/STATE", "{}").await;
    assert_eq!(harness.state("a").await, CommandState::Sent, "these answer something else");
    harness.hear("stat/plug/POWER", "ON").await;
    let done = harness.store.command("a").await.unwrap().unwrap();
    assert_eq!((done.state, done.result.as_deref()), (CommandState::Done, Some("\"ON\"")));
    assert!(harness.store.command_counts().await.unwrap().add_up());
}

#[tokio::test(start_paused = true)]
async fn what_a_firmware_refuses_has_failed_and_what_cannot_be_sent_says_why() {
    let mut harness = Harness::with_firmware("shelly-1", "shelly").await;
    harness.takes("shelly-1/rpc");
    harness.ask("a", "shelly-1", "switch", r#"{"id":9,"on":true}"#).await;
    harness.turn().await;
    harness
        .hear("results/shelly-1/rpc", r#"{"id":1,"error":{"code":-105,"message":"no such switch"}}"#)
        .await;
    let failed = harness.store.command("a").await.unwrap().unwrap();
    assert_eq!((failed.state, failed.reason.as_deref()), (CommandState::Failed, Some("no such switch")));
    harness.ask("b", "shelly-1", "rpc", "{}").await;
    harness.turn().await;
    let failed = harness.store.command("b").await.unwrap().unwrap();
    assert_eq!(failed.reason.as_deref(), Some("it cannot be sent: args.method is missing"));
    assert!(harness.store.command_counts().await.unwrap().add_up());
}

#[tokio::test(start_paused = true)]
async fn a_device_without_a_type_and_a_command_that_the_rules_do_not_know_are_sent_as_ever() {
    let mut harness = Harness::with_firmware("plug", "tasmota").await;
    harness.subscribe("plug");
    harness.subscribe("other");
    harness.ask("a", "plug", "unheard-of", "{}").await;
    harness.ask("b", "other", "power", r#"{"state":"ON"}"#).await;
    harness.turn().await;
    let mut got = harness.got();
    got.sort();
    // A subscription counts as well.
    got.dedup();
    assert_eq!(got, ["a", "b"]);
}
