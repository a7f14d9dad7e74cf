//! What is said of series beyond their values.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Batch, ReadingStore as _, Role};
use telemetry::{Reading, Series};

use crate::access::{add, ask, session};
use crate::harness::{Harness, Wanted};

/// A value each 10 s until now, to the live view and the store.
async fn measured(harness: &Harness, topic: &str, values: &[f64]) {
    let (series, now) = (Series::parse(topic).unwrap(), Timestamp::now());
    let reading = |(ago, value): (usize, &f64)| Reading {
        series: series.clone(),
        value: *value,
        unit: Some("celsius".into()),
        measured_at: now - Duration::from_secs(10 * ago as u64),
        received_at: now,
        boot: None,
        seq: None,
    };
    let readings = values.iter().rev().enumerate().map(reading).collect();
    harness.store.write(&Batch { readings, ..Batch::default() }.into()).await.unwrap();
    harness.publish(topic, &values.last().unwrap().to_string());
    let heard = format!(r#""device":"{}","metric":"{}""#, series.device(), series.metric());
    while !ask(harness, "get", "/api/series", "", "").await.body.contains(&heard) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn steady(count: usize, last: f64) -> Vec<f64> {
    (1..count).map(|at| 20.0 + (at % 2) as f64).chain([last]).collect()
}

async fn get(harness: &Harness, path: &str) -> Value {
    let answer = ask(harness, "get", path, "", "").await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
}

#[tokio::test]
async fn the_newest_value_is_judged_by_the_fifty_before_it() {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    measured(&harness, "temperature/lab", &steady(80, 30.0)).await;
    measured(&harness, "humidity/hall", &[50.0]).await;
    let all = get(&harness, "/api/analytics/realtime").await;
    let [hall, lab] = &all["series"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!(
        (&hall["device"], &hall["window"], &hall["is_anomaly"]),
        (&json!("hall"), &json!(0), &json!(false))
    );
    assert_eq!(
        (&lab["window"], &lab["is_anomaly"], &lab["anomalies"]),
        (&json!(50), &json!(true), &json!(1))
    );
    near(&lab["rolling_mean"], 20.5);
    near(&lab["rolling_deviation"], 0.505_076_272_276_105);
    near(&lab["z_score"], (30.0 - 20.5) / 0.505_076_272_276_105);
    near(&lab["rate"], 0.1);
    assert_eq!((&lab["hour"]["count"], &lab["hour"]["max"]), (&json!(80), &json!(30.0)));

    let one = get(&harness, "/api/analytics/realtime?limit=1").await;
    let next = one["next"].as_str().unwrap();
    let rest = get(&harness, &format!("/api/analytics/realtime?after={next}")).await;
    assert_eq!((&rest["series"][0]["device"], &rest["next"]), (&json!("lab"), &Value::Null));
    let of_metric = get(&harness, "/api/analytics/realtime?metric=humidity").await;
    assert_eq!(of_metric["series"].as_array().unwrap().len(), 1);

    let short = get(&harness, "/analyze?device_id=lab").await;
    near(&short["rolling_average_temperature"], 20.5);
    assert_eq!((&short["device_id"], &short["is_anomaly"]), (&json!("lab"), &json!(true)));
    assert!(short["processed_at"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

#[tokio::test]
async fn an_answer_may_be_some_minutes_old_where_that_is_said() {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    measured(&harness, "temperature/lab", &steady(80, 30.0)).await;
    let path = "/api/analytics/realtime?max_age=300";
    let first = ask(&harness, "get", path, "", "").await;
    let headers = (first.header("age"), first.header("cache-control"));
    assert_eq!(headers, (Some("0"), Some("private, max-age=300")), "{first:?}");
    measured(&harness, "temperature/other", &[1.0]).await;
    assert_eq!(ask(&harness, "get", path, "", "").await.body, first.body);
    let new = ask(&harness, "get", "/api/analytics/realtime", "", "").await;
    assert_eq!((new.json()["series"].as_array().unwrap().len(), new.header("age")), (2, None));
    let wrong = ask(&harness, "get", "/analyze?device_id=lab&max_age=301", "", "").await;
    assert!(
        wrong.status == 400 && wrong.error().contains("max_age must be a number from 1 to 300"),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn a_range_is_summed_up() {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    measured(&harness, "temperature/site-a/lab", &steady(80, 30.0)).await;
    for path in ["/api/analytics/historical?points=4", "/api/devices/site-a.lab/analytics?period=1h"] {
        let row = &get(&harness, path).await["series"][0];
        assert_eq!(
            (&row["all"]["count"], &row["examined"], &row["p50"]),
            (&json!(80), &json!(80), &json!(21.0))
        );
        assert_eq!(
            (&row["anomaly_count"], &row["anomalies"][0]["value"]),
            (&json!(1), &json!(30.0)),
            "{row}"
        );
        assert_eq!(row["buckets"].is_array(), path.contains("points"), "{path}");
    }
    let (now, day) = (Timestamp::now(), Duration::from_secs(24 * 60 * 60));
    let today = format!("{:.10}", now.to_string());
    let row = &get(
        &harness,
        &format!("/api/analytics/historical?start_date={:.10}&end_date={today}", (now - day).to_string()),
    )
    .await["series"][0];
    assert_eq!(row["all"]["count"], json!(80), "the last day is included");
    let before = get(&harness, "/api/analytics/historical?start_date=2020-01-01&end_date=2020-01-02").await;
    let row = &before["series"][0];
    assert_eq!((&row["all"], &row["examined"], &row["p95"]), (&Value::Null, &json!(0), &Value::Null));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_is_outside_is_not_there() {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    for topic in ["temperature/site-a/lab", "humidity/site-a/lab", "temperature/site-b/lab"] {
        measured(&harness, topic, &[1.0]).await;
    }
    for (path, status, expected) in [
        ("/analyze", 400, "device_id must name a device"),
        ("/analyze?device_id=other", 404, "no reading of other"),
        ("/analyze?device_id=site-a/lab", 400, "write which metric: humidity, temperature"),
        ("/analyze?device_id=site-a/lab&metric=rps", 404, "has no rps"),
        ("/api/analytics/realtime?limit=101", 400, "limit must be"),
        ("/api/analytics/historical?start_date=yesterday", 400, "start_date must be RFC 3339"),
        ("/api/analytics/historical?start_date=2026-01-03&end_date=2026-01-01", 400, "later than end_date"),
        ("/api/analytics/historical?end_date=9999-12-31", 400, "outside the calendar"),
        ("/api/devices/site-a.lab/analytics?period=soon", 400, "period must be"),
        ("/api/devices/site-a.lab/analytics?period=100000y", 400, "period must be"),
    ] {
        let answer = ask(&harness, "get", path, "", "").await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.error().contains(expected), "{path}: {}", answer.error());
    }
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "ann", Role::Viewer, &["site-a/#"]).await;
    let ann = session(&harness, "ann").await;
    let seen = ask(&harness, "get", "/api/analytics/realtime", &ann, "").await.json();
    assert!(seen["series"].as_array().unwrap().iter().all(|row| row["device"] == "site-a/lab"), "{seen}");
    for path in ["/analyze?device_id=site-b/lab", "/api/devices/site-b.lab/analytics"] {
        assert_eq!(ask(&harness, "get", path, &ann, "").await.status, 404, "{path}");
    }
}
