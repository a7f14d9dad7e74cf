//! A process that is killed at any moment has kept all that it had acknowledged, and what that comes to.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use store::{ReadingStore, Sqlite};
use tokio::task::JoinSet;

use crate::contract::{at, batch, everything, reading, rollups};
use crate::file;

/// Names the file to the child; unset in a normal run of the tests.
const CHILD_FILE: &str = "MILLRACE_TEST_KILLED_FILE";

/// Acknowledgements that are waited for before the child is killed.
const ACKS: usize = 300;

const ROUNDS: i64 = 10;

/// More readings than are written in a round.
const ROUND: i64 = 10_000;

/// Microseconds between two readings: those of a round are in several hours.
const EVERY: i64 = 30_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut acked = HashSet::new();
    for round in 0..ROUNDS {
        let before = acked.len();
        acked.extend(run_and_kill(&path, round));
        assert!(acked.len() >= before + ACKS);
        let sqlite = Sqlite::open(&path).unwrap();
        let kept: HashSet<i64> =
            everything(&sqlite).await.iter().map(|r| r.measured_at.as_microsecond()).collect();
        let lost: Vec<_> = acked.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round}: {} of {} are lost", lost.len(), acked.len());
        let length = (round + 1) * ROUND * EVERY;
        rollups::check_since(&sqlite, at(0), &[(0, length, 1), (7, length, 40), (0, length, 1_000)]).await;
    }
}

/// Returns what the child had acknowledged when it was killed.
fn run_and_kill(path: &Path, round: i64) -> Vec<i64> {
    let mut child = spawn(path, round);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut acked = Vec::new();
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        // A line that the kill cut off says nothing.
        if let Some((_, key)) =
            line.trim_end_matches('\n').rsplit_once("acked ").filter(|_| line.ends_with('\n'))
        {
            acked.push(key.parse().unwrap());
        }
        if acked.len() == ACKS {
            child.kill().unwrap();
        }
        line.clear();
    }
    child.wait().unwrap();
    acked
}

fn spawn(path: &Path, round: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child_writes_until_it_is_killed", "--nocapture"])
        .env(CHILD_FILE, path)
        .env("MILLRACE_TEST_KILLED_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// No test of its own: what [`spawn`] starts. Ends by itself when nobody reads what it prints.
#[tokio::test(flavor = "multi_thread")]
async fn child_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_FILE) else { return };
    let round: i64 = std::env::var("MILLRACE_TEST_KILLED_ROUND").unwrap().parse().unwrap();
    let sqlite = Sqlite::open(Path::new(&path)).unwrap();
    let mut writers = JoinSet::new();
    let summing_up = sqlite.clone();
    writers.spawn(async move {
        loop {
            summing_up.roll_up(at(i64::MAX / 100)).await.unwrap();
        }
    });
    for writer in 0..4 {
        let sqlite = sqlite.clone();
        writers.spawn(async move {
            for i in 0.. {
                let key = (round * ROUND + i * 4 + writer) * EVERY;
                sqlite.write(&batch([reading("temperature/a", key, 1.0)])).await.unwrap();
                writeln!(std::io::stdout(), "acked {key}").unwrap();
            }
        });
    }
    writers.join_all().await;
}
