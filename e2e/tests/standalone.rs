//! db-writer, alerter and dashboard as processes of their own, on one folder and a broker of another make.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{LONG, Load, Mosquitto, SOON, Service, StartService, binary, eventually, stored_once};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Harness {
    folder: TempDir,
    mosquitto: Mosquitto,
    writer: Service,
    alerter: Service,
    dashboard: Service,
}

impl Harness {
    /// Starts all services at once, as a supervisor does; the first of them creates the database.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mosquitto = Mosquitto::start(folder.path());
        let url = format!("mqtt://{}", mosquitto.address);
        let start = |name| StartService::new(name, folder.path(), &url);
        let (writer, alerter, dashboard) = std::thread::scope(|scope| {
            let [writer, alerter, dashboard] =
                ["db-writer", "alerter", "dashboard"].map(|name| scope.spawn(move || start(name).start()));
            (writer.join().unwrap(), alerter.join().unwrap(), dashboard.join().unwrap())
        });
        let harness = Self { folder, mosquitto, writer, alerter, dashboard };
        harness.until_ready();
        harness
    }

    fn services(&self) -> [&Service; 3] {
        [&self.writer, &self.alerter, &self.dashboard]
    }

    fn until_ready(&self) {
        for service in self.services() {
            service.until_ready();
        }
    }

    fn rows(&self, name: &str, query: &str) -> Vec<Value> {
        let (status, body) = self.dashboard.ask(&format!("/api/{name}{query}"));
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer[name].as_array().unwrap().clone()
    }

    fn value_shown(&self, device: &str) -> Option<f64> {
        let devices = self.rows("series", "");
        devices.iter().find(|row| row["device"] == device)?["value"].as_f64()
    }

    fn mails(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path().join("data/mails")).unwrap();
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "eml")).count()
    }

    /// All readings, over all pages.
    fn readings(&self) -> Vec<Value> {
        let mut readings = Vec::new();
        let mut after = String::new();
        loop {
            let (_, body) = self.dashboard.ask(&format!("/api/readings?limit=10000&after={after}"));
            let page: Value = serde_json::from_str(&body).unwrap();
            readings.extend(page["readings"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return readings,
            }
        }
    }
}

#[test]
fn readings_over_http_are_published_with_their_times() {
    let harness = Harness::start();
    let post = |body: &Value| harness.dashboard.post("/api/devices/web/data", body);
    let two = json!([{ "temperature": 21.5 }, { "temperature": 21.5 }, { "temperature": "warm" }]);
    let (status, answer) = post(&two);
    assert_eq!(
        (status, &answer["taken"], &answer["idempotent"]),
        (202, &json!(2), &json!(false)),
        "{answer}"
    );
    assert_eq!(answer["rejected"][0]["index"], 2, "{answer}");
    let timed = json!({ "temperature": { "value": 22.5, "measured_at": "2026-01-15T10:30:00Z" } });
    for _ in 0..2 {
        assert_eq!(post(&timed).1["idempotent"], true);
    }
    eventually(LONG, || match (harness.readings(), harness.rows("rejected", "")) {
        (readings, rejected) if readings.len() == 3 && rejected.len() == 1 => Ok(()),
        other => Err(other),
    });
    let times: std::collections::HashSet<_> =
        harness.readings().iter().map(|row| row["measured_at"].to_string()).collect();
    assert_eq!(times.len(), 3, "a microsecond apart: {times:?}");
}

