//! Who may watch, and that nobody who does is in another's way.

use std::time::Duration;

use futures_util::SinkExt;
use service::Limits as PageLimits;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::Response;

use crate::harness::{BOUND, Harness, Wanted, pages};
use crate::watcher::Watcher;

fn error(answer: &Response<Option<Vec<u8>>>) -> (u16, String) {
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap();
    (answer.status().as_u16(), body["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn more_pages_than_there_are_permits_are_refused_with_the_reason_until_one_leaves() {
    let harness = Harness::start(Wanted { pages: pages(2), ..Wanted::default() }).await;
    let (mut first, mut second) = (harness.watch().await, harness.watch().await);
    for refused in 1..=3 {
        let end = harness.watch().await.end().await;
        assert_eq!(end, Some((1013, "too many pages are open: see dashboard.max_clients".into())));
        assert_eq!(harness.metric("refused_total").await, f64::from(refused));
    }
    assert_eq!(first.frame().await["type"], "snapshot");
    assert_eq!(second.frame().await["type"], "snapshot");
    assert_eq!(harness.metric("pages").await, 2.0);
    drop(first);
    harness.until_pages(1).await;
    assert_eq!(harness.watch().await.frame().await["type"], "snapshot");
    assert_eq!(harness.metric("dropped_total").await, 0.0);
    assert!(harness.metric("frame_bytes_total").await > harness.metric("frames_total").await * 20.0);
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_is_an_error() {
    let harness = Harness::start(Wanted::default()).await;
    for (topics, expected) in [
        ("a/%23/b", "topics: # stands for all further levels"),
        ("a/b,,c/d", "topics: the topic has an empty level"),
        ("a/b&from=1", "unknown parameter from: there is topics"),
        (&"a/b,".repeat(16)[..], "topics:"),
    ] {
        let (status, said) = error(&Watcher::of(harness.address, topics).await.err().unwrap());
        assert!(status == 400 && said.starts_with(expected), "{topics}: {status} {said}");
    }
    assert_eq!(harness.metric("refused_total").await, 4.0);
}

#[tokio::test]
async fn one_address_cannot_open_all_pages() {
    let pages = PageLimits { max_connections: 10, max_connections_per_address: 2 };
    let harness = Harness::start(Wanted { pages, ..Wanted::default() }).await;
    let (_first, _second) = (harness.watch().await, harness.watch().await);
    let said = "too many pages are open from your address: see dashboard.max_clients_per_address";
    assert_eq!(harness.watch().await.end().await, Some((1013, said.into())));
    let mut elsewhere = Watcher::from("127.0.0.2", harness.address).await;
    assert_eq!(elsewhere.frame().await["type"], "snapshot");
}

#[tokio::test]
async fn only_under_a_name_that_is_ours_may_anybody_watch() {
    let harness = Harness::start(Wanted::default()).await;
    for (host, allowed) in [
        ("millrace.example.org", true),
        ("localhost:8080", true),
        ("192.168.1.5", true),
        ("evil.example.org", false),
        ("evil.example.org:8080", false),
    ] {
        let opened = Watcher::open(harness.address, &[("host", host)]).await;
        assert_eq!(opened.is_ok(), allowed, "{host}");
        if let Err(answer) = opened {
            let (status, said) = error(&answer);
            assert!(status == 403 && said.contains("http.public_url"), "{status} {said}");
        }
    }
}

#[tokio::test]
async fn only_the_page_itself_may_watch() {
    let public_url = "https://millrace.example.org/iot";
    let harness = Harness::start(Wanted { public_url, ..Wanted::default() }).await;
    let own = format!("http://{}", harness.address);
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
        match Watcher::open(harness.address, &[("origin", origin)]).await {
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

/// So many bytes in each frame, as every unit changes, that no buffer holds the frames of a few seconds.
fn publish_much(harness: &Harness, value: u64) {
    let payload = format!(r#"{{"value":{value},"unit":"u{value}"}}"#);
    (0..1_000).for_each(|number| harness.publish(&long_name(number), &payload));
}

#[tokio::test]
async fn a_slow_page_gets_fewer_frames_and_delays_nobody() {
    let harness = Harness::start(Wanted::default()).await;
    let (mut slow, mut quick) = (Watcher::thin(harness.address).await, harness.watch().await);
    // The buffers in between are full after some of them: from then on the quick page would wait, too.
    let frames = 60;
    for value in 1..=frames {
        publish_much(&harness, value);
        quick.text().await.expect("the quick page is still open");
    }

    let newest = frames as f64;
    let mut taken = 0;
    while slow.value(&long_name(999)) != Some(newest) {
        slow.frame().await;
        taken += 1;
        assert!(taken < frames, "{taken} frames had waited: the quick page was sent {frames}");
    }
    assert!(slow.devices.len() == 1_000 && slow.devices.values().all(|shown| shown.value == newest));
}

#[tokio::test]
async fn a_page_that_takes_nothing_loses_its_seat() {
    let harness = Harness::start(Wanted { pages: pages(1), ..Wanted::default() }).await;
    let _stuck = Watcher::thin(harness.address).await;
    // Of the time that is not advanced.
    let start = std::time::Instant::now();
    for value in 0.. {
        publish_much(&harness, value);
        // A page that still takes its frames is not touched by the time that passes.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(21)).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(50)).await;
        if harness.metric("pages").await == 0.0 {
            break;
        }
        assert!(start.elapsed() < BOUND, "the seat is not given back");
    }
    assert_eq!(harness.metric("dropped_total").await, 1.0);
    assert!(harness.watch().await.text().await.is_some(), "the seat is free");
}

#[tokio::test]
async fn what_a_page_must_not_say_ends_it_with_the_reason() {
    let harness = Harness::start(Wanted { pages: pages(1), ..Wanted::default() }).await;
    let filters = |count: usize| format!(r#"{{"topics":["{}"]}}"#, vec!["a/b"; count].join(r#"",""#));
    for (message, code, expected) in [
        (Message::text("hello"), 1008, "send {"),
        (Message::text(r##"{"topics":["a#"]}"##), 1008, "topics: + and # stand for whole levels"),
        (Message::text(filters(17)), 1008, "topics: at most 16 filters"),
        (Message::binary("{}"), 1008, "send text"),
        (Message::text("x".repeat(4 * 1024 + 1)), 1009, "long"),
        (Message::text("x".repeat(1_000_000)), 1009, "long"),
    ] {
        let mut page = harness.watch().await;
        page.frame().await;
        // It may be closed before all of it is sent.
        let _ = page.socket.send(message.clone()).await;
        let (said, reason) = page.end().await.unwrap_or_else(|| panic!("no reason: {expected}"));
        assert!(said == code && reason.contains(expected), "{said} {reason}");
        drop(page);
        harness.until_pages(0).await;
    }
    let mut page = harness.watch().await;
    page.say(&filters(16)).await;
    page.say(&format!("{:4096}", r#"{"topics":[]}"#)).await;
    page.until(|page| page.counts.contains_key("alerts")).await;
    assert_eq!(harness.metric("pages").await, 1.0);
}

#[tokio::test]
async fn a_ping_is_answered() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    page.socket.send(Message::Ping("hello".into())).await.unwrap();
    let pong = async {
        loop {
            match futures_util::StreamExt::next(&mut page.socket).await {
                Some(Ok(Message::Pong(said))) => return said,
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(&tokio::time::timeout(BOUND, pong).await.unwrap()[..], b"hello");
}

#[tokio::test]
async fn the_end_is_announced_to_every_page() {
    let harness = Harness::start(Wanted::default()).await;
    let mut pages = [harness.watch().await, harness.watch().await];
    for page in &mut pages {
        page.frame().await;
    }
    harness.stop.cancel();
    for page in &mut pages {
        assert_eq!(page.end().await, Some((1001, "the server stops".into())));
    }
}

#[tokio::test]
async fn ten_thousand_sensors_are_shown_at_once() {
    let harness = Harness::start(Wanted::default()).await;
    for number in 0..10_000 {
        harness.publish(&format!("temperature/site-{}/rack-{}/d{number}", number % 7, number % 100), "21.5");
    }
    let mut first = harness.watch().await;
    first.until(|page| page.devices.len() == 10_000).await;
    let mut page = harness.watch().await;
    let bytes = page.text().await.unwrap().len();
    assert!(bytes < 1_500_000, "{bytes} bytes");
}
