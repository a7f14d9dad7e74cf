//! Readings of many devices, one value for each step of the calendar.

use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Batch, ReadingStore as _, Role};
use telemetry::{Reading, Series};

use crate::access::{add, ask, session};
use crate::harness::{Harness, Wanted};

/// Readings of a series by their times, to the live view and the store.
async fn measured(harness: &Harness, topic: &str, unit: &str, values: &[(&str, f64)]) {
    let series = Series::parse(topic).unwrap();
    let reading = |(at, value): &(&str, f64)| Reading {
        series: series.clone(),
        value: *value,
        unit: Some(unit.into()),
        measured_at: at.parse().unwrap(),
        received_at: Timestamp::now(),
        boot: None,
        seq: None,
    };
    let readings: Vec<_> = values.iter().map(reading).collect();
    harness.store.write(&Batch { readings, ..Batch::default() }.into()).await.unwrap();
    harness.publish(topic, &json!({"value": 1.0, "unit": unit}).to_string());
    let heard = format!(r#""device":"{}","metric":"{}""#, series.device(), series.metric());
    while !ask(harness, "get", "/api/series", "", "").await.body.contains(&heard) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The group, the beginning, the value and the unit of each row.
async fn rows(harness: &Harness, query: &str) -> Vec<Value> {
    let path = format!("/api/readings?{query}");
    let answer = ask(harness, "get", &path, "", "").await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let rows = answer.json()["aggregates"].as_array().unwrap().clone();
    rows.iter().map(|row| json!([row["group"], row["from"], row["value"], row["unit"]])).collect()
}

/// Two days in Berlin, of which the second has 23 hours.
const DAYS: &str = "from=2026-03-27T23:00:00Z&to=2026-03-29T22:00:00Z&every=1d&zone=Europe/Berlin";

async fn harness() -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    let times =
        ["2026-03-27T22:30:00Z", "2026-03-28T11:00:00Z", "2026-03-28T22:30:00Z", "2026-03-29T21:30:00Z"];
    let values = |values: [f64; 4]| times.into_iter().zip(values).collect::<Vec<_>>();
    measured(&harness, "energy/site-a/one", "kWh", &values([100.0, 101.0, 104.0, 110.0])).await;
    measured(&harness, "energy/site-a/two", "Wh", &values([5_000.0, 5_500.0, 6_000.0, 7_000.0])).await;
    measured(&harness, "energy/site-b/one", "kWh", &values([0.0, 0.0, 1.0, 1.0])).await;
    harness
}

#[tokio::test]
async fn the_energy_of_each_day_of_a_site() {
    let harness = harness().await;
    let (first, second) = ("2026-03-27T23:00:00.000000Z", "2026-03-28T23:00:00.000000Z");
    let delta = format!("metric=energy&aggregate=delta&{DAYS}");
    let one = rows(&harness, &format!("{delta}&device=site-a/one")).await;
    assert_eq!(one, [json!([null, first, 4.0, "kWh"]), json!([null, second, 6.0, "kWh"])]);
    let sites = rows(&harness, &format!("{delta}&group=1")).await;
    let expected = [
        json!(["site-a", first, 5.0, "kWh"]),
        json!(["site-a", second, 7.0, "kWh"]),
        json!(["site-b", first, 1.0, "kWh"]),
        json!(["site-b", second, 0.0, "kWh"]),
    ];
    assert_eq!(sites, expected);
    let rate = rows(&harness, &format!("metric=energy&aggregate=rate&{DAYS}&device=site-b/%23")).await;
    assert_eq!(rate[0], json!([null, first, 1.0 / 86_400.0, "kWh/s"]));
}

#[tokio::test]
async fn every_aggregate_is_of_all_readings_of_a_bucket() {
    let harness = harness().await;
    for (aggregate, value, unit) in [
        ("mean", json!(102.5), json!("kWh")),
        ("min", json!(101.0), json!("kWh")),
        ("max", json!(104.0), json!("kWh")),
        ("sum", json!(205.0), json!("kWh")),
        ("count", json!(2.0), Value::Null),
        ("p50", json!(102.5), json!("kWh")),
        ("p95", json!(103.85), json!("kWh")),
    ] {
        let found =
            rows(&harness, &format!("metric=energy&aggregate={aggregate}&{DAYS}&device=site-a/one")).await;
        assert_eq!((&found[0][2], &found[0][3]), (&value, &unit), "{aggregate}");
    }
    let all = rows(&harness, "metric=energy&aggregate=count").await;
    assert_eq!(all, [json!([null, "2026-03-27T22:30:00.000000Z", 12.0, null])]);
    assert!(rows(&harness, "metric=energy&aggregate=mean&device=none").await.is_empty());
    assert!(rows(&harness, "metric=energy&aggregate=mean&to=2000-01-01T00:00:00Z").await.is_empty());
    let csv =
        ask(&harness, "get", "/api/readings?metric=energy&aggregate=max&group=2&format=csv", "", "").await;
    assert!(csv.body.contains("\r\nsite-a/two,2026-03-27T22:30:00.000000Z,"), "{csv:?}");
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"energy.csv\""));
}

