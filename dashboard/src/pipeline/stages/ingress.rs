//! The devices, and the broker that receives their readings.

use super::super::openmetrics::{Sample, Samples};
use super::super::snapshot::{Broker, Scrape, Snapshot, named, rate};
use super::inputs;
use super::part::{Part, Stage, State, count, things};
use crate::live::DevicesByState;

const PUBLISHED: &str = "millrace_edge_published_total";
const ACKNOWLEDGED: &str = "millrace_edge_acknowledged_total";
const EDGE_CONNECTIONS: &str = "millrace_edge_connections";
const CONFLICTS: &str = "millrace_edge_client_id_conflicts_total";

const RECEIVED: &str = "rabbitmq_global_messages_received_total";
const CONNECTIONS: &str = "rabbitmq_connections";
const PEER: &str = "erlang_vm_dist_node_state";
const PEER_IS_UP: f64 = 3.0;

/// Alarms under which RabbitMQ accepts no publishes.
const ALARMS: [(&str, &str); 2] = [
    (
        "rabbitmq_alarms_memory_used_watermark",
        "it has too little memory and blocks publishers: see vm_memory_high_watermark",
    ),
    (
        "rabbitmq_alarms_free_disk_space_watermark",
        "its disk is full, and it blocks publishers: see disk_free_limit",
    ),
];

/// The metrics that are read of a node.
pub(in super::super) const NODE_METRICS: [&str; 5] = [RECEIVED, CONNECTIONS, PEER, ALARMS[0].0, ALARMS[1].0];

pub(super) fn devices(history: &[Snapshot], now: &Snapshot) -> Stage {
    let mut stage = Stage::new("devices", "Devices");
    let DevicesByState { fresh, stale, offline } = now.devices;
    let by_state = [(fresh, "fresh"), (stale, "stale"), (offline, "offline")];
    let all = &mut stage.all;
    all.says =
        by_state.iter().filter(|(count, _)| *count > 0).map(|(n, word)| format!("{n} {word}")).collect();
    all.rate = match &now.broker {
        Broker::Embedded(_) => embedded_rate(history, PUBLISHED),
        Broker::Nodes(nodes) => total(nodes.iter().map(|node| node_rate(history, &node.name, published))),
    };
    if fresh + stale + offline == 0 {
        all.wrong(State::Unknown, "no device has published yet".into());
    } else if fresh == 0 {
        all.wrong(State::Warning, "no device is fresh".into());
    }
    if let Some(problem) = inputs::problem(now) {
        all.wrong(State::Warning, problem);
    }
    stage
}

pub(super) fn broker(history: &[Snapshot], now: &Snapshot) -> Stage {
    let stage = Stage::new("broker", "Broker");
    match &now.broker {
        Broker::Embedded(samples) => embedded(stage, history, samples),
        Broker::Nodes(nodes) if nodes.is_empty() => stage.unknown("pipeline.brokers"),
        Broker::Nodes(nodes) => {
            let parts: Vec<Part> = nodes.iter().map(|scrape| node(history, scrape)).collect();
            let connections = total(nodes.iter().map(|node| node.sum(CONNECTIONS)));
            let mut stage = stage.of_parts(parts, "nodes");
            stage.all.says.extend(connections.map(|number| count(number, "connection")));
            stage
        }
    }
}

fn embedded(mut stage: Stage, history: &[Snapshot], samples: &Samples) -> Stage {
    let all = &mut stage.all;
    let waiting = samples
        .sum(PUBLISHED)
        .zip(samples.sum(ACKNOWLEDGED))
        .map(|(published, kept)| things(published - kept));
    all.says.extend(samples.sum(EDGE_CONNECTIONS).map(|number| count(number, "connection")));
    all.rate = embedded_rate(history, PUBLISHED);
    all.depth = waiting;
    // What arrived during one snapshot may be stored before the next.
    if let (Some(waiting @ 1..), Some(0.0)) = (waiting, embedded_rate(history, ACKNOWLEDGED)) {
        let messages = count(waiting as f64, "message");
        all.wrong(State::Warning, format!("{messages} not acked: see the writer and the alerter"));
    }
    if embedded_rate(history, CONFLICTS).is_some_and(|rate| rate > 0.0) {
        let problem = "devices with the same client id cut each other off: GET /api/broker names them";
        all.wrong(State::Warning, problem.into());
    }
    stage
}

fn embedded_rate(history: &[Snapshot], counter: &str) -> Option<f64> {
    rate(history, |snapshot| match &snapshot.broker {
        Broker::Embedded(samples) => samples.sum(counter),
        Broker::Nodes(_) => None,
    })
}

fn node(history: &[Snapshot], scrape: &Scrape) -> Part {
    let mut part = Part::new(&scrape.name);
    let samples = match &scrape.result {
        Ok(result) => &result.samples,
        Err(e) => {
            part.wrong(State::Down, e.clone());
            return part;
        }
    };
    part.says.extend(samples.sum(CONNECTIONS).map(|number| count(number, "connection")));
    part.rate = node_rate(history, &scrape.name, |samples| samples.sum(RECEIVED));
    for (alarm, problem) in ALARMS {
        if samples.sum(alarm).is_some_and(|alarm| alarm > 0.0) {
            part.wrong(State::Warning, problem.into());
        }
    }
    let mut peers = samples.of(PEER).map(Sample::value).peekable();
    if peers.peek().is_some() && peers.all(|state| state < PEER_IS_UP) {
        part.wrong(State::Warning, "it sees no other node, and alone it can confirm nothing".into());
    }
    part
}

/// Messages that came over MQTT; a RabbitMQ before 3.12 does not count them separately.
fn published(samples: &Samples) -> Option<f64> {
    let mqtt = samples.of(RECEIVED).filter(|sample| sample.label("protocol").starts_with("mqtt"));
    mqtt.map(Sample::value).reduce(|a, b| a + b).or_else(|| samples.sum(RECEIVED))
}

fn node_rate(history: &[Snapshot], name: &str, counter: impl Fn(&Samples) -> Option<f64>) -> Option<f64> {
    rate(history, |snapshot| match &snapshot.broker {
        Broker::Embedded(_) => None,
        Broker::Nodes(nodes) => counter(&named(nodes, name)?.result.as_ref().ok()?.samples),
    })
}

/// The sum of the numbers that are known.
fn total(numbers: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    numbers.flatten().reduce(|a, b| a + b)
}
