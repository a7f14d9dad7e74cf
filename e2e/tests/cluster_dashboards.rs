//! Several dashboards behind HAProxy give the same answers, and each reports what is wrong with the cluster.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::collections::BTreeSet;
use std::net::TcpStream;

use e2e::{Cluster, LONG, Load, SOON, Shape, eventually};
use serde_json::Value;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// The number of devices of the load; they are named `load-0001` and so on.
const DEVICES: usize = 5;

/// One of the dashboards, or all of them behind HAProxy: `127.0.0.1:41235`.
struct Dashboard(String);

impl Dashboard {
    fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.0);
        let mut answer = ureq::get(&url).call().unwrap_or_else(|e| panic!("{url}: {e}"));
        answer.body_mut().read_json().unwrap_or_else(|e| panic!("{url}: {e}"))
    }

    fn stage(&self, id: &str) -> Value {
        let pipeline = self.get("/api/pipeline");
        let stages = pipeline["stages"].as_array().unwrap();
        stages.iter().find(|stage| stage["id"] == id).cloned().unwrap_or_default()
    }

    /// Waits until a stage has this property, and returns the stage.
    fn until(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(LONG, || Some(self.stage(id)).filter(&holds).ok_or_else(|| self.stage(id)))
    }

    /// The newest readings of the load's devices.
    fn devices(&self) -> Vec<Value> {
        let mut rows = self.get("/api/series")["series"].as_array().unwrap().clone();
        rows.retain(|row| row["device"].as_str().unwrap().starts_with("load-"));
        rows
    }

    fn watch(&self) -> Result<Page, String> {
        let (page, _) = tungstenite::connect(format!("ws://{}/ws", self.0)).map_err(|e| e.to_string())?;
        let MaybeTlsStream::Plain(stream) = page.get_ref() else { return Err("no plain connection".into()) };
        stream.set_read_timeout(Some(SOON)).map_err(|e| e.to_string())?;
        Ok(Page(page))
    }
}

/// An open page.
struct Page(WebSocket<MaybeTlsStream<TcpStream>>);

impl Page {
    fn frame(&mut self) -> Result<Value, String> {
        loop {
            match self.0.read().map_err(|e| e.to_string())? {
                Message::Text(text) => return serde_json::from_str(&text).map_err(|e| e.to_string()),
                Message::Close(close) => return Err(format!("{close:?}")),
                _ => {}
            }
        }
    }

    /// The load's sensors in the first frame.
    fn sensors(&mut self) -> Result<BTreeSet<String>, String> {
        let snapshot = self.frame()?;
        if snapshot["type"] != "snapshot" {
            return Err(snapshot.to_string());
        }
        let names = snapshot["names"].as_array().ok_or(snapshot.to_string())?.iter();
        let topics = names.filter_map(|row| row[1].as_str().map(str::to_owned));
        Ok(topics.filter(|topic| topic.contains("/load-")).collect())
    }

