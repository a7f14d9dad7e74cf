//! `millrace alerts` beside a running `millrace`.

use e2e::{SOON, eventually};
use serde_json::{Value, json};

use crate::harness::{AT_ONCE, Harness, said};

#[test]
fn the_command_line_shows_silences_and_acknowledges() {
    let harness = Harness::start(&format!(
        "{AT_ONCE}[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\n"
    ));
    harness.publish("lab", "26.5");
    let id =
        eventually(SOON, || harness.incidents("").pop().ok_or("none"))["id"].as_str().unwrap().to_owned();
    let list = harness.command(&["list"]);
    assert!(
        list.status.success() && said(&list).contains("lab") && said(&list).contains("26.5"),
        "{}",
        said(&list)
    );
    let silenced = harness.command(&["silence", "--device", "lab", "--for", "2h", "--reason", "cleaning"]);
    assert!(silenced.status.success(), "{}", said(&silenced));
    assert!(said(&harness.command(&["silences"])).contains("cleaning"));
    let acknowledged = harness.command(&["acknowledge", &id, "--by", "ann"]);
    assert!(acknowledged.status.success(), "{}", said(&acknowledged));
    assert_eq!(harness.incidents("acknowledged=true").len(), 1);
    let lint = harness.command(&["lint"]);
    assert!(lint.status.success(), "{}", said(&lint));
    std::fs::write(harness.rules(), "[[rules]]\nname = \"x\"\n").unwrap();
    let lint = harness.command(&["lint"]);
    assert_eq!(lint.status.code(), Some(1));
    assert!(said(&lint).contains("line 1"), "{}", said(&lint));
}

#[test]
fn new_rules_are_tried_on_what_is_stored() {
    let hot = |above: f64| {
        format!("{AT_ONCE}[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = {above:?}\n")
    };
    let harness = Harness::start(&hot(25.0));
    for (minute, value) in [(0, 21.0), (1, 26.0), (2, 24.0), (3, 31.0), (4, 20.0)] {
        let payload = format!("{{\"value\": {value}, \"measured_at\": \"2026-01-15T10:0{minute}:00Z\"}}");
        harness.publish("lab", &payload);
    }
    let new = harness.folder.path().join("new.toml");
    let test = |above: f64, more: &[&str]| {
        std::fs::write(&new, hot(above)).unwrap();
        harness.command(&[&["test", "--rules", new.to_str().unwrap()], more].concat())
    };
    let same = test(25.0, &[]);
    assert!(same.status.success(), "{}", said(&same));
    let differs = test(30.0, &["--json", "--from", "2026-01-15T10:00:00Z", "--to", "2026-01-15T11:00:00Z"]);
    assert_eq!(differs.status.code(), Some(3), "{}", said(&differs));
    let report: Value = serde_json::from_slice(&differs.stdout).unwrap();
    assert_eq!(report["readings"], 5, "{report}");
    assert_eq!(report["incidents"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["difference"]["gone"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["messages"].as_array().unwrap().len(), 2, "opened, and over a minute later: {report}");
    // The same incidents, with somebody else to notify.
    std::fs::write(&new, hot(25.0) + "recipients = [\"ben@example.org\"]\n").unwrap();
    let elsewhere = harness.command(&[
        "test",
        "--json",
        "--rules",
        new.to_str().unwrap(),
        "--from",
        "2026-01-15T10:00:00Z",
    ]);
    assert_eq!(elsewhere.status.code(), Some(3), "{}", said(&elsewhere));
    let report: Value = serde_json::from_slice(&elsewhere.stdout).unwrap();
    assert_eq!(report["difference"]["added"], json!([]), "{report}");
    let [added, gone] = ["added", "gone"].map(|key| &report["difference"]["messages"][key][0]["to"]);
    assert!(added == "ben@example.org" && gone.as_str().is_some_and(|to| to != added), "{report}");
    let bad = test(f64::NAN, &[]);
    assert_eq!(bad.status.code(), Some(64), "{}", said(&bad));
    assert!(said(&bad).contains("line 5, column 9"), "{}", said(&bad));
}
