//! RabbitMQ's queues.

use super::super::openmetrics::Sample;
use super::super::snapshot::{Broker, Scrape, Snapshot, recent};
use super::part::{Part, Stage, State, count, things};
use super::services::{ALERTER_RECEIVED, WRITER_RECEIVED, instances_rate};

const MESSAGES: &str = "rabbitmq_detailed_queue_messages";
const CONSUMERS: &str = "rabbitmq_detailed_queue_consumers";
const INFO: &str = "rabbitmq_detailed_queue_info";

/// The metrics that are read of each queue, and the families that hold them.
pub(in super::super) const QUEUE_METRICS: [&str; 3] = [MESSAGES, CONSUMERS, INFO];
pub(in super::super) const FAMILIES: &str = "family=queue_coarse_metrics&family=queue_consumer_count";

/// The queues of rabbitmq/definitions.json.
const WRITER: &str = "db-writer";
const ALERTER: &str = "alerter";
const DEAD_LETTER: &str = "dead-letter";

/// With fewer messages, a queue may just have had a burst.
const MANY: f64 = 1_000.0;

/// The stage, where RabbitMQ is the broker.
pub(super) fn stage(history: &[Snapshot], now: &Snapshot) -> Option<Stage> {
    let nodes = nodes(now).filter(|nodes| !nodes.is_empty())?;
    let mut stage = Stage::new("queue", "Queue");
    if nodes.iter().all(|node| node.result.is_err()) {
        stage.all.wrong(State::Down, "no node of the broker answers".into());
        return Some(stage);
    }
    let parts = [WRITER, ALERTER, DEAD_LETTER].map(|name| queue(history, nodes, name));
    let [writer, ..] = &parts;
    let rate = writer.rate;
    // A reading waits in two queues, and is one reading.
    let depth = parts.iter().filter_map(|part| part.depth).max();
    let mut stage = stage.of_parts(parts.into(), "queues");
    (stage.all.rate, stage.all.depth) = (rate, depth);
    Some(stage)
}

fn queue(history: &[Snapshot], nodes: &[Scrape], name: &str) -> Part {
    let mut part = Part::new(name);
    part.rate = match name {
        WRITER => instances_rate(history, |snapshot| &snapshot.writers, &[WRITER_RECEIVED]),
        ALERTER => instances_rate(history, |snapshot| &snapshot.alerters, &[ALERTER_RECEIVED]),
        _ => None,
    };
    let Some(nodes) = last_known(history, nodes, name) else {
        part.wrong(State::Unknown, "RabbitMQ does not say how long it is".into());
        return part;
    };
    let Some(depth) = of_queue(nodes, MESSAGES, name) else {
        part.wrong(State::Warning, "no node leads it: it takes and gives nothing until one does".into());
        return part;
    };
    part.depth = Some(things(depth));
    if name == DEAD_LETTER {
        if depth > 0.0 {
            let messages = count(depth, "message");
            part.wrong(
                State::Warning,
                format!("{messages} set aside: see this queue in RabbitMQ's management"),
            );
        }
        return part;
    }
    if of_queue(nodes, CONSUMERS, name) == Some(0.0) {
        part.wrong(State::Warning, format!("it has no consumer: is {name} running?"));
    }
    match before(history, name) {
        Some(before) if depth >= MANY && depth > before => {
            part.wrong(State::Warning, format!("it grows: {name} does not keep up"));
        }
        Some(before) if depth >= MANY && depth < before => part.says.push("shrinks".into()),
        _ => {}
    }
    part
}

/// The nodes as they are now. While a node answers but not about its queues: as they were when this was last known.
fn last_known<'a>(history: &'a [Snapshot], now: &'a [Scrape], name: &str) -> Option<&'a [Scrape]> {
    let silent = now.iter().any(|node| node.result.is_ok() && !node.has_queues());
    if !silent || of_queue(now, MESSAGES, name).is_some() {
        return Some(now);
    }
    let snapshots = recent(history).iter().rev();
    snapshots.filter_map(nodes).find(|nodes| of_queue(nodes, MESSAGES, name).is_some())
}

/// How many messages it held at the beginning of the time over which rates are computed.
fn before(history: &[Snapshot], name: &str) -> Option<f64> {
    let (_, before) = recent(history).split_last()?;
    before.iter().find_map(|snapshot| of_queue(nodes(snapshot)?, MESSAGES, name))
}

fn nodes(snapshot: &Snapshot) -> Option<&[Scrape]> {
    match &snapshot.broker {
        Broker::Embedded(_) => None,
        Broker::Nodes(nodes) => Some(nodes),
    }
}

/// As the node that leads the queue counts it: a former leader may still have an old number.
fn of_queue(nodes: &[Scrape], metric: &str, queue: &str) -> Option<f64> {
    let result = nodes.iter().filter_map(|node| node.result.as_ref().ok());
    let counted = result.filter_map(|result| {
        let here = |sample: &&Sample| sample.label("queue") == queue && sample.label("vhost") == "/";
        let follows = |info: &Sample| info.label("membership") == "follower";
        if result.samples.of(INFO).find(here).is_some_and(follows) {
            return None;
        }
        result.samples.of(metric).find(here).map(Sample::value)
    });
    counted.reduce(f64::max)
}