#[test]
fn what_a_broker_retains_is_no_new_reading() {
    let folder = tempfile::tempdir().unwrap();
    let mosquitto = Mosquitto::start(folder.path());
    for (topic, payload) in
        [("temperature/ret", "26.5"), ("temperature/gone", "26.5"), ("temperature/gone", "")]
    {
        mosquitto.retain(topic, payload);
    }
    let url = format!("mqtt://{}", mosquitto.address);
    let start = StartService::new("db-writer", folder.path(), &url).set("MQTT__IDLE_TIMEOUT", "1s");
    let metric = |service: &Service, name: &str| service.metric(&format!("millrace_{name}"));
    for _ in 0..2 {
        let writer = start.clone().start();
        writer.until_ready();
        // It subscribes anew each second, and each time the broker sends what it retains.
        eventually(LONG, || match metric(&writer, "broker_skipped_total") {
            skipped if skipped >= 2.0 => Ok(()),
            skipped => Err(skipped),
        });
        assert_eq!(metric(&writer, "db_writer_received_total"), 0.0);
        assert!(writer.terminate().0.success());
    }
    let writer = start.start();
    writer.until_ready();
    // What is published, retained or not, is a reading; that nothing is retained any more is none.
    mosquitto.retain("temperature/ret", "27");
    mosquitto.publish("temperature/ret", "28");
    mosquitto.retain("temperature/ret", "");
    eventually(SOON, || match metric(&writer, "db_writer_stored_total") {
        2.0 => Ok(()),
        stored => Err(stored),
    });
    assert_eq!(metric(&writer, "db_writer_received_total"), 2.0, "nothing was rejected");
}

