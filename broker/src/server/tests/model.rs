//! Two clients that publish to each other over connections that are cut anywhere: what arrives is compared with a model.
//!
//! At QoS 1 nothing is lost, at QoS 2 nothing is lost or doubled, and first arrivals are in order: at the other
//! client, and at the sink. In the end no client waits for anything.

mod device;

use tokio::join;

use self::device::{Cut, Device, Published};
use super::*;

/// Takes what begins with `t/`, and settles it after a while.
struct Later {
    taken: Mutex<Vec<String>>,
    after: Duration,
}

impl Sink for Later {
    fn collects(&self, topic: &str) -> bool {
        topic.starts_with("t/")
    }

    fn take(&self, publishes: Vec<Publish>, receipt: Receipt) {
        let payloads = publishes.iter().map(|publish| String::from_utf8(publish.payload.to_vec()).unwrap());
        self.taken.lock().unwrap().extend(payloads);
        let after = self.after;
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            receipt.settled(publishes.len());
        });
    }
}

/// A server that may be restarted, and two clients.
struct Model {
    server: Server,
    sink: Arc<Later>,
    sessions: Option<PathBuf>,
    /// One publishes what is collected, the other what is not.
    devices: [Device; 2],
}

impl Model {
    /// Both clients are subscribed.
    async fn start(level: u8, messages: u8, settled_after: Duration, sessions: Option<PathBuf>) -> Self {
        let sink = Arc::new(Later { taken: Mutex::default(), after: settled_after });
        let server = serve(&sink, sessions.clone());
        let devices = [("a", "t/a", "x/b"), ("b", "x/b", "t/a")]
            .map(|(id, own, other)| Device::new(level, id, own, other, messages));
        let mut model = Self { server, sink, sessions, devices };
        for device in &mut model.devices {
            device.subscribe(&model.server).await;
        }
        model
    }

    /// Both connect, publish and listen until they are cut off or nothing more happens.
    async fn round(&mut self, cuts: [Cut; 2]) {
        let [a, b] = &mut self.devices;
        join!(a.talk(&self.server, cuts[0]), b.talk(&self.server, cuts[1]));
    }

    async fn restart(&mut self) {
        // Paused time would pass while the file is written, and end the sessions.
        tokio::time::resume();
        self.server.stop(SOON).await;
        self.server = serve(&self.sink, self.sessions.clone());
        tokio::time::pause();
    }

    /// Without further cuts everything arrives, as the model says.
    async fn finish(mut self, what: &str) {
        self.round([Cut::never(); 2]).await;
        let [a, b] = &self.devices;
        arrived(&a.published, &b.heard, &format!("{what}: from a to b"));
        arrived(&b.published, &a.heard, &format!("{what}: from b to a"));
        arrived(&a.published, &self.sink.taken.lock().unwrap(), &format!("{what}: from a to the sink"));
        for session in self.server.shared.sessions().values() {
            let state = session.state();
            assert_eq!((state.queue.len(), state.received.len()), (0, 0), "{what}: {session:?} waits");
        }
        for device in &self.devices {
            assert!(device.is_done(), "{what}: {device:?}");
        }
    }
}

fn serve(sink: &Arc<Later>, sessions: Option<PathBuf>) -> Server {
    let sink = Arc::clone(sink) as Arc<dyn Sink>;
    let (server, upkeep) =
        Server::new(Limits::default(), Arc::new(Rights), sink, Counters::default(), sessions);
    tokio::spawn(upkeep.run());
    server
}

/// What was heard is what was published, by the quality of each message.
fn arrived(published: &[Published], heard: &[String], what: &str) {
    for Published { qos, payload } in published {
        let times = heard.iter().filter(|heard| *heard == payload).count();
        let is_right = match qos {
            0 => times <= 1,
            1 => times >= 1,
            _ => times == 1,
        };
        assert!(is_right, "{what}: {payload} at quality {qos} came {times} times: {heard:?}");
    }
    let mut first: Vec<&String> = Vec::new();
    for payload in heard {
        if !first.contains(&payload) {
            first.push(payload);
        }
    }
    let in_order: Vec<&String> =
        published.iter().map(|one| &one.payload).filter(|one| first.contains(one)).collect();
    assert_eq!(first, in_order, "{what}: the order");
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_cut_at_every_byte() {
    for level in [4, 5] {
        let after = Duration::ZERO;
        let mut whole = Model::start(level, 6, after, None).await;
        whole.round([Cut::never(); 2]).await;
        let totals = whole.devices.each_ref().map(|device| device.last);
        whole.finish("without a cut").await;
        for (device, total) in totals.into_iter().enumerate() {
            for cut in total.each() {
                let mut model = Model::start(level, 6, after, None).await;
                let mut cuts = [Cut::never(); 2];
                cuts[device] = cut;
                model.round(cuts).await;
                model.finish(&format!("level {level}, client {device}, {cut:?}")).await;
            }
        }
    }
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }

    fn cut(&mut self) -> Cut {
        Cut { sent: self.below(400), received: self.below(400) }
    }
}

#[tokio::test(start_paused = true)]
async fn both_connections_may_be_cut_often_while_the_sink_is_slow() {
    for seed in 1..400 {
        let mut dice = Dice::new(seed);
        let after = Duration::from_millis(dice.below(5) as u64);
        let mut model = Model::start(4 + (seed % 2) as u8, 30, after, None).await;
        for _ in 0..dice.below(10) {
            model.round([dice.cut(), dice.cut()]).await;
        }
        model.finish(&format!("seed {seed}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_may_be_restarted_between_cuts() {
    let folder = std::env::temp_dir().join(format!("millrace-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for seed in 1..20 {
        let path = folder.join(seed.to_string());
        let mut dice = Dice::new(seed);
        let after = Duration::from_millis(dice.below(5) as u64);
        let mut model = Model::start(4 + (seed % 2) as u8, 30, after, Some(path)).await;
        for _ in 0..2 + dice.below(4) {
            model.round([dice.cut(), dice.cut()]).await;
            model.restart().await;
        }
        model.finish(&format!("seed {seed}")).await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}
