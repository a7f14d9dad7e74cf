//! The faults, and how each is repaired.

use std::time::{Duration, Instant};

use e2e::{LONG, Shape, eventually};
use rand::RngExt;

use crate::ask::{exit_code, management, offline_after};
use crate::harness::{Harness, until_mailed};
use crate::plan::{Drill, Hit, Kind};

const NODES: [&str; 3] = ["rabbitmq1", "rabbitmq2", "rabbitmq3"];

const fn drill(
    kind: Kind,
    name: &'static str,
    what: &'static str,
    fault: fn(&mut Harness<'_>) -> Hit,
) -> Drill {
    Drill { name, what, kind, in_each_run: false, load: &[], canary: true, fault }
}

/// One that `make test` runs.
const fn in_each_run(drill: Drill) -> Drill {
    Drill { in_each_run: true, ..drill }
}

pub(crate) const DRILLS: &[Drill] = &[
    in_each_run(drill(
        Kind::NodeDies,
        "kill-leader",
        "`kill -9` of the node that leads the queue of db-writer; back after 6 s",
        kill_leader,
    )),
    drill(Kind::NodeDies, "kill-follower", "`kill -9` of a node that follows; back after 6 s", kill_follower),
    drill(
        Kind::NodeDies,
        "kill-other-follower",
        "`kill -9` of the other one; back after 6 s",
        kill_other_follower,
    ),
    in_each_run(drill(Kind::NodeSilent, "freeze", "the leading node is frozen for 30 s", freeze)),
    drill(Kind::NodeSilent, "cut", "the leading node is cut off the network for 30 s", cut),
    drill(Kind::Restart, "rolling-restart", "all nodes are restarted one by one", rolling_restart),
    in_each_run(drill(Kind::Restart, "restart-haproxy", "HAProxy is restarted", restart_haproxy)),
    drill(Kind::Database, "database-away", "the database is stopped for 60 s", database_away),
    drill(
        Kind::Database,
        "consumer-timeout",
        "the database is away for 90 s, with RabbitMQ's `consumer_timeout` at 20 s instead of 30 min",
        consumer_timeout,
    ),
    in_each_run(drill(
        Kind::Database,
        "database-restart",
        "the database is restarted, then killed, in the middle of batches",
        database_restart,
    )),
    drill(Kind::Service, "kill-db-writer", "`kill -9` of db-writer, 25 times", kill_db_writer),
    in_each_run(drill(
        Kind::Service,
        "sigterm",
        "db-writer, alerter and dashboard get SIGTERM one after the other, and start again",
        sigterm,
    )),
    in_each_run(Drill {
        load: &["--bad", "0.01"],
        ..drill(Kind::BadPayload, "poison", "1 % of the messages are bad payloads of eight kinds", nothing)
    }),
    in_each_run(Drill {
        load: &["--twice"],
        ..drill(Kind::Repeated, "twice", "every message is published twice", nothing)
    }),
    in_each_run(Drill {
        canary: false,
        ..drill(
            Kind::Mail,
            "mail-away",
            "the mail server is stopped for 10 s while an incident opens",
            mail_away,
        )
    }),
    in_each_run(drill(
        Kind::Backpressure,
        "disk-alarm",
        "a node has less free disk than it wants for 10 s: publishers are held back",
        disk_alarm,
    )),
    in_each_run(drill(
        Kind::Device,
        "device-stopped",
        "a sensor is stopped: the page shows it offline in time",
        device_stopped,
    )),
];

fn wait(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

fn hit(node: &str) -> Hit {
    Hit { nodes: vec![node.to_owned()] }
}

fn leader(harness: &Harness<'_>) -> String {
    eventually(LONG, || {
        let queue = management(harness.cluster, "/api/queues/%2F/db-writer")?;
        let leader = queue["leader"].as_str().ok_or("no leader")?;
        Ok::<_, String>(leader.trim_start_matches("rabbit@").to_owned())
    })
}

fn follower(harness: &Harness<'_>, number: usize) -> String {
    let leader = leader(harness);
    let mut followers = NODES.iter().filter(|node| **node != leader);
    (*followers.nth(number).expect("two follow")).to_owned()
}

fn kill_leader(harness: &mut Harness<'_>) -> Hit {
    kill_node(harness, &leader(harness))
}

fn kill_follower(harness: &mut Harness<'_>) -> Hit {
    kill_node(harness, &follower(harness, 0))
}

fn kill_other_follower(harness: &mut Harness<'_>) -> Hit {
    kill_node(harness, &follower(harness, 1))
}

fn kill_node(harness: &mut Harness<'_>, node: &str) -> Hit {
    harness.cluster.kill(node);
    wait(6);
    harness.cluster.start(node);
    hit(node)
}

fn freeze(harness: &mut Harness<'_>) -> Hit {
    let node = leader(harness);
    harness.cluster.pause(&node);
    wait(30);
    harness.cluster.unpause(&node);
    harness.cluster.until_healthy(&node);
    hit(&node)
}

fn cut(harness: &mut Harness<'_>) -> Hit {
    let node = leader(harness);
    harness.cluster.network("disconnect", &node);
    wait(30);
    harness.cluster.network("connect", &node);
    harness.cluster.until_healthy(&node);
    hit(&node)
}

fn rolling_restart(harness: &mut Harness<'_>) -> Hit {
    for node in NODES {
        harness.cluster.restart_services(&[node]);
        harness.cluster.until_healthy(node);
    }
    Hit { nodes: NODES.map(str::to_owned).to_vec() }
}

fn restart_haproxy(harness: &mut Harness<'_>) -> Hit {
    harness.cluster.restart_services(&["haproxy"]);
    harness.cluster.until_healthy("haproxy");
    Hit { nodes: NODES.map(str::to_owned).to_vec() }
}

fn database_away(harness: &mut Harness<'_>) -> Hit {
    harness.cluster.stop("timescaledb");
    wait(60);
    harness.cluster.start("timescaledb");
    Hit::default()
}

fn consumer_timeout(harness: &mut Harness<'_>) -> Hit {
    let limit = |millis: &str| {
        for node in NODES {
            control(
                harness,
                node,
                &["eval", &format!("application:set_env(rabbit, consumer_timeout, {millis}).")],
            );
        }
    };
    limit("20000");
    harness.cluster.stop("timescaledb");
    wait(90);
    harness.cluster.start("timescaledb");
    limit("1800000");
    Hit::default()
}

fn database_restart(harness: &mut Harness<'_>) -> Hit {
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(harness.random.random_range(500..1_500)));
        harness.cluster.restart_services(&["timescaledb"]);
        harness.cluster.until_healthy("timescaledb");
    }
    harness.cluster.kill("timescaledb");
    harness.cluster.start("timescaledb");
    Hit::default()
}

