//! Asks everybody at once how they are doing.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use futures_util::future::join_all;
use service::{Health, Metrics, SettingError, Settings};

use super::look::{Broker, Devices, Look, Problem, Seen, Told};
use super::openmetrics::Samples;
use super::stages::{FAMILIES, NODE_METRICS, QUEUE_METRICS, SERVICE_METRICS};

/// Who has not answered by then is down; nobody else waits for them.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What a node has not said of its queues by then is left out.
const QUEUES_WITHIN: Duration = Duration::from_millis(800);

/// Bytes of one answer; RabbitMQ's have about 120 kB, and more with more users.
const MAX_ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Instances behind one name; more are not asked.
const MAX_INSTANCES: usize = 20;

/// Where it can be learnt how the stages are doing.
#[derive(Debug)]
pub struct Places {
    own: Own,
    /// None where everything is in this process.
    apart: Option<Apart>,
}

/// What this process says of itself.
#[derive(Debug)]
struct Own {
    health: Health,
    metrics: Metrics,
}

#[derive(Debug)]
struct Apart {
    brokers: Vec<Place>,
    writers: Vec<Place>,
    alerters: Vec<Place>,
    dashboards: Vec<Place>,
}

/// `host:port`, and what it is called; the host may stand for several addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    name: String,
    address: String,
}

/// How to ask.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Node,
    Service,
}

impl Places {
    /// Everything is in this process.
    #[must_use]
    pub fn here(health: Health, metrics: Metrics) -> Self {
        Self { own: Own { health, metrics }, apart: None }
    }

    /// Where the settings in `pipeline` say; what this process says of itself where no dashboards are named.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn from_settings(
        settings: &Settings,
        health: Health,
        metrics: Metrics,
    ) -> Result<Self, SettingError> {
        let apart = Apart {
            brokers: places(settings, "pipeline.brokers")?,
            writers: places(settings, "pipeline.writers")?,
            alerters: places(settings, "pipeline.alerters")?,
            dashboards: places(settings, "pipeline.dashboards")?,
        };
        Ok(Self { own: Own { health, metrics }, apart: Some(apart) })
    }

    /// Takes as long as the slowest may.
    pub(super) async fn look(&self, at: Duration, devices: Devices) -> Look {
        match &self.apart {
            None => self.own.look(at, devices),
            Some(apart) => apart.look(at, devices, &self.own).await,
        }
    }
}

impl Own {
    fn look(&self, at: Duration, devices: Devices) -> Look {
        let samples = self.samples();
        let part = |name: &str| vec![self.part(name, &samples)];
        Look {
            at,
            devices,
            broker: Broker::Embedded(samples.clone()),
            writers: part("db-writer"),
            alerters: part("alerter"),
            dashboards: part("dashboard"),
        }
    }

    /// One of the services in this process: what is wrong with it is wrong with the store.
    fn part(&self, name: &str, samples: &Samples) -> Seen {
        let problems = self.health.problems().iter().map(|line| Problem::read(line)).collect::<Vec<_>>();
        let problems = problems.into_iter().filter(|problem| problem.of == name);
        let problems = problems.map(|problem| Problem { of: "store".into(), ..problem }).collect();
        Seen { name: name.to_owned(), told: Ok(Told { samples: samples.clone(), problems }) }
    }

    /// The dashboard that this process is.
    fn dashboard(&self) -> Seen {
        let problems = self.health.problems().iter().map(|line| Problem::read(line)).collect();
        Seen { name: "dashboard".into(), told: Ok(Told { samples: self.samples(), problems }) }
    }

    fn samples(&self) -> Samples {
        Samples::read(&self.metrics.text(), &SERVICE_METRICS)
    }
}

impl Apart {
    async fn look(&self, at: Duration, devices: Devices, own: &Own) -> Look {
        let (nodes, writers, alerters, dashboards) = tokio::join!(
            ask_all(&self.brokers, Kind::Node),
            ask_all(&self.writers, Kind::Service),
            ask_all(&self.alerters, Kind::Service),
            ask_all(&self.dashboards, Kind::Service),
        );
        let dashboards = if self.dashboards.is_empty() { vec![own.dashboard()] } else { dashboards };
        Look { at, devices, broker: Broker::Nodes(nodes), writers, alerters, dashboards }
    }
}

