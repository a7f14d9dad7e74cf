//! RabbitMQ's queues.

use super::super::look::{Broker, Look, Seen, recent};
use super::super::openmetrics::Sample;
use super::services::{ALERTER_RECEIVED, WRITER_RECEIVED, instances_rate};
use super::{Part, Stage, State, count, things};

const MESSAGES: &str = "rabbitmq_detailed_queue_messages";
const CONSUMERS: &str = "rabbitmq_detailed_queue_consumers";
const INFO: &str = "rabbitmq_detailed_queue_info";

/// What is wanted of a node's metrics by queue, and the families that hold it.
pub(in super::super) const QUEUE_METRICS: [&str; 3] = [MESSAGES, CONSUMERS, INFO];
pub(in super::super) const FAMILIES: &str = "family=queue_coarse_metrics&family=queue_consumer_count";

/// As rabbitmq/definitions.json has them.
const WRITER: &str = "db-writer";
const ALERTER: &str = "alerter";
const DEAD_LETTER: &str = "dead-letter";

/// A queue with fewer messages may just have had a burst.
const MANY: f64 = 1_000.0;

/// Where there are brokers to be asked.
pub(super) fn stage(history: &[Look], now: &Look) -> Option<Stage> {
    let nodes = nodes(now).filter(|nodes| !nodes.is_empty())?;
    let mut stage = Stage::new("queue", "Queue");
    if nodes.iter().all(|node| node.told.is_err()) {
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

fn queue(history: &[Look], nodes: &[Seen], name: &str) -> Part {
    let mut part = Part::new(name);
    part.rate = match name {
        WRITER => instances_rate(history, |look| &look.writers, &[WRITER_RECEIVED]),
        ALERTER => instances_rate(history, |look| &look.alerters, &[ALERTER_RECEIVED]),
        _ => None,
    };
    let Some(nodes) = told_last(history, nodes, name) else {
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
        part.wrong(State::Warning, format!("nobody takes from it: does {name} run?"));
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

/// The nodes as they are now, or, while one that answers says nothing of its queues, as they were when this was last known.
fn told_last<'a>(history: &'a [Look], now: &'a [Seen], name: &str) -> Option<&'a [Seen]> {
    let silent = now.iter().any(|node| node.told.is_ok() && !node.tells_of_queues());
    if !silent || of_queue(now, MESSAGES, name).is_some() {
        return Some(now);
    }
    let looks = recent(history).iter().rev();
    looks.filter_map(nodes).find(|nodes| of_queue(nodes, MESSAGES, name).is_some())
}

/// How many messages it held when rates begin to look back.
fn before(history: &[Look], name: &str) -> Option<f64> {
    let (_, before) = recent(history).split_last()?;
    before.iter().find_map(|look| of_queue(nodes(look)?, MESSAGES, name))
}

fn nodes(look: &Look) -> Option<&[Seen]> {
    match &look.broker {
        Broker::Embedded(_) => None,
        Broker::Nodes(nodes) => Some(nodes),
    }
}

/// As the node that leads the queue counts it; one that led it before may still say an old number.
fn of_queue(nodes: &[Seen], metric: &str, queue: &str) -> Option<f64> {
    let told = nodes.iter().filter_map(|node| node.told.as_ref().ok());
    let counted = told.filter_map(|told| {
        let here = |sample: &&Sample| sample.label("queue") == queue && sample.label("vhost") == "/";
        let follows = |info: &Sample| info.label("membership") == "follower";
        if told.samples.of(INFO).find(here).is_some_and(follows) {
            return None;
        }
        told.samples.of(metric).find(here).map(Sample::value)
    });
    counted.reduce(f64::max)
}
