//! Whether readings pass each service, observed ten times a second.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use e2e::Cluster;
use serde_json::Value;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a service may take to answer; without an answer, no flow is observed.
const PATIENCE: Duration = Duration::from_secs(1);

/// The services that readings pass, and where each shows it.
const PROBES: &[Probe] = &[
    Probe { service: "db-writer", port: 9180, path: "/metrics", read: stored },
    Probe { service: "alerter", port: 9180, path: "/metrics", read: judged },
    Probe { service: "dashboard", port: 8080, path: "/api/series", read: newest },
];

/// A value that changes with every reading that passes the service.
struct Probe {
    service: &'static str,
    port: u16,
    path: &'static str,
    read: fn(&str) -> Option<String>,
}

fn stored(metrics: &str) -> Option<String> {
    line(metrics, "millrace_db_writer_stored_total ")
}

fn judged(metrics: &str) -> Option<String> {
    line(metrics, "millrace_alerter_judged_total ")
}

fn line(metrics: &str, name: &str) -> Option<String> {
    metrics.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
}

/// The newest time of a device of the load: other devices go on without it.
fn newest(devices: &str) -> Option<String> {
    let devices: Value = serde_json::from_str(devices).ok()?;
    let of_load = devices["series"].as_array()?.iter();
    let of_load = of_load.filter(|row| row["device"].as_str().is_some_and(|name| name.starts_with("load-")));
    of_load.filter_map(|row| row["measured_at"].as_str()).max().map(str::to_owned)
}

/// Watches all services until it is dropped.
pub(crate) struct Flow {
    seen: Arc<Mutex<BTreeMap<&'static str, Seen>>>,
    end: Arc<AtomicBool>,
    watchers: Vec<JoinHandle<()>>,
}

struct Seen {
    value: Option<String>,
    changed: Instant,
    longest: Duration,
}

impl Flow {
    pub(crate) fn watch(cluster: &Cluster) -> Self {
        let now = Instant::now();
        let fresh =
            |probe: &Probe| (probe.service, Seen { value: None, changed: now, longest: Duration::ZERO });
        let seen: Arc<Mutex<BTreeMap<_, _>>> = Arc::new(Mutex::new(PROBES.iter().map(fresh).collect()));
        let end = Arc::new(AtomicBool::new(false));
        let watcher = |probe: &'static Probe| {
            let (seen, end, id) = (Arc::clone(&seen), Arc::clone(&end), cluster.container(probe.service));
            std::thread::spawn(move || watch(probe, &id, &seen, &end))
        };
        let watchers = PROBES.iter().map(watcher).collect();
        Self { seen, end, watchers }
    }

    /// Starts to measure: from here on, times without a change are counted.
    pub(crate) fn forget(&self) {
        self.seen
            .lock()
            .expect("no watcher panics")
            .values_mut()
            .for_each(|seen| seen.longest = Duration::ZERO);
    }

    /// The services that no reading has passed lately.
    pub(crate) fn still(&self) -> Vec<&'static str> {
        let seen = self.seen.lock().expect("no watcher panics");
        let still = seen.iter().filter(|(_, seen)| seen.value.is_none() || seen.changed.elapsed() > PATIENCE);
        still.map(|(service, _)| *service).collect()
    }

    /// The longest time for which no reading passed each service.
    pub(crate) fn longest(&self) -> BTreeMap<&'static str, Duration> {
        let seen = self.seen.lock().expect("no watcher panics");
        seen.iter().map(|(service, seen)| (*service, seen.longest.max(seen.changed.elapsed()))).collect()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for watcher in self.watchers.drain(..) {
            // A watcher that panicked has said so.
            let _ = watcher.join();
        }
    }
}

fn watch(probe: &Probe, id: &str, seen: &Mutex<BTreeMap<&'static str, Seen>>, end: &AtomicBool) {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
    let mut address = None;
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        // A container that was started again may have another address.
        address = address.or_else(|| address_of(id));
        let text = address.as_ref().and_then(|ip| {
            agent
                .get(&format!("http://{ip}:{}{}", probe.port, probe.path))
                .call()
                .ok()?
                .body_mut()
                .read_to_string()
                .ok()
        });
        match text.as_deref().and_then(probe.read) {
            Some(value) => note(seen, probe.service, value),
            None => address = None,
        }
        std::thread::sleep(LOOK_EVERY.saturating_sub(began.elapsed()));
    }
}

fn note(seen: &Mutex<BTreeMap<&'static str, Seen>>, service: &'static str, value: String) {
    let mut seen = seen.lock().expect("no watcher panics");
    let seen = seen.get_mut(service).expect("every probe has an entry from the start");
    if seen.value.as_ref() != Some(&value) {
        seen.longest = seen.longest.max(seen.changed.elapsed());
        seen.changed = Instant::now();
        seen.value = Some(value);
    }
}

fn address_of(id: &str) -> Option<String> {
    let template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let output =
        std::process::Command::new("docker").args(["inspect", "--format", template, id]).output().ok()?;
    let ip = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!ip.is_empty()).then_some(ip)
}
