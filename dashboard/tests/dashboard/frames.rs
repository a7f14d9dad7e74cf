//! What an open page is sent, and when.

use std::time::Duration;

use dashboard::Ages;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::Incident;
use tokio::time::Instant;

use crate::alerts::alert;
use crate::harness::{BOUND, Harness, Wanted};
use crate::watcher::{FRESH, OFFLINE, STALE, Watcher, rows};

#[tokio::test]
async fn the_first_frame_is_a_snapshot_and_changes_follow() {
    let harness = Harness::start(Wanted::default()).await;
    harness.keep("temperature/lab", 21.0).await;
    harness.miss();
    harness.publish("humidity/hall", "40");
    harness.watch().await.until(|page| page.devices.len() == 2).await;

    let mut page = harness.watch().await;
    let first = page.frame().await;
    assert_eq!(first["type"], "snapshot");
    let at = Timestamp::from_microsecond(first["at"].as_i64().unwrap()).unwrap();
    assert!(Timestamp::now().duration_since(at).abs() < SignedDuration::from_secs(20), "{at}");
    assert_eq!((page.value("temperature/lab"), page.value("humidity/hall")), (Some(21.0), Some(40.0)));
    let counts = json!({ "alerts": [], "open_alerts": 0, "rejected": 0, "behind": null });
    assert_eq!(json!(page.counts), counts);

    harness.publish("temperature/lab", r#"{"value":22.5,"unit":"celsius"}"#);
    page.until(|page| page.value("temperature/lab") == Some(22.5)).await;
    let lab = &page.devices["temperature/lab"];
    assert_eq!((lab.unit.as_deref(), lab.state), (Some("celsius"), FRESH));
    assert!(lab.measured_at.duration_since(at).abs() < SignedDuration::from_secs(20), "{lab:?}");
}

#[tokio::test]
async fn however_many_readings_come_a_page_gets_at_most_ten_frames_a_second() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    page.frame().await;
    let start = Instant::now();
    let (mut frames, mut values) = (0, 0);
    let mut published = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while start.elapsed() < Duration::from_secs(2) {
        tokio::select! {
            frame = page.frame() => {
                frames += 1;
                values += rows(&frame, "values").len();
            }
            _ = ticks.tick() => for device in 0..10 {
                published += 1;
                harness.publish(&format!("temperature/d{device}"), &published.to_string());
            }
        }
    }
    // One at once, and then one each tenth of a second, at most.
    let most = 1 + (start.elapsed().as_secs_f64() * 10.0) as usize;
    assert!((2..=most).contains(&frames), "{frames} frames, at most {most}");
    assert!(values <= frames * 10, "{values} rows in {frames} frames: a sensor stands once in a frame");
    assert!(published > values * 3, "{published} readings, {values} rows");
    page.until(|page| page.value("temperature/d9") == Some(published as f64)).await;
}

#[tokio::test]
async fn a_page_hears_every_two_seconds_that_the_line_is_up() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    page.frame().await;
    page.frame().await;
    let start = Instant::now();
    for _ in 0..2 {
        let frame = page.frame().await;
        assert_eq!(frame, json!({ "type": "changes", "at": frame["at"] }));
    }
    // One of both may have been sent before: on a busy machine this page reads late.
    let waited = start.elapsed();
    assert!(waited > Duration::from_millis(1_700), "{waited:?}");
}

#[tokio::test]
async fn a_late_reading_does_not_replace_a_newer_one() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    let at = |second: u32, value: u32| {
        format!(r#"{{"value":{value},"measured_at":"2026-01-15T10:30:{second:02}Z"}}"#)
    };
    harness.publish("temperature/lab", &at(5, 1));
    page.until(|page| page.value("temperature/lab") == Some(1.0)).await;
    harness.publish("temperature/lab", &at(4, 2));
    harness.publish("temperature/hall", "3");
    page.until(|page| page.value("temperature/hall").is_some()).await;
    assert_eq!(page.value("temperature/lab"), Some(1.0));
    harness.publish("temperature/lab", &at(6, 4));
    page.until(|page| page.value("temperature/lab") == Some(4.0)).await;
}

#[tokio::test]
async fn a_device_that_falls_silent_is_shown_as_stale_and_then_offline() {
    let ages = Ages { stale_after: Duration::from_secs(1), offline_after: Duration::from_secs(2) };
    let harness = Harness::start(Wanted { ages, ..Wanted::default() }).await;
    let mut page = harness.watch().await;
    let start = Instant::now();
    harness.publish("temperature/lab", "21");
    for (state, at_least) in [(FRESH, 0), (STALE, 1_000), (OFFLINE, 2_000)] {
        page.until(|page| page.devices.get("temperature/lab").is_some_and(|lab| lab.state == state)).await;
        let waited = start.elapsed().as_millis();
        assert!(waited >= at_least, "{state} after {waited} ms");
        assert_eq!(page.value("temperature/lab"), Some(21.0), "the same reading, older");
    }
    harness.publish("temperature/lab", "22");
    page.until(|page| page.devices["temperature/lab"].state == FRESH).await;
}

