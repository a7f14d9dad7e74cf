//! What an open page is told, and when.

use std::time::Duration;

use dashboard::Ages;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::alerts::alert;
use crate::bench::{Bench, Wanted};

#[tokio::test]
async fn the_first_frame_is_a_snapshot_and_changes_follow() {
    let bench = Bench::start(Wanted::default()).await;
    bench.keep("temperature/lab", 21.0).await;
    bench.miss();
    bench.publish("humidity/hall", "40");
    bench.watch().await.until(|page| page.devices.len() == 2).await;

    let mut page = bench.watch().await;
    let first = page.frame().await;
    assert_eq!(first["type"], "snapshot");
    assert!(first["server_time"].as_str().unwrap().parse::<Timestamp>().is_ok());
    assert_eq!((page.value("temperature/lab"), page.value("humidity/hall")), (Some(21.0), Some(40.0)));
    assert_eq!((&page.alerts, &page.rejected), (&json!([]), &json!(0)));

    bench.publish("temperature/lab", r#"{"value":22.5,"unit":"celsius"}"#);
    page.until(|page| page.value("temperature/lab") == Some(22.5)).await;
    let lab = &page.devices["temperature/lab"];
    assert_eq!((&lab["unit"], &lab["state"]), (&json!("celsius"), &json!("fresh")));
    assert!(lab["measured_at"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

#[tokio::test]
async fn however_many_readings_come_a_page_gets_at_most_ten_frames_a_second() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    page.frame().await;
    let start = Instant::now();
    let (mut frames, mut rows) = (0, 0);
    let mut published = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while start.elapsed() < Duration::from_secs(2) {
        tokio::select! {
            frame = page.frame() => {
                frames += 1;
                rows += frame["devices"].as_array().unwrap().len();
            }
            _ = ticks.tick() => for device in 0..10 {
                published += 1;
                bench.publish(&format!("temperature/d{device}"), &published.to_string());
            }
        }
    }
    assert!((10..=21).contains(&frames), "{frames} frames in two seconds");
    assert!(rows <= frames * 10, "{rows} rows in {frames} frames: a device stands once in a frame");
    assert!(published > rows * 3, "{published} readings, {rows} rows");
    page.until(|page| page.value("temperature/d9") == Some(published as f64)).await;
}

#[tokio::test]
async fn a_page_hears_every_two_seconds_that_the_line_is_up() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    page.frame().await;
    page.frame().await;
    for _ in 0..2 {
        let start = Instant::now();
        let frame = page.frame().await;
        assert_eq!((&frame["type"], &frame["devices"]), (&json!("changes"), &json!([])));
        assert!(frame.get("alerts").is_none() && frame.get("rejected").is_none(), "{frame}");
        let waited = start.elapsed();
        assert!((1_800..2_500).contains(&waited.as_millis()), "{waited:?}");
    }
}

#[tokio::test]
async fn a_late_reading_does_not_replace_a_newer_one() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    let at = |second: u32, value: u32| {
        format!(r#"{{"value":{value},"measured_at":"2026-01-15T10:30:{second:02}Z"}}"#)
    };
    bench.publish("temperature/lab", &at(5, 1));
    page.until(|page| page.value("temperature/lab") == Some(1.0)).await;
    bench.publish("temperature/lab", &at(4, 2));
    bench.publish("temperature/hall", "3");
    page.until(|page| page.value("temperature/hall").is_some()).await;
    assert_eq!(page.value("temperature/lab"), Some(1.0));
    bench.publish("temperature/lab", &at(6, 4));
    page.until(|page| page.value("temperature/lab") == Some(4.0)).await;
}

#[tokio::test]
async fn a_device_that_falls_silent_is_told_to_be_stale_and_then_offline() {
    let ages = Ages { stale_after: Duration::from_millis(500), offline_after: Duration::from_millis(1_500) };
    let bench = Bench::start(Wanted { ages, ..Wanted::default() }).await;
    let mut page = bench.watch().await;
    bench.publish("temperature/lab", "21");
    let start = Instant::now();
    for (state, at_least) in [("fresh", 0), ("stale", 500), ("offline", 1_500)] {
        page.until(|page| page.devices.get("temperature/lab").is_some_and(|lab| lab["state"] == state)).await;
        let waited = start.elapsed().as_millis();
        assert!(waited >= at_least && waited < at_least + 1_500, "{state} after {waited} ms");
    }
    bench.publish("temperature/lab", "22");
    page.until(|page| page.devices["temperature/lab"]["state"] == "fresh").await;
}

#[tokio::test]
async fn after_a_gap_the_newest_come_from_the_store() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    bench.publish("temperature/lab", "21");
    page.until(|page| page.value("temperature/lab") == Some(21.0)).await;
    bench.keep("temperature/lab", 22.0).await;
    bench.keep("temperature/hall", 30.0).await;
    bench.miss();
    page.until(|page| page.value("temperature/lab") == Some(22.0)).await;
    page.until(|page| page.value("temperature/hall") == Some(30.0)).await;
}

#[tokio::test]
async fn alerts_and_rejections_are_told_when_they_change() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    page.until(|page| page.rejected == 0).await;
    bench.open(alert("lab")).await;
    bench.open(alert("hall")).await;
    page.until(|page| page.alerts.as_array().is_some_and(|alerts| alerts.len() == 2)).await;
    assert_eq!(
        (&page.alerts[0]["rule"], &page.alerts[0]["resolved_at"]),
        (&json!("temperature-high"), &Value::Null)
    );
    bench.reject("the payload is not JSON").await;
    page.until(|page| page.rejected == 1).await;
    let mut late = bench.watch().await;
    late.frame().await;
    assert_eq!(
        (late.alerts.as_array().unwrap().len(), &late.rejected),
        (2, &json!(1)),
        "in the snapshot, too"
    );
}

#[tokio::test]
async fn what_is_no_reading_is_not_shown_and_disturbs_nobody() {
    let bench = Bench::start(Wanted::default()).await;
    let mut page = bench.watch().await;
    for payload in ["hello", "", r#"[{"value":1},{}]"#, r#"{"value":"x"}"#] {
        bench.publish("temperature/lab", payload);
    }
    bench.publish("temperature", "1");
    bench.publish("humidity/hall", "40");
    page.until(|page| page.value("humidity/hall").is_some()).await;
    assert_eq!(page.devices.len(), 2, "{:?}", page.devices);
    assert_eq!(page.value("temperature/lab"), Some(1.0), "the good one of the array");
}
