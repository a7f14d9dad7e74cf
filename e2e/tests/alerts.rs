//! Notifications that people trust: none is missing, there is no flood, and rules can be changed and tried.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::Duration;

use e2e::{LONG, Load, Mail, Millrace, SOON, Shape, Start, Subscriber, binary, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

e2e::on_both_shapes! {
    together: [nobody_is_notified_of_a_silenced_device_and_an_acknowledged_incident_is_marked],
    alone: []
}

/// A `millrace` with rules of its own.
struct Harness {
    folder: TempDir,
    millrace: Millrace,
}

const AT_ONCE: &str = "group_wait = \"0s\"\n";

impl Harness {
    fn start(rules: &str) -> Self {
        Self::start_with(rules, |start| start)
    }

    fn start_with(rules: &str, more: impl FnOnce(Start) -> Start) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        let start = Start::new(&folder.path().join("data")).set("ALERTER__RULES", file.to_str().unwrap());
        Self { millrace: more(start).start(), folder }
    }

    fn rules(&self) -> PathBuf {
        self.folder.path().join("rules.toml")
    }

    fn publish(&self, device: &str, value: &str) {
        self.millrace.publish(&format!("temperature/{device}"), &["-m", value]);
    }

    fn incidents(&self, filter: &str) -> Vec<Value> {
        self.millrace.get(&format!("/api/incidents?{filter}"))["incidents"].as_array().unwrap().clone()
    }

    /// Waits for `count` mails whose subjects contain `about`.
    fn mailed(&self, about: &str, count: usize) -> Vec<Mail> {
        eventually(LONG, || match self.millrace.mails(about) {
            mails if mails.len() == count => Ok(mails),
            mails => Err(mails.into_iter().map(|mail| mail.subject).collect::<Vec<_>>()),
        })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data.log")).unwrap()
    }

    /// `millrace alerts …` beside the running one.
    fn command(&self, arguments: &[&str]) -> Output {
        let data = self.folder.path().join("data");
        let mut command = Command::new(binary("millrace"));
        command.env("MILLRACE__DATA_DIR", data).env("MILLRACE__ALERTER__RULES", self.rules());
        command.arg("alerts").args(arguments).output().unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn time(incident: &Value, name: &str) -> jiff::Timestamp {
    incident[name].as_str().unwrap_or_else(|| panic!("{name} in {incident}")).parse().unwrap()
}

const ABSENT: &str = "[[rules]]\nname = \"silent\"\nabsent_for = \"3s\"\n";

#[test]
fn a_device_that_falls_silent_has_an_incident_within_a_second_of_its_time_limit() {
    let harness = Harness::start(&format!("{AT_ONCE}{ABSENT}"));
    harness.publish("lab", "21");
    let incident = eventually(SOON, || harness.incidents("rule=silent").pop().ok_or("no incident"));
    let silent_for = time(&incident, "judged_at").duration_since(time(&incident, "began_at"));
    // One second is what is promised, the other is for the tests beside this one.
    assert!((3_000..=5_000).contains(&silent_for.as_millis()), "{silent_for:?}: {incident}");
    assert_eq!(incident["value"], 21.0, "its last value");
    harness.mailed("lab", 1);
    harness.publish("lab", "21.5");
    assert!(harness.mailed("lab", 2).iter().any(|mail| mail.subject.starts_with("Resolved")));
    assert!(harness.incidents("rule=silent")[0]["resolved_at"].is_string());
}

#[test]
fn a_device_that_died_before_a_restart_or_never_sent_anything_has_an_incident_after_it() {
    let expected = "metric = \"temperature\"\nexpect = [\"cellar\"]\n";
    let mut harness = Harness::start(&format!("{AT_ONCE}{ABSENT}{expected}"));
    harness.publish("lab", "21");
    harness.millrace.restart();
    harness.mailed("lab", 1);
    harness.mailed("cellar", 1);
    let cellar = harness.incidents("device=cellar").remove(0);
    assert_eq!(cellar["value"], Value::Null, "it never sent anything");
    harness.millrace.restart();
    harness.publish("other", "1");
    harness.mailed("other", 1);
    assert_eq!(harness.incidents("").len(), 3, "and each once: {:?}", harness.incidents(""));
}

#[test]
fn five_hundred_devices_that_go_dark_are_one_mail() {
    let harness = Harness::start("[[rules]]\nname = \"silent\"\nabsent_for = \"4s\"\n");
    let arguments = ["load", "--connections", "50", "--devices", "500", "--rate", "500", "--duration", "4s"];
    let load = Load::start(&harness.millrace.device_url(), harness.folder.path(), &arguments);
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    let mail = harness.mailed("500 devices", 1).remove(0);
    assert!(mail.subject.starts_with("Alert: 500 devices"), "{}", mail.subject);
    let listed = mail.text.lines().filter(|line| line.starts_with("- ") && line.contains(": since ")).count();
    assert!(listed == 20 && mail.text.contains("\nand 480 more\n"), "{}", mail.text);
    assert_eq!(harness.millrace.mails("").len(), 1, "{:?}", harness.millrace.mails(""));
    assert_eq!(harness.incidents("state=open&limit=1000").len(), 500);
}

#[test]
fn a_flood_ends_in_a_digest() {
    let hot = "[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\n";
    let harness = Harness::start(&format!("{AT_ONCE}max_mails_per_hour = 3\n{hot}"));
    for device in ["a", "b"] {
        harness.publish(device, "26");
        harness.mailed(&format!("{device}: "), 1);
    }
    for device in ["c", "d", "e", "f"] {
        harness.publish(device, "26");
    }
    harness.mailed("", 3);
    eventually(SOON, || match harness.incidents("state=open").len() {
        6 => Ok(()),
        open => Err(open),
    });
    let waiting = harness
        .incidents("state=open")
        .into_iter()
        .filter(|incident| incident["notifications"][0]["sent_at"].is_null());
    assert!((1..=4).contains(&waiting.count()), "what is over the cap waits");
    assert_eq!(harness.millrace.mails("").len(), 3);
}

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

fn nobody_is_notified_of_a_silenced_device_and_an_acknowledged_incident_is_marked(shape: &mut impl Shape) {
    let (quiet, loud) = (shape.device("quiet"), shape.device("loud"));
    let silence = json!({"device": quiet, "for": "1h", "reason": "it is being moved", "by": "ann"});
    let (status, silence) = shape.post("/api/silences", &silence);
    assert_eq!(status, 201, "{silence}");
    shape.publish(&format!("temperature/{quiet}"), &["-m", "26"]);
    shape.publish(&format!("temperature/{loud}"), &["-m", "26"]);
    eventually(LONG, || match shape.mails(&loud).len() {
        1 => Ok(()),
        mails => Err(mails),
    });
    let incident = shape.promised_rows(1, || shape.rows_of("incidents", &quiet)).remove(0);
    eventually(SOON, || {
        let incident = shape.rows_of("incidents", &quiet).remove(0);
        if incident["notifications"][0]["state"] == "held" { Ok(()) } else { Err(incident) }
    });
    assert_eq!(shape.mails(&quiet).len(), 0);
    let said = json!({"incident": incident["id"], "by": "ann", "note": "on my way"});
    let (status, acknowledged) = shape.post("/api/acknowledgements", &said);
    assert_eq!((status, &acknowledged["acknowledged"]["by"]), (200, &json!("ann")), "{acknowledged}");
    shape.publish(&format!("temperature/{quiet}"), &["-m", "20"]);
    eventually(SOON, || {
        let incident = shape.rows_of("incidents", &quiet).remove(0);
        if incident["notifications"][0]["state"] == "dropped" { Ok(()) } else { Err(incident) }
    });
    assert_eq!(shape.mails(&quiet).len(), 0, "it was over before anybody was to be notified");
}

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

#[test]
fn an_incident_is_published_over_mqtt_and_to_a_webhook() {
    let hook = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", hook.local_addr().unwrap());
    let (calls, called) = mpsc::channel();
    std::thread::spawn(move || [(); 2].map(|()| calls.send(webhook_call(&hook))));
    let harness = Harness::start(&format!(
        "{AT_ONCE}[recipients.ops]\nwebhook = \"{url}\"\n[recipients.field]\nmqtt = true\n[[rules]]\nname = \"hot\"\n\
         metric = \"temperature\"\nabove = 25.0\nrecipients = [\"ops\", \"field\"]\n"
    ));
    let mut subscriber = Subscriber::new(&harness.millrace, &["-t", "alerts/#"]);
    harness.publish("site-a/lab", "26");
    let opened = called.recv_timeout(LONG).unwrap();
    harness.publish("site-a/lab", "20");
    let resolved = called.recv_timeout(LONG).unwrap();
    assert_eq!((&opened["version"], &opened["status"]), (&json!("4"), &json!("firing")), "{opened}");
    assert_eq!(opened["alerts"][0]["labels"]["device"], "site-a/lab", "{opened}");
    assert_eq!(resolved["status"], "resolved", "{resolved}");
    for status in ["firing", "resolved"] {
        let heard = subscriber.hear();
        let (topic, incident) = heard.split_once(' ').unwrap();
        let incident: Value = serde_json::from_str(incident).unwrap();
        assert_eq!((topic, &incident["status"]), ("alerts/hot/site-a/lab", &json!(status)), "{incident}");
    }
    assert_eq!(harness.millrace.mails("").len(), 0);
}

/// Accepts one call, answers 200 and returns the JSON of the call.
fn webhook_call(hook: &std::net::TcpListener) -> Value {
    let (stream, _) = hook.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn killed_over_and_over_it_notifies_of_each_incident_once() {
    let mut harness = Harness::start(&format!(
        "{AT_ONCE}[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\nclear_below = 24.5\n"
    ));
    for round in 0..10 {
        let value = if round % 2 == 0 { "26" } else { "20" };
        harness.publish("lab", value);
        std::thread::sleep(Duration::from_millis(7 * round));
        harness.millrace = harness.millrace.kill().start();
    }
    let sent = eventually(LONG, || {
        let incidents = harness.incidents("rule=hot");
        let all = incidents.iter().flat_map(|incident| incident["notifications"].as_array().unwrap());
        let sent: Vec<Value> = all.filter(|notification| notification["state"] == "sent").cloned().collect();
        if incidents.len() == 5 && sent.len() == 10 { Ok(sent) } else { Err(incidents) }
    });
    // An opening and its end may share a mail, which has one Message-ID.
    let sent: HashSet<String> =
        sent.iter().map(|sent| format!("<{}>", sent["message_id"].as_str().unwrap())).collect();
    let mails = harness.millrace.mails("lab");
    let mailed: Vec<_> = mails.iter().filter_map(|mail| mail.header("message-id")).collect();
    assert_eq!(mailed.len(), sent.len(), "each once: {mailed:?} for {sent:?}");
    assert!(mailed.iter().all(|id| sent.contains(*id)), "{mailed:?} for {sent:?}");
}
