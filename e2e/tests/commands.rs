//! Commands to devices, with the real process and real clients: in order, again until they are answered, and never after
//! their end.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::thread::sleep;
use std::time::Duration;

use e2e::scenarios::commands::{self, add_up, command, make, start, until_it_is};
use e2e::{LONG, SOON, Shape as _, Start, Subscriber, eventually};
use serde_json::{Value, json};

#[test]
fn a_device_that_was_away_gets_its_commands_in_order_and_one_at_a_time() {
    commands::offline();
}

#[test]
fn a_command_whose_answer_is_lost_comes_again_and_is_recorded_once() {
    commands::twice();
}

#[test]
fn kills_lose_no_command_and_send_none_that_has_ended() {
    commands::kill(20);
}

#[test]
fn a_command_is_never_sent_after_its_time_whatever_the_clock_shows() {
    commands::expiry();
}

#[test]
fn a_device_without_mqtt_gets_commands_and_answers_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let (status, made) = millrace.post("/api/devices/site-a.lab/credentials", &json!({}));
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let authorization = format!("Bearer {}:{}", text("user"), text("password"));
    let ask = |path: &str| {
        let url = format!("{}{path}", millrace.http);
        let mut answer = ureq::get(url).header("authorization", &authorization).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    assert_eq!(ask("/commands?wait=0s").0, 204);
    let (sent, got) = std::thread::scope(|scope| {
        let waits = scope.spawn(|| ask("/commands?wait=20s"));
        sleep(Duration::from_secs(1));
        (make(&millrace, "site-a/lab", "1h"), waits.join().unwrap())
    });
    let command_got: Value = serde_json::from_str(&got.1).unwrap();
    assert_eq!((got.0, command_got["id"].as_str()), (200, Some(sent.as_str())), "{got:?}");
    assert_eq!(command(&millrace, &sent)["state"], "sent");
    let url = format!("{}/api/devices/site-a.lab/commands/{sent}/result", millrace.http);
    let result = json!({ "status": "done", "result": { "blinked": 3 } });
    let recorded = ureq::post(url).header("authorization", &authorization).send_json(&result).unwrap();
    assert_eq!(recorded.status(), 200);
    assert_eq!(command(&millrace, &sent)["result"], json!({ "blinked": 3 }));
    assert_eq!(ask("/commands").0, 204);
    add_up(&millrace);
}

#[test]
fn a_simulated_sensor_does_what_it_is_told_and_becomes_what_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(folder.path()).set("SENSORS__COUNT", "1").start();
    let device = "data_center_a1";
    eventually(SOON, || (!millrace.rows_of("series", device).is_empty()).then_some(()).ok_or("not heard"));
    for (name, args, state) in [
        ("set-interval", json!({ "seconds": 0.2 }), "done"),
        ("blink", json!({ "times": 1 }), "done"),
        ("fly", json!(null), "failed"),
    ] {
        let (status, made) =
            millrace.post("/api/commands", &json!({ "device": device, "command": name, "args": args }));
        assert_eq!(status, 201, "{made}");
        let ended = until_it_is(&millrace, made["id"].as_str().unwrap(), state, LONG);
        assert!(!ended["accepted_at"].is_null(), "{ended}");
    }
    let url = format!("{}/api/devices/{device}/desired", millrace.http);
    assert_eq!(ureq::put(url).send_json(json!({ "interval": 0.5 })).unwrap().status(), 200);
    eventually(LONG, || match millrace.get(&format!("/api/devices/{device}/twin")) {
        twin if twin["reported_version"] == 1 && twin["in_sync"] == true => Ok(()),
        twin => Err(twin),
    });
    add_up(&millrace);
}

#[test]
fn a_plug_with_tasmota_is_switched_and_its_answer_is_result_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let (status, answer) = millrace.post("/api/devices", &json!({ "name": "plug", "type": "tasmota" }));
    assert_eq!(status, 201, "{answer}");
    let mut plug = Subscriber::new(&millrace, &["-t", "cmnd/plug/#"]);
    let power = |state: &str| {
        let body = json!({ "device": "plug", "command": "power", "args": { "state": state } });
        millrace.post("/api/commands", &body)
    };
    let (status, refused) = power("LOUD");
    assert_eq!(status, 400, "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("args.state must be one of"), "{refused}");
    let (status, made) = power("ON");
    assert_eq!(status, 201, "{made}");
    assert_eq!(plug.hear(), "cmnd/plug/POWER ON");
    millrace.publish("stat/plug/POWER", &["-m", "ON"]);
    let done = until_it_is(&millrace, made["id"].as_str().unwrap(), "done", SOON);
    assert_eq!(done["result"], "ON");
    eventually(SOON, || match millrace.readings("").len() {
        1 => Ok(()),
        other => Err(other),
    });
    assert!(millrace.rows("rejected").is_empty());
    add_up(&millrace);
}

#[test]
fn a_device_carries_the_connection_by_which_it_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    millrace.publish("temperature/lab", &["-m", "21"]);
    let device = || millrace.get("/api/devices/lab");
    eventually(SOON, || match device()["connection"].is_null() {
        true => Ok(()),
        false => Err(device()),
    });
    let mut gateway = millrace.mosquitto("mosquitto_pub");
    gateway.args(["-i", "gate-7", "-q", "1", "-t", "temperature/lab", "-l"]);
    gateway.args(["--will-topic", "status/lab", "--will-payload", "gone", "--will-retain"]);
    let mut gateway = gateway.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(gateway.stdin.as_mut().unwrap(), b"22\n").unwrap();
    let connection = eventually(SOON, || match &device()["connection"] {
        Value::Null => Err("it has not spoken yet"),
        connection => Ok(connection.clone()),
    });
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert_eq!(connection["client_id"], "gate-7");
    assert!(connection["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{connection}");
    assert_eq!(connection["last_will"], json!({ "topic": "status/lab", "payload": "gone", "retain": true }));
}
