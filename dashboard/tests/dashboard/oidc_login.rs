//! Logging in at an identity provider, and the tokens that it issues.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, NewUser};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use serde_json::{Value, json};
use service::Settings;
use store::Role;
use telemetry::Scope;

use crate::answer::Answer;
use crate::harness::{Harness, Wanted};
use crate::provider::{Key, Provider, unsigned};

const PASSWORD: &str = "correct horse";

struct World {
    provider: Provider,
    harness: Harness,
}

/// A browser that was sent to the provider.
struct Away {
    /// What it brings back.
    cookie: String,
    /// What it was sent with.
    query: HashMap<String, String>,
}

fn settings(issuer: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let lines = [
        "[access.oidc]",
        &format!("issuer = '{issuer}'"),
        "name = 'Example <ID>'",
        "client_id = 'millrace'",
        "roles = ['iot-admins=admin', 'staff=viewer']",
        "filters = ['iot-admins=#', 'site-a=site-a/#']",
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    Settings::load(Some(&file)).unwrap()
}

impl World {
    async fn start() -> Self {
        let provider = Provider::start(vec![Key::ed25519("first"), Key::p256("second")]).await;
        let harness = Self::harness(&provider.issuer).await;
        Self { provider, harness }
    }

    async fn harness(issuer: &str) -> Harness {
        let config = oidc::Config::from_settings(&settings(issuer)).unwrap().unwrap();
        let clock = Arc::new(telemetry::SystemClock::default());
        let oidc = oidc::Oidc::new(config, Wanted::default().public_url, clock).unwrap();
        let harness = Harness::start(Wanted { oidc: Some(oidc), ..Wanted::default() }).await;
        let (username, password) = ("root".to_owned(), PASSWORD.to_owned());
        let new = NewUser { username, email: None, password, role: Role::Admin, scope: Scope::all() };
        harness.access.add_user(&Caller::command(), new).await.unwrap();
        harness
    }

    async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        let all: Vec<_> = ["host: millrace.example.org"].iter().chain(headers).copied().collect();
        self.harness.send("GET", path, &all, "").await
    }

    async fn leave(&self, path: &str) -> Away {
        let answer = self.get(path, &[]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let [set] = answer.exact_headers("set-cookie")[..] else { panic!("{answer:?}") };
        assert!(set.starts_with("__Host-millrace-login="), "{set}");
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure"), "{set}");
        let [location] = answer.exact_headers("location")[..] else { panic!("{answer:?}") };
        let (to, query) = location.split_once('?').unwrap();
        assert_eq!(to, format!("{}/auth", self.provider.issuer));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Away {
            cookie: format!("cookie: {}", set.split(';').next().unwrap()),
            query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    /// The claims of an ID token that is right for this login.
    fn claims(&self, away: &Away, groups: impl Into<Value>) -> Value {
        let groups: Value = groups.into();
        let now = Timestamp::now().as_second();
        json!({
            "iss": self.provider.issuer, "aud": "millrace", "sub": "17", "iat": now, "exp": now + 300,
            "nonce": away.query["nonce"], "preferred_username": "cat", "groups": groups,
        })
    }

    /// The provider gives this ID token for the code, and the browser is back.
    async fn come_back(&self, away: &Away, id_token: String) -> Answer {
        self.provider.answer(&away.query["code_challenge"], id_token, json!({ "sub": "17" }));
        self.back(away, &format!("code=right&state={}", away.query["state"]), &[]).await
    }

    async fn back(&self, away: &Away, query: &str, headers: &[&str]) -> Answer {
        let headers: Vec<_> = [&*away.cookie].iter().chain(headers).copied().collect();
        let answer = self.get(&format!("/api/session/oidc/callback?{query}"), &headers).await;
        let forgets = answer
            .exact_headers("set-cookie")
            .last()
            .is_some_and(|set| set.starts_with("__Host-millrace-login=;") && set.contains("Max-Age=0"));
        assert!(forgets, "the attempt is over: {answer:?}");
        answer
    }

    /// Logs in with these groups.
    async fn log_in(&self, groups: Value) -> Answer {
        let away = self.leave("/api/session/oidc").await;
        let id_token = self.provider.sign(0, &self.claims(&away, groups));
        self.come_back(&away, id_token).await
    }

    async fn me(&self, header: &str) -> Answer {
        self.get("/api/me", &[header]).await
    }

    /// Who a token is of.
    async fn bearer(&self, token: &str) -> Answer {
        self.me(&format!("authorization: Bearer {token}")).await
    }
}

/// The same login, begun so many seconds earlier.
fn begun_before(away: &Away, seconds: i64) -> Away {
    let (name, value) = away.cookie.split_once("login=").unwrap();
    let mut attempt: Value = serde_json::from_slice(&BASE64URL.decode(value).unwrap()).unwrap();
    attempt["begun_at"] = json!(attempt["begun_at"].as_i64().unwrap() - seconds);
    let cookie = format!("{name}login={}", BASE64URL.encode(attempt.to_string()));
    Away { cookie, query: away.query.clone() }
}

fn session(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookies = answer.exact_headers("set-cookie");
    let session = cookies.iter().find(|set| set.starts_with("__Host-millrace=")).unwrap();
    format!("cookie: {}", session.split(';').next().unwrap())
}

#[tokio::test]
async fn a_person_logs_in_at_the_identity_provider_and_returns_to_the_page() {
    let world = World::start().await;
    let methods = world.get("/api/session/methods", &[]).await.json();
    let url = "https://millrace.example.org/api/session/oidc";
    assert_eq!(methods, json!({ "password": true, "oidc": { "name": "Example <ID>", "url": url } }));
    let away = world.leave("/api/session/oidc?return_to=%2F%23users").await;
    for (name, expected) in [
        ("response_type", "code"),
        ("client_id", "millrace"),
        ("code_challenge_method", "S256"),
        ("scope", "openid+profile+email"),
        ("redirect_uri", "https%3A%2F%2Fmillrace.example.org%2Fapi%2Fsession%2Foidc%2Fcallback"),
    ] {
        assert_eq!(away.query[name], expected, "{:?}", away.query);
    }
    let id_token = world.provider.sign(1, &world.claims(&away, json!(["iot-admins", "other"])));
    let back = world.come_back(&away, id_token).await;
    assert_eq!(back.exact_headers("location"), ["https://millrace.example.org/#users"]);
    assert_eq!(back.header("referrer-policy"), Some("no-referrer"));
    let me = world.me(&session(&back)).await.json();
    assert_eq!(
        (&me["username"], &me["role"], &me["via"]),
        (&json!("cat"), &json!("admin"), &json!("session"))
    );
    let users = world.get("/api/users", &[&session(&back)]).await.json();
    assert_eq!(
        (&users["users"][0]["username"], &users["users"][0]["external"]),
        (&json!("cat"), &json!(true))
    );
    assert_eq!(users["users"][1]["external"], json!(false));
    // There is no password here to change: the page offers what `actions` has.
    assert!(!me["actions"].as_array().unwrap().contains(&json!("password")), "{me}");
    let new = json!({ "old_password": "", "password": "correct horse battery" });
    let own = session(&back);
    let headers = ["host: millrace.example.org", "content-type: application/json", &own];
    let refused = world.harness.send("POST", "/api/password", &headers, &new.to_string()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.json()["error"].as_str().unwrap().contains("have no password here"), "{refused:?}");

    // What the provider says now counts, and not what it said before.
    let less = world.log_in(json!(["staff", "site-a"])).await;
    let me = world.me(&session(&less)).await.json();
    assert_eq!((&me["role"], &me["filters"]), (&json!("viewer"), &json!(["site-a/#"])));
    assert_eq!(world.me(&session(&back)).await.status, 401);
}

#[tokio::test]
async fn groups_that_are_in_the_user_info_alone_count() {
    let world = World::start().await;
    let away = world.leave("/api/session/oidc").await;
    let mut claims = world.claims(&away, Value::Null);
    claims.as_object_mut().unwrap().retain(|name, _| name != "groups");
    let info = json!({ "sub": "17", "groups": ["iot-admins"], "preferred_username": "eve" });
    let id_token = world.provider.sign(0, &claims);
    world.provider.answer(&away.query["code_challenge"], id_token.clone(), info);
    let query = format!("code=right&state={}&session_state=x", away.query["state"]);
    let me = world.me(&session(&world.back(&away, &query, &[]).await)).await.json();
    assert_eq!((&me["username"], &me["role"]), (&json!("cat"), &json!("admin")), "the ID token comes first");

    let away = world.leave("/api/session/oidc").await;
    claims["nonce"] = json!(away.query["nonce"]);
    let info = json!({ "sub": "18", "groups": ["iot-admins"] });
    world.provider.answer(&away.query["code_challenge"], world.provider.sign(0, &claims), info);
    let query = format!("code=right&state={}", away.query["state"]);
    let refused = world.back(&away, &query, &[]).await;
    assert_eq!((refused.status, refused.error().contains("somebody else")), (403, true), "{refused:?}");
}

#[tokio::test]
async fn who_gets_no_role_is_told_what_the_claim_holds() {
    let world = World::start().await;
    let refused = world.log_in(json!(["guests", "<b>"])).await;
    assert_eq!(refused.status, 403);
    let said = refused.error();
    assert!(said.contains(r#"the claim groups holds ["guests","<b>"]"#), "{said}");
    assert!(said.contains("access.oidc.roles"), "{said}");
    let refused = world.log_in(json!(["staff"])).await;
    assert!(refused.error().contains("access.oidc.filters"), "{refused:?}");
    assert!(world.harness.access.user("cat").await.is_err(), "nobody was added");

    // A person reads a page, in which nothing of the provider's is run.
    let away = world.leave("/api/session/oidc").await;
    let id_token = world.provider.sign(0, &world.claims(&away, json!(["<script>"])));
    world.provider.answer(&away.query["code_challenge"], id_token, Value::Null);
    let query = format!("code=right&state={}", away.query["state"]);
    let page = world.back(&away, &query, &["accept: text/html,*/*"]).await;
    assert_eq!((page.status, page.header("content-type")), (403, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script"), "{page:?}");
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{page:?}");
    let root = session_of_root(&world).await;
    let records = world.get("/api/audit?outcome=refused", &[&root]).await.json();
    let record = &records["audit"][0];
    assert_eq!(
        (&record["action"], &record["target"]),
        (&json!("log in"), &json!("a user of the identity provider"))
    );
}

#[tokio::test]
async fn a_login_is_completed_once_by_the_browser_that_began_it() {
    let world = World::start().await;
    let away = world.leave("/api/session/oidc").await;
    let other = world.leave("/api/session/oidc").await;
    let id_token = world.provider.sign(0, &world.claims(&away, json!(["iot-admins"])));
    world.provider.answer(&away.query["code_challenge"], id_token, Value::Null);
    let state = &away.query["state"];
    let right = format!("code=right&state={state}");
    let nobody = Away { cookie: "cookie: a=b".into(), query: HashMap::new() };
    let forged = Away { cookie: away.cookie.replace("login=e", "login=f"), query: HashMap::new() };
    for (browser, query) in [
        (&other, right.as_str()),
        (&nobody, &right),
        (&forged, &right),
        (&away, "code=right"),
        (&away, "code=right&state=other"),
        (&away, &format!("state={state}")),
        (&away, &format!("{right}&iss=https%3A%2F%2Fevil.example")),
    ] {
        let refused = world.back(browser, query, &[]).await;
        assert_eq!(refused.status, 400, "{query}: {refused:?}");
        assert!(refused.error().contains("was not begun in this browser, or is over"), "{refused:?}");
    }
    let old = world.back(&begun_before(&away, 601), &right, &[]).await;
    assert_eq!(old.status, 400, "it is over: {old:?}");
    session(&world.back(&away, &right, &[]).await);
    let replayed = world.back(&away, &right, &[]).await;
    assert_eq!(replayed.status, 400, "the provider would give the tokens once more: {replayed:?}");

    let denied = format!("error=access_denied&error_description=No%20%3Cb%3E&state={}", other.query["state"]);
    let denied = world.back(&other, &denied, &[]).await;
    assert_eq!((denied.status, denied.error().contains("access_denied: No <b>")), (403, true), "{denied:?}");
    let wrong = world.leave("/api/session/oidc").await;
    let wrong = world.back(&wrong, &format!("code=wrong&state={}", wrong.query["state"]), &[]).await;
    assert_eq!((wrong.status, wrong.error().contains("invalid_grant")), (403, true), "{wrong:?}");
}

#[tokio::test]
async fn an_id_token_that_is_not_right_logs_nobody_in() {
    let world = World::start().await;
    let now = Timestamp::now().as_second();
    let changes: [(&str, Value); 7] = [
        ("nonce", json!("other")),
        ("nonce", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["millrace", "other"])),
        ("iss", json!("https://evil.example")),
        ("exp", json!(now - 1)),
        ("azp", json!("other")),
    ];
    for (claim, value) in changes {
        let away = world.leave("/api/session/oidc").await;
        let mut claims = world.claims(&away, json!(["iot-admins"]));
        claims[claim] = value.clone();
        let refused = world.come_back(&away, world.provider.sign(0, &claims)).await;
        assert_eq!(refused.status, 403, "{claim} {value}: {refused:?}");
        assert!(refused.error().contains("cannot be trusted"), "{claim} {value}: {refused:?}");
    }
    type Forge = fn(&Provider, &Value) -> String;
    let forgeries: [Forge; 5] = [
        |_, claims| Key::ed25519("first").token(claims),
        |_, claims| format!("{}.", unsigned(&json!({ "alg": "none" }), claims)),
        |provider, claims| provider.with_key(0, |key| key.confused(claims)),
        |provider, claims| provider.with_key(1, |key| key.confused(claims)),
        |provider, claims| {
            provider.with_key(1, |key| key.token_with(&json!({ "alg": "ES256", "kid": "first" }), claims))
        },
    ];
    for forge in forgeries {
        let away = world.leave("/api/session/oidc").await;
        let claims = world.claims(&away, json!(["iot-admins"]));
        let refused = world.come_back(&away, forge(&world.provider, &claims)).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    assert!(world.harness.access.user("cat").await.is_err());
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_after_a_login() {
    let world = World::start().await;
    for path in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example", "%40evil.example"]
    {
        let away = world.leave(&format!("/api/session/oidc?return_to={path}")).await;
        let id_token = world.provider.sign(0, &world.claims(&away, json!("iot-admins")));
        let back = world.come_back(&away, id_token).await;
        assert_eq!(back.exact_headers("location"), ["https://millrace.example.org/"], "{path}");
    }
    let unknown = world.get("/api/session/oidc?next=/", &[]).await;
    assert_eq!(unknown.status, 400, "{unknown:?}");
    let posted = world.harness.send("POST", "/api/session/oidc/callback", &["host: localhost"], "").await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn while_the_provider_is_away_users_with_a_password_log_in() {
    // A port on which nobody listens.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let harness = World::harness(&format!("http://{free}")).await;
    let begun = harness.send("GET", "/api/session/oidc", &["host: localhost"], "").await;
    assert_eq!(begun.status, 503);
    assert!(begun.error().contains("Users with a password can log in"), "{begun:?}");
    let login = json!({ "username": "root", "password": PASSWORD }).to_string();
    assert_eq!(harness.post("/api/session", &login).await.status, 200);
}

#[tokio::test]
async fn a_user_with_a_password_is_not_taken_over() {
    let world = World::start().await;
    let away = world.leave("/api/session/oidc").await;
    let mut claims = world.claims(&away, json!("iot-admins"));
    claims["preferred_username"] = json!("root");
    let refused = world.come_back(&away, world.provider.sign(0, &claims)).await;
    assert_eq!(refused.status, 409);
    assert!(refused.error().contains("there is a user root already"), "{refused:?}");
    session(&world.log_in(json!("iot-admins")).await);
    let login = json!({ "username": "cat", "password": "" }).to_string();
    assert_eq!(world.harness.post("/api/session", &login).await.status, 401, "cat has no password");
}

#[tokio::test]
async fn a_token_of_the_issuer_is_accepted_and_no_other() {
    let world = World::start().await;
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": world.provider.issuer, "aud": ["millrace", "other"], "sub": "svc", "iat": now, "exp": now + 300,
        "nbf": now, "groups": ["staff", "site-a"],
    });
    for number in [0, 1] {
        let me = world.bearer(&world.provider.sign(number, &claims)).await;
        assert_eq!(me.status, 200, "{me:?}");
        let me = me.json();
        assert_eq!(
            (&me["username"], &me["role"], &me["via"]),
            (&json!("oidc:svc"), &json!("viewer"), &json!("oidc"))
        );
        assert_eq!(me["filters"], json!(["site-a/#"]));
    }
    let access = world.provider.with_key(0, |key| {
        key.token_with(&json!({ "alg": "EdDSA", "kid": "first", "typ": "at+jwt" }), &claims)
    });
    assert_eq!(world.bearer(&access).await.status, 200);
    for (claim, value) in [
        ("aud", json!("other")),
        ("aud", json!([])),
        ("iss", json!("https://evil.example")),
        ("iss", json!("millrace")),
        ("exp", json!(now - 1)),
        ("exp", Value::Null),
        ("nbf", json!(now + 3_600)),
        ("nbf", json!("soon")),
        ("groups", json!(["guests"])),
        ("groups", json!(["staff"])),
        ("sub", Value::Null),
        ("preferred_username", json!("a b")),
    ] {
        let mut wrong = claims.clone();
        wrong[claim] = value.clone();
        let refused = world.bearer(&world.provider.sign(0, &wrong)).await;
        assert_eq!(refused.status, 401, "{claim} {value}: {refused:?}");
    }
    let ours = token_of_ours(&world).await;
    let [_, body, signature] = ours.split('.').collect::<Vec<_>>()[..] else { panic!("{ours}") };
    for forged in [
        Key::ed25519("first").token(&claims),
        format!("{}.", unsigned(&json!({ "alg": "none" }), &claims)),
        format!("{}.", unsigned(&json!({ "alg": "EdDSA", "kid": "first" }), &claims)),
        world.provider.with_key(0, |key| key.confused(&claims)),
        world.provider.with_key(1, |key| key.confused(&claims)),
        world.provider.with_key(0, |key| {
            key.token_with(&json!({ "alg": "EdDSA", "kid": "first", "typ": "logout+jwt" }), &claims)
        }),
        // What the issuer signs is no token of ours, and what we sign none of the issuer's.
        world.provider.with_key(0, |key| {
            let ours = json!({
                "iss": "millrace", "aud": "millrace", "sub": "root", "iat": now, "exp": now + 300, "jti": "x",
                "role": "admin", "filters": [],
            });
            key.token(&ours)
        }),
        format!("{}.{signature}", unsigned(&json!({ "alg": "EdDSA", "kid": "first" }), &claims)),
        format!("e30.{body}.{signature}"),
    ] {
        let refused = world.bearer(&forged).await;
        assert_eq!(refused.status, 401, "{forged}: {refused:?}");
    }
    assert_eq!(world.bearer(&ours).await.status, 200);
    assert_eq!(token_for(&world, &access).await.status, 403, "it gets no other token");
}

/// By the password.
async fn session_of_root(world: &World) -> String {
    let login = json!({ "username": "root", "password": PASSWORD }).to_string();
    let headers = ["host: millrace.example.org", "content-type: application/json"];
    let answer = world.harness.send("POST", "/api/session", &headers, &login).await;
    let [set] = answer.exact_headers("set-cookie")[..] else { panic!("{answer:?}") };
    format!("cookie: {}", set.split(';').next().unwrap())
}

async fn token_of_ours(world: &World) -> String {
    let login = json!({ "username": "root", "password": PASSWORD }).to_string();
    let answer = world.harness.post("/api/token", &login).await.json();
    answer["token"].as_str().unwrap().to_owned()
}

async fn token_for(world: &World, token: &str) -> Answer {
    let bearer = format!("authorization: Bearer {token}");
    world.harness.send("POST", "/api/token", &["host: localhost", &bearer], "").await
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_asked_for_once_a_minute() {
    let world = World::start().await;
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": world.provider.issuer, "aud": "millrace", "sub": "svc", "iat": now, "exp": now + 300,
        "groups": "iot-admins",
    });
    assert_eq!(world.bearer(&world.provider.sign(0, &claims)).await.status, 200);
    assert_eq!(world.provider.key_requests(), 1);
    for _ in 0..20 {
        assert_eq!(world.bearer(&Key::ed25519("unknown").token(&claims)).await.status, 401);
    }
    assert_eq!(world.provider.key_requests(), 1, "it was asked less than a minute ago");
}
