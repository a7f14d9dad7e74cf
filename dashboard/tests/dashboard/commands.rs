//! Commands: made, found, cancelled; asked for and answered by devices; and what devices should be.

use std::time::Duration;

use access::{Caller, NewCredential};
use serde_json::{Value, json};
use store::{AccessStore as _, AuditQuery, Commands as _, Role};

use crate::access::{add, ask, session};
use crate::answer::Answer;
use crate::harness::{Harness, Wanted};

async fn start() -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    for name in ["lab", "site-a/lab", "site-b/lab"] {
        assert_eq!(send(&harness, "post", "/api/devices", &json!({ "name": name })).await.status, 201);
    }
    harness
}

async fn send(harness: &Harness, method: &str, path: &str, body: &Value) -> Answer {
    ask(harness, method, path, "", &body.to_string()).await
}

async fn command(harness: &Harness, body: &Value) -> Value {
    let made = send(harness, "post", "/api/commands", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

/// The header with a new credential of a device.
async fn credential(harness: &Harness, device: &str) -> String {
    let made =
        harness.access.add_credential(&Caller::command(), device, NewCredential::default()).await.unwrap();
    format!("authorization: Bearer {}:{}", made.0.user, made.1.unwrap())
}

#[tokio::test]
async fn a_device_that_sends_readings_is_told_its_command_and_others_are_not() {
    let harness = start().await;
    let of_lab = credential(&harness, "site-a/lab").await;
    harness.until_known("site-a.lab").await;
    command(&harness, &json!({ "device": "site-a/lab", "command": "blink", "id": "c1" })).await;
    let data = async |who: &str, name: &str| {
        let path = format!("/api/devices/{name}/data");
        let host = format!("host: {}", harness.address);
        let headers = [host.as_str(), who, "content-type: application/json"];
        harness.send("POST", &path, &headers, r#"{"temperature": 1}"#).await.json()["commands"].clone()
    };
    assert_eq!(data(&of_lab, "site-a.lab.inside").await, json!([]), "that is another device");
    assert_eq!(data("x: y", "lab").await, json!([]));
    let told = data(&of_lab, "site-a.lab").await;
    assert_eq!((&told[0]["id"], &told[0]["command"]), (&json!("c1"), &json!("blink")), "{told}");
    let known = harness.store.command("c1").await.unwrap().unwrap();
    assert_eq!((known.state, known.sent_count), (store::CommandState::Sent, 1));
    assert_eq!(data(&of_lab, "site-a.lab").await[0]["id"], "c1", "again, until it is answered");
}

async fn actions(harness: &Harness) -> Vec<String> {
    let query = AuditQuery { limit: 3, ..AuditQuery::default() };
    harness.store.audit(&query).await.unwrap().into_iter().map(|record| record.action).collect()
}

#[tokio::test]
async fn a_command_is_made_once_found_and_cancelled() {
    let harness = start().await;
    let body =
        json!({ "device": "site-a/lab", "command": "set-interval", "args": { "seconds": 10 }, "id": "mine" });
    let made = command(&harness, &body).await;
    assert_eq!((&made["id"], &made["state"], &made["n"]), (&json!("mine"), &json!("queued"), &json!(1)));
    assert_eq!(made["args"], json!({ "seconds": 10 }));
    let again = send(&harness, "post", "/api/commands", &body).await;
    assert_eq!((again.status, &again.json()["created_at"]), (200, &made["created_at"]));
    let other = json!({ "device": "site-a/lab", "command": "reboot", "id": "mine" });
    assert_eq!(send(&harness, "post", "/api/commands", &other).await.status, 422);

    let listed = ask(&harness, "get", "/api/commands?device=site-a/lab&state=queued", "", "").await;
    assert_eq!(listed.json()["commands"][0]["id"], "mine", "{listed:?}");
    assert_eq!(ask(&harness, "get", "/api/commands?state=done", "", "").await.json()["commands"], json!([]));
    assert_eq!(ask(&harness, "delete", "/api/commands/mine", "", "").await.status, 204);
    let late = ask(&harness, "delete", "/api/commands/mine", "", "").await;
    assert_eq!(late.status, 409, "{late:?}");
    let shown = ask(&harness, "get", "/api/commands/mine", "", "").await.json();
    assert_eq!((&shown["state"], shown["ended_at"].is_null()), (&json!("cancelled"), false));
    assert_eq!(actions(&harness).await[..2], ["cancel command", "command"]);
    for (body, status) in [
        (json!({ "device": "no", "command": "reboot" }), 404),
        (json!({ "device": "a b", "command": "reboot" }), 404),
        (json!({ "command": "reboot" }), 400),
        (json!({ "device": "lab", "devices": "#", "command": "reboot" }), 400),
        (json!({ "devices": "none/#", "command": "reboot" }), 404),
        (json!({ "device": "lab", "command": "reboot", "expires_in": "1y" }), 400),
    ] {
        let refused = send(&harness, "post", "/api/commands", &body).await;
        assert_eq!(refused.status, status, "{body}: {refused:?}");
    }
}

#[tokio::test]
async fn a_list_of_commands_goes_on_at_the_cursor() {
    let harness = start().await;
    for number in 0..5 {
        command(&harness, &json!({ "device": "lab", "command": "blink", "id": format!("c{number}") })).await;
    }
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let page = ask(&harness, "get", &format!("/api/commands?limit=2{after}"), "", "").await.json();
        ids.extend(
            page["commands"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(ids, ["c4", "c3", "c2", "c1", "c0"]);
}

#[tokio::test]
async fn a_group_is_made_counted_and_cancelled() {
    let harness = start().await;
    let body = json!({ "devices": "+/lab", "command": "reboot", "per_minute": 60, "stop_after_failures": 1 });
    let job = command(&harness, &body).await;
    assert_eq!(
        (&job["count"], &job["states"]["queued"], &job["devices"]),
        (&json!(2), &json!(2), &json!("+/lab"))
    );
    let path = format!("/api/commands/jobs/{}", job["job"].as_str().unwrap());
    let listed =
        ask(&harness, "get", &format!("/api/commands?job={}", job["job"].as_str().unwrap()), "", "").await;
    let devices: Vec<_> =
        listed.json()["commands"].as_array().unwrap().iter().map(|row| row["device"].clone()).collect();
    assert_eq!(devices, ["site-b/lab", "site-a/lab"]);
    let cancelled = ask(&harness, "delete", &path, "", "").await;
    assert_eq!((cancelled.status, &cancelled.json()["states"]["cancelled"]), (200, &json!(2)));
    assert_eq!(ask(&harness, "delete", &path, "", "").await.status, 409);
    assert_eq!(ask(&harness, "get", &path, "", "").await.json()["states"]["cancelled"], 2);
    assert!(harness.store.command_counts().await.unwrap().add_up());
}

#[tokio::test]
async fn only_devices_within_the_filters_are_commanded() {
    let harness = start().await;
    let outside = command(&harness, &json!({ "device": "site-b/lab", "command": "blink" })).await;
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "ben", Role::Operator, &["site-a/#"]).await;
    add(&harness, "vera", Role::Viewer, &["site-a/#"]).await;
    let (ben, vera) = (session(&harness, "ben").await, session(&harness, "vera").await);
    let of = |device: &str| json!({ "device": device, "command": "blink" }).to_string();
    assert_eq!(ask(&harness, "post", "/api/commands", &ben, &of("site-a/lab")).await.status, 201);
    assert_eq!(ask(&harness, "post", "/api/commands", &ben, &of("site-b/lab")).await.status, 404);
    assert_eq!(ask(&harness, "post", "/api/commands", &vera, &of("site-a/lab")).await.status, 403);
    let group = json!({ "devices": "#", "command": "blink" }).to_string();
    let job = ask(&harness, "post", "/api/commands", &ben, &group).await.json();
    assert_eq!(job["count"], 1, "those that ben sees: {job}");
    let job = format!("/api/commands/jobs/{}", job["job"].as_str().unwrap());
    assert_eq!(ask(&harness, "get", &job, &ben, "").await.status, 200, "it is his own");
    assert_eq!(ask(&harness, "get", &job, &vera, "").await.status, 404);
    let path = format!("/api/commands/{}", outside["id"].as_str().unwrap());
    for (method, path) in
        [("get", path.as_str()), ("delete", &path), ("get", "/api/commands?device=site-b/lab")]
    {
        assert_eq!(ask(&harness, method, path, &ben, "").await.status, 404, "{method}");
    }
    let listed = ask(&harness, "get", "/api/commands", &ben, "").await.json();
    assert!(
        listed["commands"].as_array().unwrap().iter().all(|row| row["device"] == "site-a/lab"),
        "{listed}"
    );
    for (method, path) in
        [("get", "/api/devices/site-b.lab/twin"), ("put", "/api/devices/site-b.lab/desired")]
    {
        let body = if method == "put" { "{}" } else { "" };
        assert_eq!(ask(&harness, method, path, &ben, body).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_device_asks_for_its_commands_and_answers_over_http() {
    let harness = start().await;
    let (lab, other) = (credential(&harness, "site-a/lab").await, credential(&harness, "lab").await);
    assert_eq!(ask(&harness, "get", "/commands", &lab, "").await.status, 204);
    let waiting = ask(&harness, "get", "/api/devices/site-a.lab/commands?wait=20s", &lab, "");
    let made = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        command(&harness, &json!({ "device": "site-a/lab", "command": "blink" })).await
    };
    let (got, made) = tokio::join!(waiting, made);
    let got = got.json();
    assert_eq!((&got["id"], &got["command"], &got["n"]), (&made["id"], &json!("blink"), &json!(1)));
    let id = made["id"].as_str().unwrap();
    let shown = ask(&harness, "get", &format!("/api/commands/{id}"), "", "").await.json();
    assert_eq!((&shown["state"], &shown["sent_count"]), (&json!("sent"), &json!(1)));
    let result = format!("/api/devices/site-a.lab/commands/{id}/result");
    let of_other = format!("/api/devices/lab/commands/{id}/result");
    let done = r#"{"status": "done", "result": {"blinked": 3}}"#;
    assert_eq!(ask(&harness, "post", &result, &other, done).await.status, 404, "of another device");
    assert_eq!(ask(&harness, "post", &of_other, &other, done).await.status, 404, "not its command");
    assert_eq!(ask(&harness, "get", "/api/devices/site-a.lab/commands", &other, "").await.status, 404);
    assert_eq!(
        ask(&harness, "post", &result, "authorization: Bearer site-a.lab:wrong", done).await.status,
        401
    );
    assert_eq!(ask(&harness, "post", &result, &lab, r#"{"status": "ok"}"#).await.status, 400);
    for _ in 0..2 {
        let recorded = ask(&harness, "post", &result, &lab, done).await;
        assert_eq!((recorded.status, &recorded.json()["state"]), (200, &json!("done")), "{recorded:?}");
    }
    assert_eq!(ask(&harness, "post", &result, &lab, r#"{"status": "failed"}"#).await.status, 409);
    assert_eq!(ask(&harness, "get", "/commands", &lab, "").await.status, 204);
    let shown = ask(&harness, "get", &format!("/api/commands/{id}"), "", "").await.json();
    assert_eq!(shown["result"], json!({ "blinked": 3 }));
}

#[tokio::test]
async fn a_desired_state_has_a_version_that_never_goes_back() {
    let harness = start().await;
    let path = "/api/devices/lab/desired";
    assert_eq!(ask(&harness, "get", path, "", "").await.status, 404);
    let put = send(&harness, "put", path, &json!({ "interval": 10 })).await;
    assert_eq!(
        (put.status, put.header("etag"), &put.json()["version"]),
        (200, Some("\"1\""), &json!(1)),
        "{put:?}"
    );
    let host = format!("host: {}", harness.address);
    let late = [host.as_str(), "content-type: application/json", "if-match: \"0\""];
    assert_eq!(harness.send("PUT", path, &late, "{}").await.status, 412);
    let tag = format!("if-match: {}", ask(&harness, "get", path, "", "").await.header("etag").unwrap());
    let now = [host.as_str(), "content-type: application/json", tag.as_str()];
    assert_eq!(harness.send("PUT", path, &now, r#"{"interval": 5}"#).await.status, 200);
    assert_eq!(ask(&harness, "delete", path, "", "").await.json()["version"], 3);
    assert_eq!(send(&harness, "put", path, &json!({ "interval": 7 })).await.json()["version"], 4);
    let too_large = json!({ "x": "y".repeat(9_000) });
    assert_eq!(send(&harness, "put", path, &too_large).await.status, 413);
    assert_eq!(send(&harness, "put", path, &json!([1])).await.status, 400);

    let lab = credential(&harness, "lab").await;
    let command = ask(&harness, "get", "/commands", &lab, "").await.json();
    assert_eq!(
        command["args"],
        json!({ "version": 4, "state": { "interval": 7 } }),
        "one command, the newest"
    );
    harness.store.report_state("lab", Some(2), r#"{"interval":5}"#, jiff::Timestamp::now()).await.unwrap();
    let twin = ask(&harness, "get", "/api/devices/lab/twin", "", "").await.json();
    assert_eq!((&twin["in_sync"], &twin["differs"]), (&json!(false), &json!(["/interval"])), "{twin}");
    assert_eq!((&twin["version"], &twin["reported_version"]), (&json!(4), &json!(2)));
    harness.store.report_state("lab", Some(4), r#"{"interval":7.0}"#, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(ask(&harness, "get", "/api/devices/lab/twin", "", "").await.json()["in_sync"], true);
}

#[tokio::test]
async fn a_device_has_a_hundred_open_commands_at_most() {
    let harness = start().await;
    for _ in 0..store::MAX_OPEN_COMMANDS {
        command(&harness, &json!({ "device": "lab", "command": "blink" })).await;
    }
    let more = send(&harness, "post", "/api/commands", &json!({ "device": "lab", "command": "blink" })).await;
    assert_eq!(more.status, 409, "{more:?}");
    assert_eq!(send(&harness, "put", "/api/devices/lab/desired", &json!({})).await.status, 409);
}