#[tokio::test]
async fn after_a_gap_the_newest_come_from_the_store() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    harness.publish("temperature/lab", "21");
    page.until(|page| page.value("temperature/lab") == Some(21.0)).await;
    harness.keep("temperature/lab", 22.0).await;
    harness.keep("temperature/hall", 30.0).await;
    harness.miss();
    page.until(|page| page.value("temperature/lab") == Some(22.0)).await;
    page.until(|page| page.value("temperature/hall") == Some(30.0)).await;
}

#[tokio::test]
async fn incidents_and_counts_are_sent_when_they_change() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    page.until(|page| page.count("rejected") == 0).await;
    harness.open(alert("lab")).await;
    harness.open(alert("hall")).await;
    page.until(|page| page.count("alerts").as_array().unwrap().len() == 2 && page.count("open_alerts") == 2)
        .await;
    let newest = &page.count("alerts")[0];
    assert_eq!((&newest["rule"], &newest["resolved_at"]), (&json!("temperature-high"), &Value::Null));
    harness.reject("the payload is not JSON").await;
    page.until(|page| page.count("rejected") == 1).await;
    harness.live.set_behind(Some(0.2499));
    page.until(|page| page.count("behind") == 0.2).await;
    harness.live.set_behind(None);
    page.until(|page| page.count("behind").is_null()).await;
    let mut late = harness.watch().await;
    late.frame().await;
    assert_eq!(late.counts, page.counts, "in the snapshot, too");
}

#[tokio::test]
async fn a_page_is_sent_only_what_it_shows() {
    let harness = Harness::start(Wanted::default()).await;
    let mut all = harness.watch().await;
    let topics = "temperature/site-a/%23,humidity/lab";
    let mut some = Watcher::of(harness.address, topics).await.unwrap();
    for topic in ["temperature/site-a/rack-1", "temperature/site-b", "humidity/lab", "humidity/site-a"] {
        harness.publish(topic, "1");
    }
    harness.open(alert("site-a/rack-1")).await;
    harness.open(alert("site-b")).await;
    all.until(|page| page.devices.len() == 4 && page.alerts().len() == 2).await;
    some.until(|page| page.devices.len() == 2 && page.alerts().len() == 1 && page.count("open_alerts") == 2)
        .await;
    assert_eq!(some.devices.keys().collect::<Vec<_>>(), ["humidity/lab", "temperature/site-a/rack-1"]);
    assert_eq!(some.alerts(), [("temperature-high", "site-a/rack-1")]);

    harness.publish("temperature/site-b", "2");
    harness.publish("humidity/lab", "2");
    some.until(|page| page.value("humidity/lab") == Some(2.0)).await;
    all.until(|page| page.value("temperature/site-b") == Some(2.0)).await;
    assert_eq!(some.devices.len(), 2);
}

#[tokio::test]
async fn a_page_may_show_something_else_from_now_on() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    harness.publish("temperature/lab", "1");
    harness.publish("humidity/lab", "2");
    page.until(|page| page.devices.len() == 2).await;
    for (message, shown) in [
        (r##"{"topics": ["temperature/#"]}"##, vec!["temperature/lab"]),
        (r#"{"topics": []}"#, vec![]),
        (r#"{"topics": ["humidity/lab", "+/hall"]}"#, vec!["humidity/lab"]),
    ] {
        page.say(message).await;
        let start = Instant::now();
        while page.frame().await["type"] == "changes" {
            assert!(start.elapsed() < BOUND, "no snapshot");
        }
        assert_eq!(page.devices.keys().collect::<Vec<_>>(), shown, "{message}");
    }
    harness.publish("humidity/hall", "3");
    harness.publish("temperature/lab", "4");
    page.until(|page| page.value("humidity/hall") == Some(3.0)).await;
    assert_eq!(page.devices.len(), 2);
}

#[tokio::test]
async fn of_more_alerts_than_are_listed_a_page_finds_its_own() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = Watcher::of(harness.address, "%2B/quiet").await.unwrap();
    harness.open(alert("quiet")).await;
    page.until(|page| page.alerts().len() == 1).await;
    for number in 0..120 {
        let later = alert("loud").opened_at + SignedDuration::from_secs(number + 1);
        harness.open(Incident { id: format!("loud {number}"), opened_at: later, ..alert("loud") }).await;
    }
    page.until(|page| page.count("open_alerts") == 121).await;
    assert_eq!(page.alerts(), [("temperature-high", "quiet")]);
    let mut all = harness.watch().await;
    all.frame().await;
    assert_eq!(all.alerts().len(), 100);
    assert!(all.alerts().iter().all(|(_, device)| *device == "loud"), "the newest");
}

#[tokio::test]
async fn what_is_no_reading_is_not_shown_and_disturbs_nobody() {
    let harness = Harness::start(Wanted::default()).await;
    let mut page = harness.watch().await;
    for payload in ["hello", "", r#"[{"value":1},{}]"#, r#"{"value":"x"}"#] {
        harness.publish("temperature/lab", payload);
    }
    harness.publish("temperature", "1");
    harness.publish("humidity/hall", "40");
    page.until(|page| page.value("humidity/hall").is_some()).await;
    assert_eq!(page.devices.len(), 2, "{:?}", page.devices);
    assert_eq!(page.value("temperature/lab"), Some(1.0), "the good one of the array");
}
