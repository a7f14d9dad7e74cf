//! Where to scrape, and scraping all at once.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use futures_util::future::join_all;
use service::{Health, Metrics, SettingError, Settings};

use super::openmetrics::Samples;
use super::snapshot::{Broker, Problem, Scrape, Scraped, Snapshot};
use super::stages::{FAMILIES, NODE_METRICS, QUEUE_METRICS, SERVICE_METRICS};
use crate::live::DevicesByState;

/// A target that has not answered by then is down; no other target waits for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// If a node has not answered about its queues by then, that is left out.
const QUEUES_WITHIN: Duration = Duration::from_millis(800);

/// Bytes of one answer; RabbitMQ's have about 120 kB, and more with more users.
const MAX_ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Instances behind one name, at most; others are not scraped.
const MAX_INSTANCES: usize = 20;

/// Where the stages are scraped.
#[derive(Debug)]
pub struct ScrapeTargets {
    own: Own,
    /// `None` where everything is in this process.
    apart: Option<Apart>,
}

/// What this process knows of itself.
#[derive(Debug)]
struct Own {
    health: Health,
    metrics: Metrics,
}

#[derive(Debug)]
struct Apart {
    brokers: Vec<Target>,
    writers: Vec<Target>,
    alerters: Vec<Target>,
    dashboards: Vec<Target>,
}

/// `host:port` with its name; the host may stand for several addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    name: String,
    address: String,
}

/// What kind of metrics a target has.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Node,
    Service,
}

impl ScrapeTargets {
    /// Nothing to scrape: everything is in this process.
    #[must_use]
    pub fn here(health: Health, metrics: Metrics) -> Self {
        Self { own: Own { health, metrics }, apart: None }
    }

    /// The targets in the settings `pipeline`. Without a dashboard there, this process is the only one.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn from_settings(
        settings: &Settings,
        health: Health,
        metrics: Metrics,
    ) -> Result<Self, SettingError> {
        let apart = Apart {
            brokers: targets(settings, "pipeline.brokers")?,
            writers: targets(settings, "pipeline.writers")?,
            alerters: targets(settings, "pipeline.alerters")?,
            dashboards: targets(settings, "pipeline.dashboards")?,
        };
        Ok(Self { own: Own { health, metrics }, apart: Some(apart) })
    }

    /// Scrapes all targets at once, which takes at most a second.
    pub(super) async fn snapshot(&self, at: Duration, devices: DevicesByState) -> Snapshot {
        match &self.apart {
            None => self.own.snapshot(at, devices),
            Some(apart) => apart.snapshot(at, devices, &self.own).await,
        }
    }
}

impl Own {
    fn snapshot(&self, at: Duration, devices: DevicesByState) -> Snapshot {
        let samples = self.samples();
        let part = |name: &str| vec![self.part(name, &samples)];
        Snapshot {
            at,
            devices,
            broker: Broker::Embedded(samples.clone()),
            writers: part("db-writer"),
            alerters: part("alerter"),
            dashboards: part("dashboard"),
        }
    }

    /// One of the services in this process: its problems are problems of the store.
    fn part(&self, name: &str, samples: &Samples) -> Scrape {
        let problems = self.health.problems().iter().map(|line| Problem::read(line)).collect::<Vec<_>>();
        let problems = problems.into_iter().filter(|problem| problem.of == name);
        let problems = problems.map(|problem| Problem { of: "store".into(), ..problem }).collect();
        Scrape { name: name.to_owned(), result: Ok(Scraped { samples: samples.clone(), problems }) }
    }

    /// The dashboard that this process is.
    fn dashboard(&self) -> Scrape {
        let problems = self.health.problems().iter().map(|line| Problem::read(line)).collect();
        Scrape { name: "dashboard".into(), result: Ok(Scraped { samples: self.samples(), problems }) }
    }

    fn samples(&self) -> Samples {
        Samples::read(&self.metrics.text(), &SERVICE_METRICS)
    }
}

impl Apart {
    async fn snapshot(&self, at: Duration, devices: DevicesByState, own: &Own) -> Snapshot {
        let (nodes, writers, alerters, dashboards) = tokio::join!(
            scrape_all(&self.brokers, Kind::Node),
            scrape_all(&self.writers, Kind::Service),
            scrape_all(&self.alerters, Kind::Service),
            scrape_all(&self.dashboards, Kind::Service),
        );
        let dashboards = if self.dashboards.is_empty() { vec![own.dashboard()] } else { dashboards };
        Snapshot { at, devices, broker: Broker::Nodes(nodes), writers, alerters, dashboards }
    }
}

