//! What is printed, and how it ends when nothing is wrong.

use serde_json::json;

use crate::server::{Server, change, snapshot};
use crate::terminal::Tail;

#[tokio::test]
async fn what_matches_is_asked_for_and_printed_until_it_is_enough() {
    let server = Server::start().await;
    let mut tail = Tail::start(&["temperature/+/#", "--url", &server.url, "--count", "3"]);
    let mut stream = server.stream().await;
    assert_eq!(stream.target, "/ws?topics=temperature%2F%2B%2F%23");
    stream.send(&snapshot(&[("temperature/a", 1.0), ("temperature/b", 2.5)])).await.unwrap();
    assert_eq!(
        (tail.line().await, tail.line().await),
        ("temperature/a 1 -".into(), "temperature/b 2.5 -".into())
    );
    stream.send(&json!({"type": "changes", "at": 0})).await.unwrap();
    stream.send(&change(1, 2.75, 100)).await.unwrap();
    assert_eq!(tail.line().await, "temperature/b 2.75 -");
    assert_eq!(tail.exit_code().await, 0);
}

#[tokio::test]
async fn a_count_cuts_a_snapshot_short() {
    let server = Server::start().await;
    let mut tail = Tail::start(&["--url", &server.url, "--count", "1", "--json"]);
    let mut stream = server.stream().await;
    stream.send(&snapshot(&[("temperature/a", 1.0), ("temperature/b", 2.5)])).await.unwrap();
    let expected = r#"{"device":"a","metric":"temperature","value":1.0,"unit":null,"measured_at":"2026-01-15T10:30:30.000000Z","state":"fresh"}"#;
    assert_eq!(tail.line().await, expected);
    assert_eq!(tail.exit_code().await, 0);
}

#[tokio::test]
async fn without_an_address_it_is_the_instance_of_its_own_settings() {
    let server = Server::start().await;
    let listen = server.url.trim_start_matches("http://");
    let mut tail = Tail::start_with(&["--count", "1"], &[("MILLRACE__HTTP__LISTEN", listen)]);
    let mut stream = server.stream().await;
    stream.send(&snapshot(&[("temperature/a", 1.0)])).await.unwrap();
    assert_eq!(tail.line().await, "temperature/a 1 -");
    assert_eq!(tail.exit_code().await, 0);
}

#[tokio::test]
async fn a_lost_line_is_said_and_made_again_and_nothing_is_printed_twice() {
    let server = Server::start().await;
    let mut tail = Tail::start(&["--url", &server.url]);
    let mut stream = server.stream().await;
    stream.send(&snapshot(&[("temperature/a", 1.0), ("temperature/b", 2.0)])).await.unwrap();
    assert_eq!(
        (tail.line().await, tail.line().await),
        ("temperature/a 1 -".into(), "temperature/b 2 -".into())
    );
    drop(stream);
    tail.says(&format!("no connection to {} since 20", server.url)).await;
    let mut stream = server.stream().await;
    stream.send(&snapshot(&[("temperature/b", 2.0), ("temperature/c", 3.0)])).await.unwrap();
    tail.says("again after").await;
    stream.send(&change(0, 2.1, 100)).await.unwrap();
    assert_eq!(
        (tail.line().await, tail.line().await),
        ("temperature/c 3 -".into(), "temperature/b 2.1 -".into())
    );
    stream.close(1001, "the server stops").await;
    tail.says("the server stops").await;
    drop(server.stream().await);
}

#[tokio::test]
async fn a_reader_who_has_seen_enough_ends_it_quietly() {
    let server = Server::start().await;
    let mut tail = Tail::start(&["--url", &server.url]);
    let mut stream = server.stream().await;
    stream.send(&snapshot(&[("temperature/a", 1.0)])).await.unwrap();
    tail.line().await;
    tail.close_stdout();
    for later in 1.. {
        if stream.send(&change(0, 1.0, later)).await.is_err() {
            break;
        }
    }
    assert_eq!(tail.exit_code().await, 0);
}

#[tokio::test]
async fn a_signal_ends_it_even_while_nobody_reads() {
    for signal in ["-INT", "-TERM"] {
        let server = Server::start().await;
        let mut tail = Tail::start(&["--url", &server.url]);
        let mut stream = server.stream().await;
        let sensors: Vec<_> = (0..5000).map(|n| format!("temperature/sensor-{n}")).collect();
        let sensors: Vec<_> = sensors.iter().map(|topic| (topic.as_str(), 1.0)).collect();
        // More than a pipe holds.
        stream.send(&snapshot(&sensors)).await.unwrap();
        tail.line().await;
        tail.signal(signal);
        assert_eq!(tail.exit_code().await, 0, "{signal}");
    }
}
