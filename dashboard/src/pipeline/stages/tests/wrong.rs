//! What is wrong, and where that is seen.

use super::*;

/// What happens, the stage where it is seen, how that is, and the words for it.
type Case = (Change, &'static str, State, &'static str);
type Change = fn(&mut Look);

#[test]
fn what_is_wrong_is_seen_at_its_stage() {
    let cases: [Case; 18] = [
        (|look| look.devices = Devices::default(), "devices", State::Unknown, "no device has published yet"),
        (|look| look.devices.fresh = 0, "devices", State::Warning, "no device is fresh"),
        (|look| nodes(look)[1] = silent("rabbitmq2"), "broker", State::Warning, "1 of 3 nodes is down"),
        (
            |look| nodes(look).iter_mut().for_each(|node| *node = silent("x")),
            "broker",
            State::Down,
            "3 of 3 nodes are down",
        ),
        (|look| nodes(look).clear(), "broker", State::Unknown, "set pipeline.brokers"),
        (
            |look| put(&mut nodes(look)[0], "memory_used_watermark 0", "memory_used_watermark 1", &[NODE]),
            "broker",
            State::Warning,
            "rabbitmq1: it has too little memory",
        ),
        (
            |look| put(&mut nodes(look)[0], "} 3", "} 1", &[NODE]),
            "broker",
            State::Warning,
            "rabbitmq1: it sees no other node",
        ),
        (|look| nodes(look).truncate(2), "queue", State::Warning, "db-writer: no node leads it"),
        (|look| nodes(look).iter_mut().for_each(|node| *node = silent("x")), "queue", State::Down, "no node"),
        (
            |look| put(&mut nodes(look)[2], " N", " 5000", &[NODE, QUEUES]),
            "queue",
            State::Warning,
            "db-writer: it grows",
        ),
        (
            |look| put(&mut nodes(look)[2], "queue=\"alerter\"} 1", "queue=\"alerter\"} 0", &[NODE, QUEUES]),
            "queue",
            State::Warning,
            "alerter: nobody takes from it: does alerter run?",
        ),
        (
            |look| {
                put(
                    &mut nodes(look)[2],
                    "\"dead-letter\"} 0\nrabbitmq_detailed_queue_messages",
                    "\"dead-letter\"} 1\nrabbitmq_detailed_queue_messages",
                    &[NODE, QUEUES],
                );
            },
            "queue",
            State::Warning,
            "dead-letter: 1 message set aside",
        ),
        (|look| look.writers[0] = silent("db-writer"), "writer", State::Down, "does not answer"),
        (|look| look.writers.clear(), "writer", State::Unknown, "set pipeline.writers"),
        (
            |look| put(&mut look.writers[0], " 0.12", " 12.4", &[WRITER]),
            "writer",
            State::Warning,
            "it is 12 s behind",
        ),
        (
            |look| fail(&mut look.writers[0], "store", "the disk is full"),
            "writer",
            State::Warning,
            "store: the disk is full",
        ),
        (
            |look| put(&mut look.alerters[0], "loaded 1", "loaded 0", &[ALERTER]),
            "alerter",
            State::Warning,
            "the file of rules",
        ),
        (
            |look| fail(&mut look.dashboards[0], "broker", "refused"),
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
    fn away(seen: &mut Seen) {
        fail(seen, "store", "connection refused");
    }
    let cases: [(&str, Change, State); 8] = [
        ("all is well", |_| {}, State::Ok),
        ("the writer cannot write", |look| away(&mut look.writers[0]), State::Down),
        (
            "one writer of two cannot",
            |look| {
                look.writers.push(seen("second", &[WRITER], 0));
                away(&mut look.writers[1]);
            },
            State::Warning,
        ),
        ("a page cannot read", |look| away(&mut look.dashboards[0]), State::Warning),
        ("the writer has lost its broker", |look| fail(&mut look.writers[0], "broker", "refused"), State::Ok),
        ("no writer answers", |look| look.writers[0] = silent("w"), State::Ok),
        (
            "nor can the page read",
            |look| {
                look.writers.clear();
                away(&mut look.dashboards[0]);
            },
            State::Down,
        ),
        (
            "nobody answers",
            |look| {
                look.writers.clear();
                look.dashboards.clear();
            },
            State::Unknown,
        ),
    ];
    for (case, change, expected) in cases {
        let stages = after(change);
        assert_eq!(stage(&stages, "store").all.state, expected, "{case}");
    }
}
