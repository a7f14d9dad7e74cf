//! Tables of snapshots and the stages that they give.

use std::time::Duration;

use super::super::openmetrics::Samples;
use super::super::snapshot::{Broker, Problem, Scrape, Scraped, Snapshot};
use super::*;
use crate::live::DevicesByState;

mod wrong;

const NODE: &str = "rabbitmq_global_messages_received_total{protocol=\"mqtt311\"} N
rabbitmq_global_messages_received_total{protocol=\"amqp091\"} 7
rabbitmq_connections 4
rabbitmq_alarms_memory_used_watermark 0
rabbitmq_alarms_free_disk_space_watermark 0
erlang_vm_dist_node_state{peer=\"rabbit@rabbitmq2\"} 3
erlang_vm_dist_node_state{peer=\"rabbit@rabbitmq3\"} 1
";

const QUEUES: &str = "rabbitmq_detailed_queue_messages{vhost=\"/\",queue=\"db-writer\"} N
rabbitmq_detailed_queue_messages{vhost=\"/\",queue=\"alerter\"} 3
rabbitmq_detailed_queue_messages{vhost=\"/\",queue=\"dead-letter\"} 0
rabbitmq_detailed_queue_messages{vhost=\"other\",queue=\"db-writer\"} 90000
rabbitmq_detailed_queue_consumers{vhost=\"/\",queue=\"db-writer\"} 1
rabbitmq_detailed_queue_consumers{vhost=\"/\",queue=\"alerter\"} 1
rabbitmq_detailed_queue_consumers{vhost=\"/\",queue=\"dead-letter\"} 0
rabbitmq_detailed_queue_info{vhost=\"/\",queue=\"db-writer\",membership=\"leader\"} 1
";

const WRITER: &str = "millrace_db_writer_received_total N
millrace_db_writer_stored_total N
millrace_db_writer_duplicate_total 0
millrace_db_writer_rejected_total 0
millrace_db_writer_in_flight 200
millrace_db_writer_behind_seconds 0.12
millrace_inputs_info{hash=\"0a\"} 1
millrace_inputs_rules_loaded 1
";

const ALERTER: &str = "millrace_alerter_received_total N
millrace_alerter_judged_total N
millrace_alerter_in_flight 1
millrace_alerter_messages_waiting 2
millrace_alerter_rules_loaded 1
millrace_inputs_info{hash=\"0a\"} 1
millrace_inputs_rules_loaded 1
";

fn scrape(name: &str, texts: &[&str], counted: u64) -> Scrape {
    let text = texts.concat().replace(" N\n", &format!(" {counted}\n"));
    let result = Scraped { samples: Samples::read(&text, &[""]), problems: Vec::new() };
    Scrape { name: name.to_owned(), result: Ok(result) }
}

fn silent(name: &str) -> Scrape {
    Scrape { name: name.to_owned(), result: Err("does not answer".into()) }
}

/// A cluster where all is well, and a thousand readings come a second.
fn cluster(second: u64) -> Snapshot {
    let counted = 1_000 * second;
    let nodes = ["rabbitmq1", "rabbitmq2"].map(|name| scrape(name, &[NODE], counted / 2));
    let leader = scrape("rabbitmq3", &[NODE, &QUEUES.replace(" N\n", " 12\n")], 0);
    let pages = format!("millrace_dashboard_pages 3\nmillrace_dashboard_frames_total {}\n", 30 * second);
    Snapshot {
        at: Duration::from_secs(second),
        devices: DevicesByState { fresh: 998, stale: 0, offline: 2 },
        broker: Broker::Nodes(nodes.into_iter().chain([leader]).collect()),
        writers: vec![scrape("db-writer", &[WRITER], counted)],
        alerters: vec![scrape("alerter", &[ALERTER], counted)],
        dashboards: vec![scrape("dashboard", &[&pages], 0)],
    }
}

/// The last ten seconds of a cluster to which something happened before its last snapshot.
fn after(change: impl Fn(&mut Snapshot)) -> Vec<Stage> {
    let mut snapshots: Vec<Snapshot> = (0..=5).map(|snapshot| cluster(2 * snapshot)).collect();
    change(snapshots.last_mut().unwrap());
    stages(&snapshots)
}

fn stage<'a>(stages: &'a [Stage], id: &str) -> &'a Stage {
    stages.iter().find(|stage| stage.id == id).unwrap_or_else(|| panic!("no {id}"))
}

fn nodes(snapshot: &mut Snapshot) -> &mut Vec<Scrape> {
    let Broker::Nodes(nodes) = &mut snapshot.broker else { panic!("the cluster's") };
    nodes
}

fn put(scrape: &mut Scrape, from: &str, to: &str, texts: &[&str]) {
    let text = texts.concat().replace(from, to).replace(" N\n", " 12\n");
    scrape.result.as_mut().unwrap().samples = Samples::read(&text, &[""]);
}

fn fail(scrape: &mut Scrape, of: &str, why: &str) {
    let problem = Problem { of: of.into(), why: why.into() };
    scrape.result.as_mut().unwrap().problems.push(problem);
}

#[test]
fn a_cluster_where_all_is_well() {
    let stages = after(|_| {});
    let said: Vec<_> = stages.iter().map(|stage| (stage.id, stage.all.state, stage.all.rate)).collect();
    assert_eq!(
        said,
        [
            ("devices", State::Ok, Some(1000.0)),
            ("broker", State::Ok, Some(1000.0)),
            ("queue", State::Ok, Some(1000.0)),
            ("writer", State::Ok, Some(1000.0)),
            ("store", State::Ok, Some(1000.0)),
            ("alerter", State::Ok, Some(1000.0)),
            ("page", State::Ok, Some(30.0)),
        ]
    );
    assert!(stages.iter().all(|stage| stage.all.problem.is_none()), "{stages:?}");
    assert_eq!(stage(&stages, "devices").all.says, ["998 fresh", "2 offline"]);
    assert_eq!(stage(&stages, "broker").all.says, ["12 connections"]);
    let depths = |id| stage(&stages, id).parts.iter().map(|part| part.depth).collect::<Vec<_>>();
    assert_eq!(
        (stage(&stages, "queue").all.depth, depths("queue")),
        (Some(12), vec![Some(12), Some(3), Some(0)])
    );
    let writer = &stage(&stages, "writer").all;
    assert_eq!((writer.depth, writer.behind), (Some(200), Some(0.1)));
    assert_eq!(stage(&stages, "alerter").all.says, ["2 messages to send"]);
    assert_eq!(stage(&stages, "page").all.says, ["3 open"]);
}

#[test]
fn a_queue_is_counted_once_by_the_node_that_leads_it() {
    let old = "rabbitmq_detailed_queue_messages{vhost=\"/\",queue=\"db-writer\"} 700\n\
               rabbitmq_detailed_queue_info{vhost=\"/\",queue=\"db-writer\",membership=\"follower\"} 1\n";
    let stages = after(|snapshot| nodes(snapshot)[0] = scrape("rabbitmq1", &[NODE, old], 0));
    assert_eq!(stage(&stages, "queue").all.depth, Some(12), "not what another counted before");
    let twice = QUEUES.replace(" N\n", " 12\n");
    let stages = after(|snapshot| nodes(snapshot)[0] = scrape("rabbitmq1", &[NODE, &twice], 0));
    assert_eq!(stage(&stages, "queue").all.depth, Some(12), "not twice");
}

#[test]
fn a_node_that_is_silent_about_its_queues_is_well_and_they_are_as_they_were() {
    let silent = |snapshot: &mut Snapshot| {
        nodes(snapshot)[2] = scrape("rabbitmq3", &[NODE], 0);
        nodes(snapshot)[2].result.as_mut().unwrap().problems.push(Problem::of_queues());
    };
    let result = after(silent);
    assert_eq!(stage(&result, "broker").all.state, State::Ok);
    let queue = &stage(&result, "queue").all;
    assert_eq!((queue.state, queue.depth), (State::Ok, Some(12)));
    let mut first = cluster(0);
    silent(&mut first);
    let result = stages(&[first]);
    let queue = &stage(&result, "queue").all;
    assert_eq!((queue.state, queue.depth), (State::Unknown, None));
    assert_eq!(queue.problem.as_deref(), Some("db-writer: RabbitMQ does not say how long it is"));
}

#[test]
fn a_long_queue_that_shrinks_is_no_problem() {
    let mut snapshots: Vec<Snapshot> = (0..=5).map(|snapshot| cluster(2 * snapshot)).collect();
    for (snapshot, depth) in snapshots.iter_mut().zip([9_000, 8_000, 7_000, 6_000, 5_000, 4_000]) {
        nodes(snapshot)[2] = scrape("rabbitmq3", &[NODE, &QUEUES.replace(" N\n", &format!(" {depth}\n"))], 0);
    }
    let queue = &stage(&stages(&snapshots), "queue").clone();
    assert_eq!((queue.all.state, queue.all.depth), (State::Ok, Some(4_000)));
    assert_eq!(queue.parts[0].says, ["shrinks"]);
}

#[test]
fn a_rate_survives_restarts_and_silence() {
    let rates = |counted: &[Option<u64>]| {
        let snapshot = |(at, counted): (usize, &Option<u64>)| {
            let writer = counted
                .map_or_else(|| silent("db-writer"), |counted| scrape("db-writer", &[WRITER], counted));
            Snapshot { at: Duration::from_secs(2 * at as u64), writers: vec![writer], ..cluster(0) }
        };
        let snapshots: Vec<Snapshot> = counted.iter().enumerate().map(snapshot).collect();
        stage(&stages(&snapshots), "writer").all.rate
    };
    for (counted, expected) in [
        (vec![Some(5)], None),
        (vec![Some(5), Some(5)], Some(0.0)),
        (vec![Some(0), Some(20), Some(80)], Some(20.0)),
        (vec![Some(900), Some(1_000), Some(100)], Some(50.0)),
        (vec![Some(0), None, Some(80)], Some(20.0)),
        (vec![Some(0), Some(20), None], None),
        (
            vec![Some(0), Some(1_000), Some(1_000), Some(1_000), Some(1_000), Some(1_000), Some(1_000)],
            Some(0.0),
        ),
    ] {
        assert_eq!(rates(&counted), expected, "{counted:?}");
    }
}

#[test]
fn a_writer_without_its_broker_does_not_know_how_far_it_is_behind() {
    assert_eq!(behind(&cluster(0)), Some(0.12));
    let mut snapshot = cluster(0);
    snapshot.writers.push(scrape("second", &[&WRITER.replace("0.12", "3.5")], 0));
    assert_eq!(behind(&snapshot), Some(3.5), "the one that is furthest behind");
    fail(&mut snapshot.writers[1], "broker", "connection refused");
    assert_eq!(behind(&snapshot), Some(0.12));
    snapshot.writers[0] = silent("db-writer");
    assert_eq!(behind(&snapshot), None);
}

#[test]
fn at_the_edge_there_is_no_queue_and_what_is_not_acked_is_seen() {
    let edge = |second: u64, published: u64, kept: u64| {
        let text = format!(
            "millrace_edge_published_total {published}\nmillrace_edge_acknowledged_total {kept}\nmillrace_edge_connections 1\n"
        );
        Snapshot { broker: Broker::Embedded(Samples::read(&text, &[""])), ..cluster(second) }
    };
    let well = stages(&[edge(0, 0, 0), edge(2, 2_000, 1_990), edge(4, 4_000, 3_990)]);
    let ids: Vec<_> = well.iter().map(|stage| stage.id).collect();
    assert_eq!(ids, ["devices", "broker", "writer", "store", "alerter", "page"]);
    let broker = &stage(&well, "broker").all;
    assert_eq!((broker.state, broker.rate, broker.depth), (State::Ok, Some(1000.0), Some(10)));
    assert_eq!(broker.says, ["1 connection"]);
    let stuck = stages(&[edge(0, 1_000, 1_000), edge(2, 1_010, 1_000)]);
    let broker = &stage(&stuck, "broker").all;
    assert_eq!(broker.state, State::Warning);
    assert!(broker.problem.as_ref().unwrap().starts_with("10 messages not acked"), "{broker:?}");
    let twins = |second, conflicts| {
        let text =
            format!("millrace_edge_connections 2\nmillrace_edge_client_id_conflicts_total {conflicts}\n");
        Snapshot { broker: Broker::Embedded(Samples::read(&text, &[""])), ..cluster(second) }
    };
    for (conflicts, state) in [(3, State::Ok), (4, State::Warning)] {
        let broker = stage(&stages(&[twins(0, 3), twins(2, conflicts)]), "broker").all.clone();
        assert_eq!(broker.state, state, "{broker:?}");
    }
}

#[test]
fn the_answer_looks_as_documented() {
    let stages = after(|snapshot| nodes(snapshot)[1] = silent("rabbitmq2"));
    let json = serde_json::to_value(stage(&stages, "broker")).unwrap();
    let expected = serde_json::json!({
        "id": "broker", "name": "Broker", "state": "warning", "rate": 500.7, "depth": null, "behind": null,
        "says": ["8 connections"], "problem": "1 of 3 nodes is down", "parts": []
    });
    for key in ["id", "name", "state", "depth", "behind", "says", "problem"] {
        assert_eq!(json[key], expected[key], "{key}: {json}");
    }
    assert_eq!(
        json["parts"][1],
        serde_json::json!({
            "name": "rabbitmq2", "state": "down", "rate": null, "depth": null, "behind": null, "says": [],
            "problem": "does not answer"
        })
    );
}