fn places(settings: &Settings, key: &str) -> Result<Vec<Place>, SettingError> {
    let addresses: Vec<String> = settings.get(key)?;
    named(addresses).map_err(|e| SettingError::new(key, e))
}

/// Each is called by its host, or by all of it where another port of that host is meant, too.
fn named(addresses: Vec<String>) -> Result<Vec<Place>, String> {
    let addresses: Vec<String> = addresses.into_iter().filter(|address| !address.is_empty()).collect();
    let split = |address: &str| match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(host.to_owned()),
        _ => Err(format!("{address} is no host:port")),
    };
    let hosts = addresses.iter().map(|address| split(address)).collect::<Result<Vec<_>, _>>()?;
    let places = addresses.into_iter().zip(&hosts).map(|(address, host)| {
        let alone = hosts.iter().filter(|other| *other == host).count() == 1;
        Place { name: if alone { host.clone() } else { address.clone() }, address }
    });
    Ok(places.collect())
}

async fn ask_all(places: &[Place], kind: Kind) -> Vec<Seen> {
    let mut seen = join_all(places.iter().map(|place| ask_place(place, kind))).await.concat();
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    seen
}

/// All instances behind a name.
async fn ask_place(Place { name, address }: &Place, kind: Kind) -> Vec<Seen> {
    let addresses = match addresses(address).await {
        Ok(addresses) => addresses,
        Err(e) => return vec![Seen { name: name.clone(), told: Err(e) }],
    };
    let several = addresses.len() > 1;
    let asked = addresses.into_iter().map(async |address| Seen {
        name: if several { format!("{name} {}", address.ip()) } else { name.clone() },
        told: ask(address, kind).await,
    });
    join_all(asked).await
}

async fn addresses(address: &str) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::time::timeout(ANSWER_WITHIN, tokio::net::lookup_host(address)).await;
    let mut found: Vec<_> = match found {
        Ok(Ok(found)) => found.collect(),
        _ => return Err("nothing of this name is running".into()),
    };
    // A machine that has both listens on the old one.
    if found.iter().any(SocketAddr::is_ipv4) {
        found.retain(SocketAddr::is_ipv4);
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MAX_INSTANCES);
    Ok(found)
}

async fn ask(address: SocketAddr, kind: Kind) -> Result<Told, String> {
    let told = async {
        match kind {
            Kind::Node => ask_node(address).await,
            Kind::Service => ask_service(address).await,
        }
    };
    match tokio::time::timeout(ANSWER_WITHIN, told).await {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(_)) => Err("does not answer".into()),
        Err(_) => Err(format!("does not answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

/// A node is alive when it tells of itself: of its queues it says nothing for seconds after another node has frozen.
async fn ask_node(address: SocketAddr) -> anyhow::Result<Told> {
    let path = format!("/metrics/detailed?{FAMILIES}");
    let queues = tokio::time::timeout(QUEUES_WITHIN, metrics(address, &path, &QUEUE_METRICS));
    let (node, queues) = tokio::join!(metrics(address, "/metrics", &NODE_METRICS), queues);
    let node = node?;
    Ok(match queues {
        Ok(Ok(queues)) => Told { samples: node.and(queues), problems: Vec::new() },
        _ => Told { samples: node, problems: vec![Problem::of_queues()] },
    })
}

async fn ask_service(address: SocketAddr) -> anyhow::Result<Told> {
    let ready = service::get(address, "/readyz", MAX_ANSWER_BYTES);
    let (samples, ready) = tokio::try_join!(metrics(address, "/metrics", &SERVICE_METRICS), ready)?;
    let problems = match ready {
        (200, _) => Vec::new(),
        (_, said) => said.lines().map(Problem::read).collect(),
    };
    Ok(Told { samples, problems })
}

async fn metrics(address: SocketAddr, path: &str, wanted: &[&str]) -> anyhow::Result<Samples> {
    match service::get(address, path, MAX_ANSWER_BYTES).await? {
        (200, text) => Ok(Samples::read(&text, wanted)),
        (status, _) => bail!("{path}: {status}"),
    }
}