fn kill_db_writer(harness: &mut Harness<'_>) -> Hit {
    for _ in 0..25 {
        harness.cluster.kill("db-writer");
        harness.cluster.compose(&["start", "db-writer"]).unwrap_or_else(|e| panic!("{e}"));
        // Sometimes before it has taken anything, sometimes in the middle of a batch.
        std::thread::sleep(Duration::from_millis(harness.random.random_range(0..1_500)));
    }
    harness.cluster.start("db-writer");
    Hit::default()
}

fn sigterm(harness: &mut Harness<'_>) -> Hit {
    for service in ["db-writer", "alerter", "dashboard"] {
        harness.cluster.stop(service);
        let code = exit_code(harness.cluster, service);
        if code != "0" {
            harness.violations.push(format!("{service} ended with {code}"));
        }
        harness.cluster.start(service);
    }
    Hit::default()
}

fn nothing(_: &mut Harness<'_>) -> Hit {
    wait(10);
    Hit::default()
}

/// The mail catcher loses its mails at a stop, so the incident opens and ends while it is away.
fn mail_away(harness: &mut Harness<'_>) -> Hit {
    let device = harness.cluster.device("canary");
    harness.cluster.stop("mailpit");
    harness.cluster.publish(&format!("temperature/{device}"), &["-m", "26.1"]);
    wait(5);
    harness.cluster.publish(&format!("temperature/{device}"), &["-m", "24"]);
    wait(5);
    harness.cluster.start("mailpit");
    until_mailed(harness.cluster, &device, 2);
    Hit::default()
}

fn disk_alarm(harness: &mut Harness<'_>) -> Hit {
    control(harness, NODES[0], &["set_disk_free_limit", "1000000GB"]);
    wait(10);
    control(harness, NODES[0], &["set_disk_free_limit", "1GB"]);
    Hit::default()
}

/// Its last reading is at most one interval old when it stops.
fn device_stopped(harness: &mut Harness<'_>) -> Hit {
    harness.cluster.start("sensor1");
    let state = |wanted: &str| {
        eventually(LONG, || match harness.cluster.rows_of("series", "data_center_a1").pop() {
            Some(row) if row["state"] == wanted => Ok(row),
            row => Err(row),
        })
    };
    state("fresh");
    harness.cluster.stop("sensor1");
    let stopped = Instant::now();
    state("offline");
    let (took, offline_after) = (stopped.elapsed(), offline_after(harness.cluster));
    if took > offline_after + Duration::from_secs(1) {
        harness.violations.push(format!("offline only after {took:?}: {offline_after:?} is the setting"));
    }
    Hit::default()
}

fn control(harness: &Harness<'_>, node: &str, words: &[&str]) {
    let command = [&["exec", "-T", node, "rabbitmqctl", "--quiet"], words].concat();
    harness.cluster.compose(&command).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn each_kind_of_fault_is_in_each_run() {
    let chosen: Vec<Kind> = DRILLS.iter().filter(|drill| drill.in_each_run).map(|drill| drill.kind).collect();
    for drill in DRILLS {
        assert!(chosen.contains(&drill.kind), "no run of `make test` has a drill like {}", drill.name);
    }
}
