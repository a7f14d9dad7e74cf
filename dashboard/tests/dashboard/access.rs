//! Who may ask for what: every route, for every role, with and without filters, by session and by key.

use std::collections::BTreeSet;

use access::{Caller, NewKey, NewUser};
use serde_json::{Value, json};
use store::Role;
use telemetry::Scope;

use crate::answer::Answer;
use crate::harness::{Harness, Wanted};
use crate::watcher::Watcher;

const PASSWORD: &str = "correct horse";

/// What a caller needs for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing.
    Nothing,
    /// To be recognised.
    Recognition,
    /// The role viewer.
    Viewer,
    /// The role viewer, and no filters.
    ViewerOfAll,
    /// The role operator.
    Operator,
    /// The role admin.
    Admin,
    /// The role admin, and no filters.
    AdminOfAll,
    /// To have logged in as a person.
    Session,
    /// The credential of a device, which no person has.
    Device,
}

use Needs::{Admin, AdminOfAll, Device, Nothing, Operator, Recognition, Session, Viewer, ViewerOfAll};

/// Every route, what it needs, and what a caller who may can ask for without changing anything for the next one.
const ROUTES: [(&str, &str, Needs, &str, &str); 88] = [
    ("get", "/api/series", Viewer, "/api/series", ""),
    ("get", "/api/readings", Viewer, "/api/readings", ""),
    ("get", "/api/incidents", Viewer, "/api/incidents", ""),
    ("get", "/api/incidents/groups", Viewer, "/api/incidents/groups", ""),
    ("get", "/api/types", Viewer, "/api/types", ""),
    ("get", "/api/types/{name}", Viewer, "/api/types/sensor-sim", ""),
    ("put", "/api/types/{name}", AdminOfAll, "/api/types/plug", "{}"),
    ("delete", "/api/types/{name}", AdminOfAll, "/api/types/none", ""),
    ("post", "/api/incidents/acknowledgements", Operator, "/api/incidents/acknowledgements", "{}"),
    ("post", "/api/incidents/silences", Operator, "/api/incidents/silences", "{}"),
    ("get", "/api/silences", Viewer, "/api/silences", ""),
    ("post", "/api/silences", Operator, "/api/silences", "{}"),
    ("delete", "/api/silences/{id}", Operator, "/api/silences/unknown", ""),
    ("post", "/api/acknowledgements", Operator, "/api/acknowledgements", "{}"),
    ("get", "/api/rejected", Viewer, "/api/rejected", ""),
    ("delete", "/api/rejected", Operator, "/api/rejected?topic=a/b", ""),
    ("get", "/api/rejected/groups", Viewer, "/api/rejected/groups", ""),
    ("post", "/api/rejected/resend", Operator, "/api/rejected/resend", "{}"),
    ("get", "/api/rejected/{id}", Viewer, "/api/rejected/999", ""),
    ("delete", "/api/rejected/{id}", Operator, "/api/rejected/999", ""),
    ("post", "/api/rejected/{id}/resend", Operator, "/api/rejected/999/resend", "{}"),
    ("get", "/api/completeness", Viewer, "/api/completeness", ""),
    ("get", "/api/edges", Viewer, "/api/edges", ""),
    ("get", "/api/attributes", Viewer, "/api/attributes?device=site-a/lab", ""),
    ("get", "/api/words", Viewer, "/api/words", ""),
    ("get", "/api/broker", Viewer, "/api/broker", ""),
    ("get", "/api/clock", Viewer, "/api/clock", ""),
    ("get", "/api/pipeline", ViewerOfAll, "/api/pipeline", ""),
    ("get", "/api/inputs", ViewerOfAll, "/api/inputs", ""),
    ("post", "/api/inputs/rules", AdminOfAll, "/api/inputs/rules", "{}"),
    ("post", "/api/session", Nothing, "/api/session", "{}"),
    ("delete", "/api/session", Nothing, "/api/session", ""),
    ("get", "/api/session/methods", Nothing, "/api/session/methods", ""),
    ("get", "/api/session/oidc", Nothing, "/api/session/oidc", ""),
    ("get", "/api/session/oidc/callback", Nothing, "/api/session/oidc/callback", ""),
    ("get", "/api/me", Recognition, "/api/me", ""),
    ("post", "/api/password", Session, "/api/password", "{}"),
    ("get", "/api/sessions", Session, "/api/sessions", ""),
    ("delete", "/api/sessions/{id}", Session, "/api/sessions/unknown", ""),
    ("get", "/api/users", AdminOfAll, "/api/users", ""),
    ("post", "/api/users", AdminOfAll, "/api/users", "{}"),
    ("patch", "/api/users/{username}", AdminOfAll, "/api/users/nobody", "{}"),
    ("delete", "/api/users/{username}", AdminOfAll, "/api/users/nobody", ""),
    ("get", "/api/keys", Session, "/api/keys", ""),
    ("post", "/api/keys", Session, "/api/keys", "{}"),
    ("delete", "/api/keys/{id}", Session, "/api/keys/unknown", ""),
    ("get", "/api/devices", Viewer, "/api/devices", ""),
    ("post", "/api/devices", Operator, "/api/devices", r#"{"name": "site-a/lab"}"#),
    ("post", "/api/devices/import", Admin, "/api/devices/import", "[1]"),
    ("get", "/api/devices/{name}", Viewer, "/api/devices/site-a.no", ""),
    ("put", "/api/devices/{name}", Admin, "/api/devices/site-a.no", "{}"),
    ("patch", "/api/devices/{name}", Admin, "/api/devices/site-a.no", "{}"),
    ("delete", "/api/devices/{name}", Admin, "/api/devices/site-a.no", ""),
    ("post", "/api/devices/{name}/rename", Admin, "/api/devices/site-a.no/rename", r#"{"name": "x"}"#),
    ("post", "/api/devices/{name}/merge", Admin, "/api/devices/site-a.no/merge", r#"{"into": "x"}"#),
    ("get", "/api/devices/{name}/credentials", Admin, "/api/devices/site-a.no/credentials", ""),
    ("post", "/api/devices/{name}/credentials", Admin, "/api/devices/site-a.no/credentials", r#"{"x": 1}"#),
    ("delete", "/api/devices/{name}/credentials/{user}", Admin, "/api/devices/site-a.no/credentials/x", ""),
    ("get", "/api/devices/{name}/data", Viewer, "/api/devices/site-a.lab/data", ""),
    ("post", "/api/devices/{name}/data", Operator, "/api/devices/site-a.lab/data", "{}"),
    ("post", "/api/readings", Operator, "/api/readings", "{}"),
    ("post", "/api/readings/{metric}/{name}", Operator, "/api/readings/temperature/site-a.lab", "x"),
    ("post", "/api/inputs/{topic}", Operator, "/api/inputs/temperature/site-a/lab", "x"),
    ("post", "/metric", Operator, "/metric", "{}"),
    ("get", "/sensors", Viewer, "/sensors", ""),
    ("post", "/sensors", Operator, "/sensors", r#"{"x": 1}"#),
    ("get", "/api/analytics/realtime", Viewer, "/api/analytics/realtime", ""),
    ("get", "/api/analytics/historical", Viewer, "/api/analytics/historical", ""),
    ("get", "/api/devices/{name}/analytics", Viewer, "/api/devices/site-a.lab/analytics", ""),
    ("get", "/analyze", Viewer, "/analyze?device_id=site-a/lab", ""),
    ("get", "/api/commands", Viewer, "/api/commands", ""),
    ("post", "/api/commands", Operator, "/api/commands", "{}"),
    ("get", "/api/commands/{id}", Viewer, "/api/commands/unknown", ""),
    ("delete", "/api/commands/{id}", Operator, "/api/commands/unknown", ""),
    ("get", "/api/commands/jobs/{id}", Viewer, "/api/commands/jobs/own", ""),
    ("delete", "/api/commands/jobs/{id}", Operator, "/api/commands/jobs/own", ""),
    ("get", "/api/devices/{name}/commands", Device, "/api/devices/site-a.no/commands", ""),
    (
        "post",
        "/api/devices/{name}/commands/{id}/result",
        Device,
        "/api/devices/site-a.no/commands/x/result",
        r#"{"status": "done"}"#,
    ),
    ("get", "/commands", Device, "/commands", ""),
    ("get", "/api/devices/{name}/desired", Viewer, "/api/devices/site-a.no/desired", ""),
    ("put", "/api/devices/{name}/desired", Operator, "/api/devices/site-a.no/desired", "{}"),
    ("delete", "/api/devices/{name}/desired", Operator, "/api/devices/site-a.no/desired", ""),
    ("get", "/api/devices/{name}/twin", Viewer, "/api/devices/site-a.no/twin", ""),
    ("post", "/api/token", Recognition, "/api/token", ""),
    ("get", "/api/jwks.json", Nothing, "/api/jwks.json", ""),
    ("get", "/api/audit", AdminOfAll, "/api/audit", ""),
    ("get", "/api/access", Viewer, "/api/access?action=read", ""),
    ("get", "/api/openapi.json", Nothing, "/api/openapi.json", ""),
];

/// Routes beside the API, which programs that look after Millrace ask without a login.
const OPEN: [&str; 5] = ["/livez", "/readyz", "/metrics", "/api/health", "/api/metrics"];

/// What the matrix must say to a caller.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Unrecognized,
    Refused,
    NotThere,
    /// Anything but a refusal: what the body of the test asks for may still be wrong.
    Allowed,
}

fn expected(needs: Needs, role: Option<Role>, is_scoped: bool, is_person: bool) -> Expected {
    if needs == Device {
        return Expected::Unrecognized;
    }
    let Some(role) = role else {
        return if needs == Nothing { Expected::Allowed } else { Expected::Unrecognized };
    };
    let least = match needs {
        Operator => Role::Operator,
        Admin | AdminOfAll => Role::Admin,
        _ => Role::Viewer,
    };
    let is_of_all = matches!(needs, ViewerOfAll | AdminOfAll);
    match () {
        () if needs == Session && !is_person => Expected::Refused,
        () if role < least => Expected::Refused,
        () if is_of_all && is_scoped => Expected::NotThere,
        () => Expected::Allowed,
    }
}

fn said(answer: &Answer) -> Expected {
    match answer.status {
        401 => Expected::Unrecognized,
        403 => Expected::Refused,
        404 if answer.body.contains("outside your filters") => Expected::NotThere,
        _ => Expected::Allowed,
    }
}

pub(crate) async fn add(harness: &Harness, username: &str, role: Role, filters: &[&str]) {
    let scope = Scope::read(filters.iter().copied()).unwrap();
    let (username, password) = (username.to_owned(), PASSWORD.to_owned());
    let new = NewUser { username, email: None, password, role, scope };
    harness.access.add_user(&Caller::command(), new).await.unwrap();
}

async fn key(harness: &Harness, owner: &str) -> String {
    let owned = harness.access.user(owner).await.unwrap();
    let new = NewKey { name: "test".into(), role: owned.role, scope: owned.scope, days: 1 };
    harness.access.add_key(&Caller::command(), owner, new).await.unwrap().1
}

async fn log_in(harness: &Harness, username: &str, password: &str) -> Answer {
    let body = json!({ "username": username, "password": password });
    harness.post("/api/session", &body.to_string()).await
}

/// The header that a browser sends after a login.
pub(crate) async fn session(harness: &Harness, username: &str) -> String {
    let answer = log_in(harness, username, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    cookie(&answer)
}

fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap();
    format!("cookie: {}", set.split(';').next().unwrap())
}

pub(crate) async fn ask(harness: &Harness, method: &str, path: &str, credential: &str, body: &str) -> Answer {
    let host = format!("host: {}", harness.address);
    let mut headers = vec![host.as_str()];
    headers.extend((!credential.is_empty()).then_some(credential));
    headers.extend((!body.is_empty()).then_some("content-type: application/json"));
    harness.send(&method.to_uppercase(), path, &headers, body).await
}

#[test]
fn every_route_of_the_document_has_a_rule() {
    let document: Value = serde_json::from_str(api::OPENAPI).unwrap();
    let mut written = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().keys().filter(|method| *method != "parameters");
        written.extend(methods.map(|method| (method.clone(), path.clone())));
    }
    written.retain(|(_, path)| !OPEN.contains(&path.as_str()));
    let ruled = ROUTES.map(|(method, path, ..)| (method.to_owned(), path.to_owned()));
    assert_eq!(written, ruled.into(), "a route without a rule, or a rule without a route");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_caller_gets_what_the_rules_say() {
    let harness = Harness::start(Wanted::default()).await;
    add(&harness, "root", Role::Admin, &[]).await;
    let mut callers = vec![("nobody".to_owned(), None, false, false, String::new())];
    callers.push(("a wrong key".into(), None, false, false, "authorization: Bearer mk_a_b".into()));
    callers.push(("a wrong cookie".into(), None, false, false, "cookie: millrace=abc".into()));
    for role in [Role::Viewer, Role::Operator, Role::Admin] {
        for filters in [&[][..], &["site-a/#"]] {
            let name = format!("{role:?}{}", filters.len());
            add(&harness, &name, role, filters).await;
            let (cookie, key) = (session(&harness, &name).await, key(&harness, &name).await);
            let is_scoped = !filters.is_empty();
            let token = ask(&harness, "post", "/api/token", &cookie, "").await.json();
            let token = format!("authorization: Bearer {}", token["token"].as_str().unwrap());
            callers.push((format!("{name} by token"), Some(role), is_scoped, false, token));
            callers.push((format!("{name} by session"), Some(role), is_scoped, true, cookie));
            callers.push((
                format!("{name} by key"),
                Some(role),
                is_scoped,
                false,
                format!("authorization: Bearer {key}"),
            ));
        }
    }
    for (method, path, needs, url, body) in ROUTES {
        for (name, role, is_scoped, is_person, credential) in &callers {
            let ends_session = (method, path) == ("delete", "/api/session") && *is_person;
            // A token gets no other token.
            let renews = path == "/api/token" && name.ends_with("token");
            if ends_session || renews {
                continue;
            }
            let answer = ask(&harness, method, url, credential, body).await;
            // A login without a name is wrong for everyone.
            let expected = expected(needs, *role, *is_scoped, *is_person);
            assert_eq!(said(&answer), expected, "{method} {path} of {name}: {answer:?}");
        }
    }
    for path in OPEN.into_iter().chain(["/"]) {
        let answer = ask(&harness, "get", path, "", "").await;
        assert!(![401, 403, 404].contains(&answer.status), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn what_is_outside_the_filters_is_nowhere() {
    let harness = Harness::start(Wanted::default()).await;
    for site in ["site-a", "site-b"] {
        harness.keep(&format!("temperature/{site}/lab"), 21.0).await;
        harness.open(testkit::samples::incident(site, &format!("{site}/lab"), 5)).await;
    }
    harness.reject("no number").await;
    harness.until_series(2).await;
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "ben", Role::Operator, &["site-a/#"]).await;
    let (root, ben) = (session(&harness, "root").await, session(&harness, "ben").await);
    for (path, everything) in [
        ("/api/series", true),
        ("/api/readings", true),
        ("/api/readings?format=csv", true),
        ("/api/incidents", true),
        ("/api/incidents/groups?by=site", true),
        ("/api/rejected", false),
        ("/api/rejected/groups", false),
    ] {
        let (all, some) =
            (ask(&harness, "get", path, &root, "").await, ask(&harness, "get", path, &ben, "").await);
        assert_eq!((all.status, some.status), (200, 200), "{path}");
        assert!(some.body.contains("site-a") == everything, "{path}: {some:?}");
        assert!(!some.body.contains("site-b") && !some.body.contains("temperature/lab"), "{path}: {some:?}");
        assert!(all.body.contains("site-b") || all.body.contains("temperature/lab"), "{path}: {all:?}");
    }
    for (method, path, body) in [
        ("get", "/api/readings?device=site-b/lab", String::new()),
        ("get", "/api/readings?device=site-b/lab&metric=temperature&points=5", String::new()),
        ("get", "/api/completeness?device=site-b/lab", String::new()),
        ("get", "/api/attributes?device=site-b/lab", String::new()),
        ("get", "/api/rejected/1", String::new()),
        ("delete", "/api/rejected/1", String::new()),
        ("delete", "/api/rejected", String::new()),
        ("delete", "/api/rejected?topic=temperature/lab", String::new()),
        (
            "post",
            "/api/rejected/1/resend",
            json!({ "topic": "temperature/site-a/lab", "payload": "1" }).to_string(),
        ),
        ("post", "/api/rejected/resend", json!({ "topic": "temperature/lab" }).to_string()),
        ("post", "/api/acknowledgements", json!({ "incident": "site-b" }).to_string()),
        (
            "post",
            "/api/incidents/silences",
            json!({ "incidents": ["site-b"], "for": "1h", "reason": "x" }).to_string(),
        ),
        ("post", "/api/silences", json!({ "device": "#", "for": "1h", "reason": "x" }).to_string()),
        ("post", "/api/silences", json!({ "device": "site-b/#", "for": "1h", "reason": "x" }).to_string()),
    ] {
        let answer = ask(&harness, method, path, &ben, &body).await;
        assert_eq!(answer.status, 404, "{method} {path} {body}: {answer:?}");
    }
    let both = json!({ "incidents": ["site-a", "site-b"] }).to_string();
    let answer = ask(&harness, "post", "/api/incidents/acknowledgements", &ben, &both).await;
    assert_eq!(answer.json()["acknowledged"], 1, "{answer:?}");
    let silence = json!({ "device": "site-b/#", "for": "1h", "reason": "x", "by": "root" }).to_string();
    let silence = ask(&harness, "post", "/api/silences", &root, &silence).await.json();
    let path = format!("/api/silences/{}", silence["id"].as_str().unwrap());
    assert_eq!(ask(&harness, "delete", &path, &ben, "").await.status, 404);
    assert_eq!(ask(&harness, "get", "/api/silences", &ben, "").await.json()["silences"], json!([]));
}

#[tokio::test]
async fn what_is_resent_is_of_devices_that_the_caller_sees() {
    let harness = Harness::start(Wanted::default()).await;
    harness.reject("no number").await;
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "ben", Role::Operator, &["site-a/#", "lab"]).await;
    let (root, ben) = (session(&harness, "root").await, session(&harness, "ben").await);
    let id = ask(&harness, "get", "/api/rejected", &ben, "").await.json()["rejected"][0]["id"].clone();
    let path = format!("/api/rejected/{}/resend", id.as_str().unwrap());
    let body = json!({ "topic": "telegraf/site-a/x", "payload": "env,device=site-b/lab temperature=21" })
        .to_string();
    let refused = ask(&harness, "post", &path, &ben, &body).await;
    assert_eq!(refused.status, 404, "the payload is of site-b: {refused:?}");
    let resent = ask(&harness, "post", &path, &root, &body).await;
    assert_eq!(resent.status, 200, "{resent:?}");
}

#[tokio::test]
async fn a_page_shows_only_what_its_viewer_may_see_and_closes_at_logout() {
    let harness = Harness::start(Wanted::default()).await;
    for site in ["site-a", "site-b"] {
        harness.publish(&format!("temperature/{site}/lab"), "21");
        harness.open(testkit::samples::incident(site, &format!("{site}/lab"), 5)).await;
    }
    harness.reject("no number").await;
    harness.until_ready().await;
    let mut before = harness.watch().await;
    before.until(|page| page.devices.len() == 2).await;
    add(&harness, "root", Role::Admin, &[]).await;
    assert_eq!(before.end().await.unwrap().0, 4401, "who watched before the first user has to log in");
    let mut stranger = harness.watch().await;
    assert_eq!(stranger.end().await.unwrap().0, 4401);

    add(&harness, "ben", Role::Viewer, &["site-a/#"]).await;
    let ben = session(&harness, "ben").await;
    let header = [("cookie", ben.trim_start_matches("cookie: "))];
    let mut page = Watcher::open(harness.address, &header).await.unwrap();
    page.until(|page| page.counts.get("open_alerts") == Some(&json!(1))).await;
    assert_eq!(page.devices.keys().collect::<Vec<_>>(), ["temperature/site-a/lab"]);
    assert_eq!(page.counts["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(page.counts["rejected"], 0, "it is of a device that ben does not see");
    page.say(r##"{"topics":["#"]}"##).await;
    harness.publish("temperature/site-b/lab", "22");
    harness.publish("temperature/site-a/lab", "23");
    page.until(|page| page.value("temperature/site-a/lab") == Some(23.0)).await;
    assert_eq!(page.devices.len(), 1, "another subscription shows no more");
    assert_eq!(ask(&harness, "delete", "/api/session", &ben, "").await.status, 204);
    assert_eq!(page.end().await.unwrap().0, 4401);
}

#[tokio::test]
async fn who_asks_too_often_has_to_wait_and_nobody_else() {
    let limits = api::Limits { requests_per_second: 2, ..api::Limits::default() };
    let harness = Harness::start(Wanted { limits, ..Wanted::default() }).await;
    harness.until_ready().await;
    for _ in 0..30 {
        assert_eq!(
            ask(&harness, "get", "/api/series", "", "").await.status,
            200,
            "everything here is one's own"
        );
    }
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "ben", Role::Viewer, &[]).await;
    let keys = [key(&harness, "root").await, key(&harness, "ben").await];
    let [root, ben] = keys.map(|key| format!("authorization: Bearer {key}"));
    let first = ask(&harness, "get", "/api/series", &root, "").await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"requests\";q=10;w=5"));
    assert_eq!(first.header("ratelimit"), Some("\"requests\";r=9;t=1"));
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(ask(&harness, "get", "/api/series", &root, "").await);
    }
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() >= 5, "{}", refused.len());
    assert_eq!(refused[0].header("retry-after"), Some("1"));
    assert!(refused[0].error().contains("http.requests_per_second"), "{refused:?}");
    assert_eq!(ask(&harness, "get", "/api/series", &ben, "").await.status, 200);
    assert_eq!(ask(&harness, "get", "/readyz", "", "").await.header("ratelimit"), None);
}

#[tokio::test]
async fn logging_in_sets_a_cookie_that_only_this_page_can_use() {
    let harness = Harness::start(Wanted::default()).await;
    let me = ask(&harness, "get", "/api/me", "", "").await.json();
    assert_eq!((&me["open"], &me["role"], &me["username"]), (&json!(true), &json!("admin"), &Value::Null));
    assert_eq!(log_in(&harness, "ann", PASSWORD).await.status, 409);
    let first =
        json!({ "username": "ann", "password": PASSWORD, "role": "admin", "email": "ann@example.org" });
    let added = ask(&harness, "post", "/api/users", "", &first.to_string()).await;
    assert_eq!(added.status, 201, "{added:?}");
    assert!(!added.body.contains("password"), "{added:?}");
    assert_eq!(ask(&harness, "get", "/api/me", "", "").await.status, 401);
    let wrong = log_in(&harness, "ann", "wrong").await;
    let unknown = log_in(&harness, "nobody", "wrong").await;
    assert_eq!((wrong.status, &wrong.body), (401, &unknown.body));
    let ann = session(&harness, "ann").await;
    let me = ask(&harness, "get", "/api/me", &ann, "").await.json();
    assert_eq!((&me["username"], &me["via"], &me["open"]), (&json!("ann"), &json!("session"), &json!(false)));

    // Another site can make a browser send the cookie, and gets nowhere.
    let host = format!("host: {}", harness.address);
    let json = "content-type: application/json";
    let body = json!({ "device": "lab", "for": "1h", "reason": "x", "by": "eve" }).to_string();
    let foreign = harness
        .send("POST", "/api/silences", &[&host, &ann, json, "origin: https://evil.example"], &body)
        .await;
    assert_eq!(foreign.status, 403);
    let form = harness.send("POST", "/api/silences", &[&host, &ann, "content-type: text/plain"], &body).await;
    assert_eq!(form.status, 415);
    let own = ask(&harness, "post", "/api/silences", &ann, &body).await;
    assert_eq!((own.status, &own.json()["by"]), (201, &json!("ann")), "the name is that of the caller");

    // Over TLS the cookie is one that no other host can set.
    let login = json!({ "username": "ann", "password": PASSWORD }).to_string();
    let over_tls = [json, "host: millrace.example.org", "origin: https://millrace.example.org"];
    let answer = harness.send("POST", "/api/session", &over_tls, &login).await;
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__host-millrace=") && set.contains("; httponly; samesite=lax;"), "{set}");
    assert!(set.ends_with("; secure") && set.contains("; path=/;") && !set.contains("domain"), "{set}");
    let token = cookie(&answer).replace("__host", "__Host");
    let tls = harness.send("GET", "/api/me", &["host: millrace.example.org", &token], "").await;
    assert_eq!(tls.status, 200, "{tls:?}");
    let planted = token.replace("__Host-", "");
    assert_eq!(
        harness.send("GET", "/api/me", &["host: millrace.example.org", &planted], "").await.status,
        401
    );

    // A program gets a token by name and password, and it cannot be renewed by itself.
    let token = ask(&harness, "post", "/api/token", "", &login).await.json();
    let token = format!("authorization: Bearer {}", token["token"].as_str().unwrap());
    let me = ask(&harness, "get", "/api/me", &token, "").await.json();
    assert_eq!((&me["username"], &me["via"]), (&json!("ann"), &json!("token")));
    assert_eq!(ask(&harness, "post", "/api/token", &token, "").await.status, 403);
    let wrong = json!({ "username": "ann", "password": "wrong" }).to_string();
    assert_eq!(ask(&harness, "post", "/api/token", "", &wrong).await.status, 401);
    let keys = ask(&harness, "get", "/api/jwks.json", "", "").await.json();
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");

    // What a body must not have is refused, and not ignored.
    let sneaky = json!({ "role": "viewer", "username": "root", "password_hash": "x" }).to_string();
    assert_eq!(ask(&harness, "patch", "/api/users/ann", &ann, &sneaky).await.status, 400);
    let audit = ask(&harness, "get", "/api/audit", &ann, "").await.json();
    let actions: Vec<_> =
        audit["audit"].as_array().unwrap().iter().map(|record| record["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["make token", "log in", "add silence", "log in", "log in", "add user"]);
}
