//! More than one of a service: writers share the work, alerters take over from each other.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use e2e::{Cluster, LONG, Load, Service, Shape, eventually, program, stored_once};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn two_writers_share_the_queue_and_store_everything_once() {
    let cluster = Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    let second = cluster.service("db-writer", folder.path()).start();
    second.until_ready();
    let arguments = ["load", "--connections", "20", "--count", "20000", "--twice"];
    let (code, summary, acked) = Load::start(&cluster.device_url(), folder.path(), &arguments).finish();
    assert_eq!((code, acked.len()), (0, 20_000), "{summary}");
    eventually(LONG, || stored_once(&acked, &cluster.readings("metric=temperature")));
    assert!(second.metric("millrace_db_writer_stored_total") > 0.0, "the second had a share");
    let (status, _) = second.terminate();
    assert!(status.success(), "{status}");
}

/// Publishes values that open and resolve an incident, `times` times.
fn swing(cluster: &Cluster, device: &str, times: usize) {
    for _ in 0..times {
        for value in ["26", "24"] {
            cluster.publish(&format!("temperature/{device}"), &["-m", value]);
        }
    }
}

/// The Message-ID of the mail for each transition of ten incidents, once all are sent.
fn message_ids(cluster: &Cluster, device: &str) -> Result<Vec<String>, Vec<Value>> {
    let incidents = cluster.rows_of("incidents", device);
    let notifications: Vec<_> =
        incidents.iter().flat_map(|incident| incident["notifications"].as_array().unwrap()).collect();
    if incidents.len() < 10
        || notifications.len() < 20
        || notifications.iter().any(|notification| notification["state"] != "sent")
    {
        return Err(incidents);
    }
    Ok(notifications
        .iter()
        .map(|notification| format!("<{}>", notification["message_id"].as_str().unwrap()))
        .collect())
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn when_the_alerter_dies_another_goes_on_with_one_mail_per_transition() {
    let cluster = Cluster::alone();
    let (folder, device) = (tempfile::tempdir().unwrap(), cluster.device("lab"));
    let second = cluster.service("alerter", folder.path()).set("SMTP__URL", &cluster.smtp_url()).start();
    second.until_ready();
    swing(&cluster, &device, 5);
    assert_eq!(second.metric("millrace_alerter_judged_total"), 0.0, "it waits");
    cluster.kill("alerter");
    swing(&cluster, &device, 5);
    // An opening and its end may share a mail.
    let sent = eventually(LONG, || message_ids(&cluster, &device));
    assert_eq!(sent.len(), 20, "each transition once: {sent:?}");
    let sent: HashSet<_> = sent.into_iter().collect();
    let mails = eventually(LONG, || match cluster.mails(&device) {
        mails if mails.len() >= sent.len() => Ok(mails),
        mails => Err((mails.len(), sent.len())),
    });
    let ids: HashSet<_> = mails.iter().map(|mail| mail.header("message-id").unwrap().to_owned()).collect();
    assert_eq!(ids, sent);
    // What was handed over in the moment of the kill may come again, and says so by its Message-ID.
    assert!(mails.len() <= sent.len() + 1, "{} mails for {} messages", mails.len(), sent.len());
    assert!(second.metric("millrace_alerter_judged_total") >= 10.0);
    assert_eq!(cluster.rows_of("incidents", &device).len(), 10);
}

/// One of two alerters with a rule that opens an incident when a device is silent for four seconds.
fn watcher(cluster: &Cluster, folder: &Path, rules: &Path) -> Service {
    std::fs::create_dir(folder).unwrap();
    let start = cluster.service("alerter", folder).set("SMTP__URL", &cluster.smtp_url());
    let service = start.set("ALERTER__RULES", rules.to_str().unwrap()).start();
    service.until_ready();
    service
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn of_two_alerters_one_calls_a_silent_device_absent_even_after_the_other_died() {
    let cluster = Cluster::alone();
    let (folder, device) = (tempfile::tempdir().unwrap(), cluster.device("lab"));
    let rules = folder.path().join("rules.toml");
    let rule = format!("[[rules]]\nname = \"silent\"\nmetric = \"temperature\"\ndevice = \"{device}\"\n");
    std::fs::write(&rules, format!("group_wait = \"0s\"\n{rule}absent_for = \"4s\"\n")).unwrap();
    let speak = |seconds: u32| {
        for _ in 0..2 * seconds {
            cluster.publish(&format!("temperature/{device}"), &["-m", "21"]);
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    cluster.stop("alerter");
    speak(1);
    let [first, second] = ["one", "two"].map(|name| watcher(&cluster, &folder.path().join(name), &rules));
    speak(8);
    assert_eq!(
        cluster.rows_of("incidents", &device).len(),
        0,
        "the device publishes, though one of the two alerters gets none of its readings"
    );
    // One of them was given the readings.
    let judged = |alerter: &Service| alerter.metric("millrace_alerter_judged_total");
    let active = if judged(&first) > judged(&second) { first } else { second };
    let _killed = active.kill();
    speak(4);
    assert_eq!(cluster.rows_of("incidents", &device).len(), 0, "the other has heard it");
    let incident = eventually(LONG, || cluster.rows_of("incidents", &device).pop().ok_or("no incident"));
    eventually(LONG, || match cluster.mails(&device).len() {
        1 => Ok(()),
        mails => Err(mails),
    });
    assert_eq!(incident["rule"], "silent", "{incident}");
    assert_eq!(cluster.rows_of("incidents", &device).len(), 1);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn an_incident_is_published_through_the_cluster() {
    let cluster = Cluster::alone();
    let (folder, device) = (tempfile::tempdir().unwrap(), cluster.device("lab"));
    let rules = folder.path().join("rules.toml");
    let rule = "[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\nrecipients = [\"bus\"]\n";
    std::fs::write(&rules, format!("[recipients.bus]\nmqtt = true\n{rule}")).unwrap();
    cluster.stop("alerter");
    let start = cluster.service("alerter", folder.path()).set("ALERTER__RULES", rules.to_str().unwrap());
    // With the rights that it has in the cluster.
    let alerter = start.set("MQTT__URL", &cluster.mqtt_url("alerter")).start();
    alerter.until_ready();
    let topic = format!("{}/alerts/hot/{device}", cluster.mqtt_url("operator"));
    let mut subscriber = program("mosquitto_sub", "mosquitto-clients");
    let subscriber = subscriber.args(["-L", &topic, "-q", "1", "-W", "100"]).stdout(Stdio::piped());
    let mut subscriber = subscriber.spawn().unwrap();
    let heard = BufReader::new(subscriber.stdout.take().unwrap());
    let heard = std::thread::spawn(move || heard.lines().next().expect("an incident").unwrap());
    // An incident that is published before anybody listens is heard by nobody.
    for value in ["26", "20"].iter().cycle().take_while(|_| !heard.is_finished()) {
        cluster.publish(&format!("temperature/{device}"), &["-m", value]);
        std::thread::sleep(Duration::from_millis(300));
    }
    let heard: Value = serde_json::from_str(&heard.join().unwrap()).unwrap();
    assert_eq!((&heard["rule"], &heard["device"]), (&"hot".into(), &device.into()), "{heard}");
    subscriber.kill().unwrap();
    subscriber.wait().unwrap();
}
