//! What is wrong, and in which stage that shows.

use super::*;

/// What happens, the stage in which it shows, the state, and the words for it.
type Case = (Change, &'static str, State, &'static str);
type Change = fn(&mut Snapshot);

#[test]
fn what_is_wrong_is_seen_at_its_stage() {
    let cases: [Case; 20] = [
        (
            |snapshot| snapshot.devices = DevicesByState::default(),
            "devices",
            State::Unknown,
            "no device has published yet",
        ),
        (|snapshot| snapshot.devices.fresh = 0, "devices", State::Warning, "no device is fresh"),
        (
            |snapshot| put(&mut snapshot.alerters[0], "\"0a\"", "\"0b\"", &[ALERTER]),
            "devices",
            State::Warning,
            "db-writer and alerter read messages by different rules",
        ),
        (
            |snapshot| {
                put(&mut snapshot.writers[0], "inputs_rules_loaded 1", "inputs_rules_loaded 0", &[WRITER]);
            },
            "devices",
            State::Warning,
            "the file of mappings is refused by db-writer: the old rules stay in force",
        ),
        (
            |snapshot| nodes(snapshot)[1] = silent("rabbitmq2"),
            "broker",
            State::Warning,
            "1 of 3 nodes is down",
        ),
        (
            |snapshot| nodes(snapshot).iter_mut().for_each(|node| *node = silent("x")),
            "broker",
            State::Down,
            "3 of 3 nodes are down",
        ),
        (|snapshot| nodes(snapshot).clear(), "broker", State::Unknown, "set pipeline.brokers"),
        (
            |snapshot| {
                put(&mut nodes(snapshot)[0], "memory_used_watermark 0", "memory_used_watermark 1", &[NODE]);
            },
            "broker",
            State::Warning,
            "rabbitmq1: it has too little memory",
        ),
        (
            |snapshot| put(&mut nodes(snapshot)[0], "} 3", "} 1", &[NODE]),
            "broker",
            State::Warning,
            "rabbitmq1: it sees no other node",
        ),
        (|snapshot| nodes(snapshot).truncate(2), "queue", State::Warning, "db-writer: no node leads it"),
        (
            |snapshot| nodes(snapshot).iter_mut().for_each(|node| *node = silent("x")),
            "queue",
            State::Down,
            "no node",
        ),
        (
            |snapshot| put(&mut nodes(snapshot)[2], " N", " 5000", &[NODE, QUEUES]),
            "queue",
            State::Warning,
            "db-writer: it grows",
        ),
        (
            |snapshot| {
                put(&mut nodes(snapshot)[2], "queue=\"alerter\"} 1", "queue=\"alerter\"} 0", &[NODE, QUEUES]);
            },
            "queue",
            State::Warning,
            "alerter: it has no consumer: is alerter running?",
        ),
        (
            |snapshot| {
                put(
                    &mut nodes(snapshot)[2],
                    "\"dead-letter\"} 0\nrabbitmq_detailed_queue_messages",
                    "\"dead-letter\"} 1\nrabbitmq_detailed_queue_messages",
                    &[NODE, QUEUES],
                );
            },
            "queue",
            State::Warning,
            "dead-letter: 1 message set aside",
        ),
        (|snapshot| snapshot.writers[0] = silent("db-writer"), "writer", State::Down, "does not answer"),
        (|snapshot| snapshot.writers.clear(), "writer", State::Unknown, "set pipeline.writers"),
        (
            |snapshot| put(&mut snapshot.writers[0], " 0.12", " 12.4", &[WRITER]),
            "writer",
            State::Warning,
            "it is 12 s behind",
        ),
        (
            |snapshot| fail(&mut snapshot.writers[0], "store", "the disk is full"),
            "writer",
            State::Warning,
            "store: the disk is full",
        ),
        (
            |snapshot| put(&mut snapshot.alerters[0], "loaded 1", "loaded 0", &[ALERTER]),
            "alerter",
            State::Warning,
            "the rules file is invalid",
        ),
        (
            |snapshot| fail(&mut snapshot.dashboards[0], "broker", "refused"),
            "page",
            State::Warning,
            "broker: refused",
        ),
    ];
    for (change, id, state, words) in cases {
        let stages = after(change);
        let all = &stage(&stages, id).all;
        let problem = all.problem.as_deref().unwrap_or_default();
        assert!(all.state == state && problem.contains(words), "{id}, {words}: {all:?}");
    }
}

#[test]
fn the_store_is_as_those_say_who_use_it() {
    fn down(scrape: &mut Scrape) {
        fail(scrape, "store", "connection refused");
    }
    let cases: [(&str, Change, State); 8] = [
        ("all is well", |_| {}, State::Ok),
        ("the writer cannot write", |snapshot| down(&mut snapshot.writers[0]), State::Down),
        (
            "one writer of two cannot",
            |snapshot| {
                snapshot.writers.push(scrape("second", &[WRITER], 0));
                down(&mut snapshot.writers[1]);
            },
            State::Warning,
        ),
        ("a page cannot read", |snapshot| down(&mut snapshot.dashboards[0]), State::Warning),
        (
            "the writer has lost its broker",
            |snapshot| fail(&mut snapshot.writers[0], "broker", "refused"),
            State::Ok,
        ),
        ("no writer answers", |snapshot| snapshot.writers[0] = silent("w"), State::Ok),
        (
            "nor can the page read",
            |snapshot| {
                snapshot.writers.clear();
                down(&mut snapshot.dashboards[0]);
            },
            State::Down,
        ),
        (
            "nobody answers",
            |snapshot| {
                snapshot.writers.clear();
                snapshot.dashboards.clear();
            },
            State::Unknown,
        ),
    ];
    for (case, change, expected) in cases {
        let stages = after(change);
        assert_eq!(stage(&stages, "store").all.state, expected, "{case}");
    }
}
