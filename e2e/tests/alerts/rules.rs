//! The rules file: read again when it changes, and refused when it is invalid.

use e2e::{SOON, Start, eventually};

use crate::harness::{AT_ONCE, Harness, said};

#[test]
fn rules_are_read_again_when_they_change_and_a_bad_file_changes_nothing() {
    let rule = |above: f64| {
        format!("{AT_ONCE}[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = {above:?}\n")
    };
    let harness = Harness::start(&rule(25.0));
    harness.publish("lab", "24");
    std::fs::write(harness.rules(), rule(20.0).replace("above", "abov")).unwrap();
    eventually(SOON, || match harness.millrace.metric("millrace_alerter_rules_refused_total") {
        refused if refused > 0.0 => Ok(()),
        refused => Err(refused),
    });
    assert_eq!(harness.millrace.metric("millrace_alerter_rules_loaded"), 0.0);
    assert!(harness.log().contains("the old rules stay in force"), "{}", harness.log());
    assert!(harness.log().contains("line 5"), "{}", harness.log());
    harness.publish("lab", "26");
    harness.mailed("lab", 1);

    std::fs::write(harness.rules(), rule(27.0)).unwrap();
    harness.millrace.signal("HUP");
    eventually(SOON, || match harness.millrace.metric("millrace_alerter_rules_loaded") {
        1.0 => Ok(()),
        bad => Err(bad),
    });
    harness.publish("lab", "26.5");
    harness.mailed("Resolved: lab", 1);
    let (status, _) = harness.millrace.terminate();
    assert!(status.success(), "{status}");
}

#[test]
fn bad_rules_end_the_start_with_their_line_and_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    std::fs::write(
        &file,
        "[[rules]]\nname = \"hot\"\nabove = 25.0\nclear_below = 26.0\nmetric = \"temprature\"\n",
    )
    .unwrap();
    let start = Start::new(&folder.path().join("data")).set("METRICS", "temperature,humidity,pressure");
    let output = start.set("ALERTER__RULES", file.to_str().unwrap()).fails();
    assert_eq!(output.status.code(), Some(64));
    let said = said(&output);
    for words in
        ["rules.toml", "line 4", "clear_below", "line 5", "temprature", "temperature, humidity, pressure"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
}
