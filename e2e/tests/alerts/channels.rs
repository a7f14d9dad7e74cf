//! Notifications over the other channels: a webhook and MQTT.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc;

use e2e::{LONG, Shape as _, Subscriber};
use serde_json::{Value, json};

use crate::harness::{AT_ONCE, Harness};

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