#[test]
fn a_reading_is_stored_judged_mailed_and_shown() {
    let harness = Harness::start();
    harness.mosquitto.publish("temperature/lab", "26.1");
    harness.mosquitto.publish("temperature/lab", "hello");
    let readings = eventually(SOON, || match harness.rows("readings", "?device=lab") {
        rows if rows.len() == 1 => Ok(rows),
        rows => Err(rows),
    });
    assert_eq!(readings[0]["value"], 26.1);
    eventually(SOON, || harness.value_shown("lab").filter(|value| *value == 26.1).ok_or("not shown"));
    eventually(SOON, || if harness.mails() == 1 { Ok(()) } else { Err("no mail") });
    eventually(SOON, || match harness.rows("incidents", "").as_slice() {
        [incident] if incident["notifications"][0]["sent_at"].is_string() => Ok(()),
        incidents => Err(format!("{incidents:?}")),
    });
    eventually(SOON, || (harness.rows("rejected", "").len() == 1).then_some(()).ok_or("nothing is rejected"));
    let (_, metrics) = harness.writer.ask("/metrics");
    for line in ["received_total 2", "stored_total 1", "rejected_total 1", "duplicate_total 0", "in_flight 0"]
    {
        assert!(metrics.contains(&format!("millrace_db_writer_{line}\n")), "{line}: {metrics}");
    }
    for service in [harness.writer, harness.alerter, harness.dashboard] {
        let (status, _) = service.terminate();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn a_writer_that_stops_or_dies_stores_all_that_came_meanwhile_after_its_next_start() {
    let mut harness = Harness::start();
    let broker = format!("mqtt://{}", harness.mosquitto.address);
    let arguments = ["load", "--connections", "5", "--rate", "1000", "--duration", "1h"];
    let load = Load::start(&broker, harness.folder.path(), &arguments);
    let goes_on = |readings: usize| {
        let before = load.acked().len();
        eventually(LONG, || (load.acked().len() > before + readings).then_some(()).ok_or("nothing is acked"));
    };
    for round in 0..4 {
        goes_on(300);
        let again = if round % 2 == 0 {
            let (status, again) = harness.writer.terminate();
            assert!(status.success(), "SIGTERM under load: {status}");
            again
        } else {
            harness.writer.kill()
        };
        // More than a broker keeps by default for a client that is away.
        goes_on(1_500);
        harness.writer = again.start();
    }
    load.interrupt();
    let (code, summary, acked) = load.finish();
    assert_eq!(code, 0, "{summary}");
    eventually(LONG, || stored_once(&acked, &harness.readings()));
}

#[test]
fn a_broker_that_restarts_is_found_again_and_meanwhile_nobody_is_ready() {
    let mut harness = Harness::start();
    harness.mosquitto.publish("temperature/lab", "21");
    eventually(SOON, || harness.value_shown("lab").ok_or("not shown"));
    for service in harness.services() {
        assert!(service.healthcheck().status.success());
    }
    harness.mosquitto.stop();
    let address = harness.mosquitto.address.to_string();
    for service in harness.services() {
        // First it says how the connection ended, then why there is no other.
        let reason = service.until_it_says(&["broker: ", &address, "refused"]);
        let asked = service.healthcheck();
        let said = String::from_utf8_lossy(&asked.stderr);
        assert!(asked.status.code() == Some(1) && said.contains(reason.trim()), "{said}");
    }
    harness.mosquitto.start_again();
    harness.until_ready();
    harness.mosquitto.publish("temperature/lab", "27");
    eventually(SOON, || harness.value_shown("lab").filter(|value| *value == 27.0).ok_or("not shown"));
    eventually(SOON, || (harness.rows("readings", "").len() == 2).then_some(()).ok_or("not stored"));
    eventually(SOON, || if harness.mails() == 1 { Ok(()) } else { Err("no mail") });
}

#[test]
fn a_rejected_payload_is_resent_over_the_broker_once_that_is_there() {
    let mut harness = Harness::start();
    harness.mosquitto.publish("temperature/lab", "21,5");
    let row = eventually(SOON, || harness.rows("rejected", "").pop().ok_or("nothing is rejected"));
    let path = format!("/api/rejected/{}/resend", row["id"].as_str().unwrap());
    let corrected = json!({ "payload": "21.5" });
    harness.mosquitto.stop();
    let (status, said) = harness.dashboard.post(&path, &corrected);
    assert_eq!(status, 503, "{said}");
    assert!(said["error"].as_str().unwrap().contains("ask again once the broker"), "{said}");
    assert_eq!(harness.rows("rejected", ""), std::slice::from_ref(&row));
    harness.mosquitto.start_again();
    harness.until_ready();
    let (status, said) = harness.dashboard.post(&path, &corrected);
    assert_eq!(status, 200, "{said}");
    let readings = eventually(SOON, || match harness.readings() {
        readings if readings.len() == 1 => Ok(readings),
        readings => Err(readings),
    });
    assert_eq!((&readings[0]["value"], &readings[0]["measured_at"]), (&json!(21.5), &row["received_at"]));
}

#[test]
fn a_start_that_fails_names_the_setting_to_change() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["db-writer", "alerter", "dashboard"] {
        // The dashboard takes nothing over AMQP.
        let amqp = [
            ("AMQP__URL", "http://ann:s3cret@localhost", "setting amqp.url (MILLRACE__AMQP__URL)"),
            ("AMQP__URL", "amqp://ann:s3cret@localhost:nowhere", "setting amqp.url"),
        ];
        let amqp = amqp.into_iter().filter(|_| name != "dashboard");
        for (setting, value, expected) in amqp.chain([
            ("MQTT__URL", "http://ann:s3cret@localhost", "setting mqtt.url (MILLRACE__MQTT__URL)"),
            ("MQTT__URL", "mqtt://localhost:nowhere", "setting mqtt.url"),
            ("STORE__URL", "mysql://ann:s3cret@localhost", "setting store.url (MILLRACE__STORE__URL)"),
            ("STORE__URL", "postgres://ann:s3cret@localhost:nowhere/x", "setting store.url"),
            ("MQTT__IDLE_TIMEOUT", "0s", "setting mqtt.idle_timeout"),
            ("METRICS", "a/b", "setting metrics"),
            ("DATA_DIR", "/dev/null/data", "setting data_dir"),
            ("MQTT__LISEN", "x", "unknown setting MILLRACE__MQTT__LISEN"),
        ]) {
            let start = StartService::new(name, folder.path(), "mqtt://127.0.0.1:1").set(setting, value);
            let output = start.command().output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(64), "{name} {setting}={value}: {said}");
            assert!(said.contains(expected) && !said.contains("s3cret"), "{name} {setting}={value}: {said}");
        }
        let mut nobody = std::process::Command::new(binary(name));
        nobody.args(["healthcheck", "--config", "/no/such.toml"]);
        assert_eq!(nobody.output().unwrap().status.code(), Some(64));
    }
}
