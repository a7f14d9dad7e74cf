//! Who may watch, and that nobody who does is in another's way.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::Response;

use crate::bench::{BOUND, Bench, Wanted};
use crate::watcher::Watcher;

fn error(answer: &Response<Option<Vec<u8>>>) -> (u16, String) {
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap();
    (answer.status().as_u16(), body["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn more_pages_than_there_are_seats_are_refused_until_one_leaves() {
    let bench = Bench::start(Wanted { max_clients: 2, ..Wanted::default() }).await;
    let (mut first, mut second) = (bench.watch().await, bench.watch().await);
    for _ in 0..3 {
        let (status, said) = error(&Watcher::open(bench.address, &[]).await.err().unwrap());
        assert_eq!((status, said.as_str()), (503, "too many pages are open: see dashboard.max_clients"));
    }
    assert_eq!(first.frame().await["type"], "snapshot");
    assert_eq!(second.frame().await["type"], "snapshot");
    drop(first);
    let start = Instant::now();
    while Watcher::open(bench.address, &[]).await.is_err() {
        assert!(start.elapsed() < BOUND, "a seat that was left is free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn only_the_page_itself_may_watch() {
    let public_url = "https://millrace.example.org/iot";
    let bench = Bench::start(Wanted { public_url, ..Wanted::default() }).await;
    let own = format!("http://{}", bench.address);
    for (origin, allowed) in [
        (own.as_str(), true),
        ("https://millrace.example.org", true),
        ("https://evil.example.org", false),
        ("https://millrace.example.org.evil.example", false),
        ("https://millrace.example", false),
        ("http://127.0.0.1", false),
        ("null", false),
        ("", false),
    ] {
        match Watcher::open(bench.address, &[("origin", origin)]).await {
            Ok(_) => assert!(allowed, "{origin:?} may watch"),
            Err(answer) => {
                let (status, said) = error(&answer);
                assert!(!allowed && status == 403, "{origin:?}: {status}");
                assert!(said.contains("http.public_url"), "{said}");
            }
        }
    }
}

/// A device whose name is as long as a topic may be.
fn long_name(number: usize) -> String {
    let level = "x".repeat(60);
    format!("temperature/d{number:03}/{level}/{level}/{level}")
}

/// So many bytes in each frame that no buffer holds the frames of a few seconds.
fn publish_much(bench: &Bench, value: u64) {
    (0..1_000).for_each(|number| bench.publish(&long_name(number), &value.to_string()));
}

#[tokio::test]
async fn a_slow_page_gets_a_new_snapshot_and_delays_nobody() {
    let bench = Bench::start(Wanted::default()).await;
    let (mut slow, mut quick) = (Watcher::thin(bench.address).await, bench.watch().await);
    let (mut value, mut frames, mut longest) = (0, 0, Duration::ZERO);
    let (start, mut last) = (Instant::now(), Instant::now());
    // The buffers in between fill within a second or two; then 32 frames take three more.
    while start.elapsed() < Duration::from_secs(8) {
        value += 1;
        publish_much(&bench, value);
        quick.text().await.expect("the quick page is still open");
        frames += 1;
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    assert!(frames > 40 && longest < Duration::from_secs(1), "{frames} frames, {longest:?} between two");

    slow.frame().await;
    let mut later = 0;
    while slow.frame().await["type"] == "changes" {
        later += 1;
    }
    assert!(later < frames, "{later} frames had waited before the new snapshot");
    assert_eq!(slow.devices.len(), 1_000);
    let newest = value as f64;
    slow.until(|page| page.value(&long_name(999)) == Some(newest)).await;
}

#[tokio::test]
async fn a_page_that_takes_nothing_loses_its_seat() {
    let bench = Bench::start(Wanted { max_clients: 1, ..Wanted::default() }).await;
    let _stuck = Watcher::thin(bench.address).await;
    // Of the time that is not advanced.
    let start = std::time::Instant::now();
    for value in 0.. {
        publish_much(&bench, value);
        // A page that still takes its frames is not touched by the time that passes.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(21)).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(50)).await;
        if Watcher::open(bench.address, &[]).await.is_ok() {
            return;
        }
        assert!(start.elapsed() < BOUND, "the seat is not given back");
    }
}

#[tokio::test]
async fn a_page_that_talks_too_much_is_dropped_and_a_ping_is_answered() {
    let bench = Bench::start(Wanted::default()).await;
    let (mut loud, mut polite) = (bench.watch().await, bench.watch().await);
    polite.socket.send(Message::Ping("hello".into())).await.unwrap();
    polite.socket.send(Message::text("a page has nothing to say")).await.unwrap();
    loud.socket.send(Message::text("x".repeat(100_000))).await.unwrap();
    while loud.text().await.is_some() {}
    let pong = async {
        loop {
            match futures_util::StreamExt::next(&mut polite.socket).await {
                Some(Ok(Message::Pong(said))) => return said,
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(&tokio::time::timeout(BOUND, pong).await.unwrap()[..], b"hello");
}

#[tokio::test]
async fn the_end_closes_every_page() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    page.frame().await;
    bench.stop.cancel();
    while page.text().await.is_some() {}
}
