//! Without descriptors the accept loop waits, says so once, and goes on. Alone in its process, whose limit it lowers.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use service::{Doors, Limits, Metrics};
use tokio::net::TcpStream;
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(10);

fn failures(metrics: &Metrics) -> u64 {
    let text = metrics.text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("millrace_door_accept_failures_total{door=\"test\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn an_accept_loop_without_descriptors_rests_and_recovers() {
    let metrics = Metrics::default();
    let limits = Limits { max_connections: 100, max_connections_per_address: 100 };
    let [doors] = Doors::share(&metrics, [("test", limits)]);
    let mut door = doors.listen("127.0.0.1:0".parse().unwrap()).unwrap();
    // The client has its descriptor, and none is left for the server's end.
    let _client = TcpStream::connect(door.local_addr()).await.unwrap();
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum }).unwrap();
    let waited = timeout(Duration::from_secs(1), door.next()).await;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    assert!(waited.is_err());
    assert!((1..=10).contains(&failures(&metrics)), "{} in a second", failures(&metrics));
    timeout(BOUND, door.next()).await.expect("the connection that waited is accepted");
}
