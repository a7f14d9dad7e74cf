//! What real devices publish, through the real broker into the store: each message as a user expects it.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::path::Path;

use e2e::devices::{HOME_MADE, fixtures, problem, publish};
use e2e::{Millrace, SOON, Shape, Start, eventually};
use serde_json::Value;

/// A running Millrace with the rules of a person, and with a time zone if one is named.
fn start(folder: &Path, zone: Option<&str>) -> Millrace {
    let zone_line = zone.map(|zone| format!("zone = {zone:?}\n")).unwrap_or_default();
    let rules = std::fs::read_to_string(HOME_MADE).unwrap();
    let file = folder.join("mappings.toml");
    std::fs::write(&file, format!("{zone_line}{rules}")).unwrap();
    Start::new(&folder.join("data")).set("INPUTS__MAPPINGS", file.to_str().unwrap()).start()
}

#[test]
fn every_message_of_a_real_device_is_stored_as_a_user_expects() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let fixtures = fixtures();
    for zone in [None, Some("Europe/Berlin")] {
        let home = folder.path().join(zone.unwrap_or("none").replace('/', "-"));
        std::fs::create_dir(&home).unwrap();
        let millrace = start(&home, zone);
        let of_zone: Vec<_> =
            fixtures.iter().filter(|(_, fixture)| fixture["zone"].as_str() == zone).collect();
        for (name, fixture) in of_zone {
            let client = fixture["client"].as_str();
            for before in fixture["before"].as_array().into_iter().flatten() {
                publish(&millrace, before, None);
            }
            publish(&millrace, fixture, client);
            wrong.extend(
                problem(&millrace, fixture, client.unwrap_or_default())
                    .map(|problem| format!("{name}: {problem}")),
            );
        }
        let rejected = millrace.rows("rejected");
        let expected = fixtures.iter().filter(|(_, fixture)| {
            fixture["zone"].as_str() == zone && fixture["rejected"].as_bool() == Some(true)
        });
        assert_eq!(rejected.len(), expected.count(), "{rejected:?}");
        assert_eq!(millrace.metric("millrace_inputs_unmapped_total"), 0.0);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_no_rule_reads_is_shown_with_a_rule_that_would() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let message = serde_json::json!({ "topic": "shed/door/data", "payload": "{\"open\": true}" });
    publish(&millrace, &message, None);
    let (status, body) = millrace.ask("/api/inputs");
    let inputs: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{body}");
    let group = &inputs["unmapped"][0];
    assert_eq!(
        (group["topic"].as_str(), group["count"].as_u64()),
        (Some("shed/door/data"), Some(1)),
        "{body}"
    );
    assert_eq!(group["suggestion"]["readings"], serde_json::json!(["open/door = 1"]));
    assert_eq!(millrace.metric("millrace_inputs_unmapped_total"), 1.0);
}

#[test]
fn what_a_device_says_of_itself_outlives_the_process_that_heard_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut millrace = Start::new(&folder.path().join("data")).start();
    let version = |version: &str| {
        let payload = serde_json::json!({ "Info1": { "Module": "Generic", "Version": version } }).to_string();
        serde_json::json!({ "topic": "tele/porch/INFO1", "payload": payload })
    };
    publish(&millrace, &version("13.1.0"), None);
    let said = |millrace: &Millrace| {
        let rows = millrace.get("/api/attributes?device=porch/SI7021")["attributes"].clone();
        (rows[0]["value"].clone(), rows[0]["since"].clone(), rows[1]["value"].clone())
    };
    let first = said(&millrace);
    assert_eq!((&first.0, &first.2), (&"13.1.0".into(), &"Generic".into()));
    millrace = millrace.kill().start();
    publish(&millrace, &version("13.1.0"), None);
    assert_eq!(said(&millrace), first, "the same value keeps its time");
    publish(&millrace, &version("13.2.0"), None);
    let second = said(&millrace);
    assert_eq!(second.0, "13.2.0");
    assert!(second.1.as_str() > first.1.as_str());
    assert_eq!(millrace.readings("").len(), 0);
}

#[test]
fn rules_that_are_added_or_written_while_it_runs_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let millrace = Start::new(&data).start();
    let mood = serde_json::json!({ "topic": "house/mood", "payload": "happy" });
    publish(&millrace, &mood, None);
    assert_eq!(millrace.metric("millrace_inputs_unmapped_total"), 1.0);
    let rule = "[[rule]]\ntopic = \"house/{device}\"\ndevice = \"{device}\"\nmetric = \"mood\"\nwords = { happy = 1 }";
    let added = millrace.post("/api/inputs/rules", &serde_json::json!({ "rule": rule }));
    assert_eq!(added.0, 201, "{added:?}");
    publish(&millrace, &mood, None);
    assert_eq!(millrace.readings("device=mood&metric=mood").len(), 1);

    let file = data.join("mappings.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"mood\"", "\"cheer\"")).unwrap();
    let inputs = || serde_json::from_str::<Value>(&millrace.ask("/api/inputs").1).unwrap();
    let hash = inputs()["mappings"]["hash"].clone();
    eventually(SOON, || match &inputs()["mappings"]["hash"] {
        same if *same == hash => Err("the old rules"),
        _ => Ok(()),
    });
    publish(&millrace, &mood, None);
    assert_eq!(millrace.readings("device=mood&metric=cheer").len(), 1);
    std::fs::write(&file, "[[rule]]\ntopic = 1").unwrap();
    eventually(SOON, || match inputs()["mappings"]["error"].as_str() {
        Some(error) if error.contains("mappings.toml is invalid: line 2, column 9: ") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    publish(&millrace, &mood, None);
    assert_eq!(millrace.readings("device=mood&metric=cheer").len(), 2, "the old rules stay in force");
}

#[test]
fn a_bad_file_of_mappings_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mappings.toml");
    std::fs::write(&file, "[[rule]]\ntopic = \"a/#/b\"").unwrap();
    let output =
        Start::new(&folder.path().join("data")).set("INPUTS__MAPPINGS", file.to_str().unwrap()).fails();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("inputs.mappings") && said.contains("line 2, column 9: # stands for"), "{said}");
}