#[tokio::test]
async fn devices_are_groups_by_type_and_tag() {
    let harness = harness().await;
    let register =
        |name: &str, kind: &str, tags: Value| json!({"name": name, "type": kind, "tags": tags}).to_string();
    for device in [
        register("site-a/one", "meter", json!(["roof", "south"])),
        register("site-b/one", "meter", json!(["roof"])),
    ] {
        let answer = ask(&harness, "post", "/api/devices", "", &device).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let count = |group: &str| format!("metric=energy&aggregate=count&group={group}");
    let groups = |rows: Vec<Value>| rows.iter().map(|row| json!([row[0], row[2]])).collect::<Vec<_>>();
    let types = groups(rows(&harness, &count("type")).await);
    assert_eq!(types, [json!(["", 4.0]), json!(["meter", 8.0])]);
    let tags = groups(rows(&harness, &count("tag")).await);
    assert_eq!(tags, [json!(["", 4.0]), json!(["roof", 8.0]), json!(["south", 4.0])]);
}

#[tokio::test]
async fn what_is_too_much_or_has_no_common_unit_is_refused() {
    let harness = harness().await;
    measured(&harness, "energy/odd", "furlong", &[("2026-03-28T11:00:00Z", 1.0)]).await;
    measured(&harness, "energy/old", "kWh", &[("1970-01-01T00:00:00Z", 1.0)]).await;
    for (query, expected) in [
        ("aggregate=mean", "are in kWh and some in furlong"),
        ("aggregate=mean&device=old&every=1m&to=2026-01-01T00:00:00Z&from=1960-01-01T00:00:00Z", ""),
        ("aggregate=count&every=1h", "more than 5000 buckets"),
    ] {
        let path = format!("/api/readings?metric=energy&{query}");
        let answer = ask(&harness, "get", &path, "", "").await;
        let status = if expected.is_empty() { 200 } else { 400 };
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(expected.is_empty() || answer.error().contains(expected), "{path}: {answer:?}");
    }
    assert_eq!(rows(&harness, "metric=energy&aggregate=count").await.len(), 1);
}

#[tokio::test]
async fn who_may_see_one_site_gets_aggregates_of_that_site() {
    let harness = harness().await;
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "eve", Role::Viewer, &["site-b/#"]).await;
    let eve = session(&harness, "eve").await;
    let count = |query: &str| format!("/api/readings?metric=energy&aggregate=count{query}");
    let all = ask(&harness, "get", &count(""), &eve, "").await;
    assert_eq!(all.json()["aggregates"][0]["count"], 4, "{all:?}");
    let other = ask(&harness, "get", &count("&device=site-a/one"), &eve, "").await;
    assert_eq!(other.status, 404, "{other:?}");
    let none = ask(&harness, "get", &count("&device=site-a/%2B"), &eve, "").await;
    assert_eq!(none.json(), json!({"aggregates": []}));
}