fn targets(settings: &Settings, key: &str) -> Result<Vec<Target>, SettingError> {
    let addresses: Vec<String> = settings.get(key)?;
    named(addresses).map_err(|e| SettingError::new(key, e))
}

/// Names each target by its host, or by `host:port` where several targets share a host.
fn named(addresses: Vec<String>) -> Result<Vec<Target>, String> {
    let addresses: Vec<String> = addresses.into_iter().filter(|address| !address.is_empty()).collect();
    let split = |address: &str| match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(host.to_owned()),
        _ => Err(format!("{address} is not host:port")),
    };
    let hosts = addresses.iter().map(|address| split(address)).collect::<Result<Vec<_>, _>>()?;
    let targets = addresses.into_iter().zip(&hosts).map(|(address, host)| {
        let alone = hosts.iter().filter(|other| *other == host).count() == 1;
        Target { name: if alone { host.clone() } else { address.clone() }, address }
    });
    Ok(targets.collect())
}

async fn scrape_all(targets: &[Target], kind: Kind) -> Vec<Scrape> {
    let mut scrapes = join_all(targets.iter().map(|target| scrape_target(target, kind))).await.concat();
    scrapes.sort_by(|a, b| a.name.cmp(&b.name));
    scrapes
}

/// All instances behind a name.
async fn scrape_target(Target { name, address }: &Target, kind: Kind) -> Vec<Scrape> {
    let addresses = match addresses(address).await {
        Ok(addresses) => addresses,
        Err(e) => return vec![Scrape { name: name.clone(), result: Err(e) }],
    };
    let several = addresses.len() > 1;
    let scrapes = addresses.into_iter().map(async |address| Scrape {
        name: if several { format!("{name} {}", address.ip()) } else { name.clone() },
        result: ask(address, kind).await,
    });
    join_all(scrapes).await
}

async fn addresses(address: &str) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::time::timeout(ANSWER_WITHIN, tokio::net::lookup_host(address)).await;
    let mut found: Vec<_> = match found {
        Ok(Ok(found)) => found.collect(),
        _ => return Err("nothing of this name is running".into()),
    };
    // A machine that has both IPv4 and IPv6 listens on IPv4.
    if found.iter().any(SocketAddr::is_ipv4) {
        found.retain(SocketAddr::is_ipv4);
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MAX_INSTANCES);
    Ok(found)
}

async fn ask(address: SocketAddr, kind: Kind) -> Result<Scraped, String> {
    let result = async {
        match kind {
            Kind::Node => ask_node(address).await,
            Kind::Service => ask_service(address).await,
        }
    };
    match tokio::time::timeout(ANSWER_WITHIN, result).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err("does not answer".into()),
        Err(_) => Err(format!("does not answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

/// A node is alive when it answers about itself: about its queues it answers nothing for seconds after another node froze.
async fn ask_node(address: SocketAddr) -> anyhow::Result<Scraped> {
    let path = format!("/metrics/detailed?{FAMILIES}");
    let queues = tokio::time::timeout(QUEUES_WITHIN, metrics(address, &path, &QUEUE_METRICS));
    let (node, queues) = tokio::join!(metrics(address, "/metrics", &NODE_METRICS), queues);
    let node = node?;
    Ok(match queues {
        Ok(Ok(queues)) => Scraped { samples: node.and(queues), problems: Vec::new() },
        _ => Scraped { samples: node, problems: vec![Problem::of_queues()] },
    })
}

async fn ask_service(address: SocketAddr) -> anyhow::Result<Scraped> {
    let ready = service::get(address, "/readyz", MAX_ANSWER_BYTES);
    let (samples, ready) = tokio::try_join!(metrics(address, "/metrics", &SERVICE_METRICS), ready)?;
    let problems = match ready {
        (200, _) => Vec::new(),
        (_, said) => said.lines().map(Problem::read).collect(),
    };
    Ok(Scraped { samples, problems })
}

async fn metrics(address: SocketAddr, path: &str, wanted: &[&str]) -> anyhow::Result<Samples> {
    match service::get(address, path, MAX_ANSWER_BYTES).await? {
        (200, text) => Ok(Samples::read(&text, wanted)),
        (status, _) => bail!("{path}: {status}"),
    }
}