    /// Whether a frame of this time, in microseconds since 1970, arrives before the connection breaks.
    fn lasts_until(&mut self, time: i64) -> bool {
        loop {
            match self.frame() {
                Ok(frame) if frame["at"].as_i64() >= Some(time) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }
}

/// What all dashboards show alike at the same time: everything except rates and ages.
fn outline(dashboard: &Dashboard) -> Vec<(Value, Value, Vec<Value>)> {
    let pipeline = dashboard.get("/api/pipeline");
    let stages = pipeline["stages"].as_array().unwrap().iter();
    let parts = |stage: &Value| {
        let parts = stage["parts"].as_array().unwrap();
        parts.iter().map(|part| part["name"].clone()).collect()
    };
    stages.map(|stage| (stage["id"].clone(), stage["state"].clone(), parts(stage))).collect()
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn two_dashboards_give_the_same_answers_and_one_continues_alone() {
    let cluster = Cluster::alone();
    cluster.scale("dashboard", 2);
    let instances = cluster.instances("dashboard");
    let both: Vec<_> = instances.iter().map(|(_, ip)| Dashboard(format!("{ip}:8080"))).collect();
    let front = Dashboard(cluster.http.trim_start_matches("http://").to_owned());
    let folder = tempfile::tempdir().unwrap();
    let count = DEVICES.to_string();
    let arguments = ["load", "--connections", &count, "--rate", "100", "--duration", "1h"];
    let load = Load::start(&cluster.device_url(), folder.path(), &arguments);
    for dashboard in &both {
        for id in ["devices", "broker", "queue", "writer", "store", "alerter"] {
            dashboard
                .until(id, |stage| stage["rate"].as_f64().is_some_and(|rate| (70.0..130.0).contains(&rate)));
        }
        eventually(LONG, || match dashboard.devices() {
            rows if rows.len() == DEVICES && rows.iter().all(|row| row["state"] == "fresh") => Ok(()),
            rows => Err(rows),
        });
        dashboard.until("page", |page| page["parts"].as_array().is_some_and(|parts| parts.len() == 2));
    }
    let seen = eventually(LONG, || {
        let [one, other] = [outline(&both[0]), outline(&both[1])];
        if one == other { Ok(one) } else { Err((one, other)) }
    });
    assert!(seen.iter().all(|(_, state, _)| state == "ok"), "{seen:?}");
    let sensors = both[0].watch().unwrap().sensors().unwrap();
    assert_eq!(sensors.len(), DEVICES, "{sensors:?}");
    assert_eq!(both[1].watch().unwrap().sensors().unwrap(), sensors);

    let mut pages: Vec<Page> = (0..8).map(|_| front.watch().unwrap()).collect();
    for page in &mut pages {
        assert_eq!(page.sensors().unwrap(), sensors);
    }
    cluster.kill_container(&instances[0].0);
    let later = jiff::Timestamp::now().as_microsecond() + 2_000_000;
    let cut = pages.iter_mut().filter_map(|page| (!page.lasts_until(later)).then_some(())).count();
    assert!((1..8).contains(&cut), "{cut} of eight pages were with the one that died");
    for _ in 0..cut {
        let back = eventually(LONG, || front.watch().and_then(|mut page| page.sensors()));
        assert_eq!(back, sensors, "who comes back sees the same");
    }
    load.interrupt();
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    let [_, left] = &both[..] else { panic!("two") };
    eventually(LONG, || {
        let (left, front) = (left.devices(), front.devices());
        if left == front { Ok(()) } else { Err((left, front)) }
    });
    cluster.scale("dashboard", 1);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_frozen_node_and_a_killed_writer_are_seen() {
    let cluster = Cluster::alone();
    let dashboard = Dashboard(cluster.http.trim_start_matches("http://").to_owned());
    for id in ["broker", "queue", "writer"] {
        dashboard.until(id, |stage| stage["state"] == "ok");
    }
    cluster.pause("rabbitmq2");
    let broker = dashboard.until("broker", |broker| broker["state"] == "warning");
    assert_eq!(broker["problem"], "1 of 3 nodes is down", "{broker}");
    let down: Vec<_> =
        broker["parts"].as_array().unwrap().iter().filter(|part| part["state"] == "down").collect();
    assert_eq!((down.len(), &down[0]["name"]), (1, &"rabbitmq2".into()), "{broker}");
    cluster.unpause("rabbitmq2");
    dashboard.until("broker", |broker| broker["state"] == "ok");

    cluster.kill("db-writer");
    let writer = dashboard.until("writer", |writer| writer["state"] == "down");
    assert!(writer["problem"].is_string(), "{writer}");
    for _ in 0..3 {
        cluster.publish(&format!("temperature/{}", cluster.device("lab")), &["-m", "21"]);
    }
    dashboard.until("queue", |queue| {
        let problem = queue["problem"].as_str().unwrap_or_default();
        queue["depth"].as_u64() >= Some(3) && problem.starts_with("db-writer: it has no consumer")
    });
    cluster.start("db-writer");
    dashboard.until("writer", |writer| writer["state"] == "ok");
    dashboard.until("queue", |queue| queue["state"] == "ok" && queue["depth"] == 0);
}
