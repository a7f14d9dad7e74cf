//! Limits of requests that instances share through Valkey.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{LONG, Millrace, Shape, Start, Valkey, eventually};
use serde_json::json;

/// Requests that one caller may send at once: five times those of a second.
const AT_ONCE: usize = 10;

/// An instance that is asked by nobody it knows, so that the address counts.
fn start(folder: &Path, name: &str, url: &str) -> Millrace {
    Start::new(&folder.join(name))
        .set("ACCESS__REQUIRE_LOGIN", "true")
        .set("HTTP__REQUESTS_PER_SECOND", "2")
        .set("CACHE__URL", url)
        .start()
}

fn until_shared(millrace: &Millrace, is_shared: bool) {
    let wanted = f64::from(u8::from(is_shared));
    eventually(LONG, || {
        let up = millrace.metric("millrace_cache_up");
        if up.total_cmp(&wanted).is_eq() { Ok(()) } else { Err(up) }
    });
}

/// How many of these requests are within the limit.
fn allowed(millrace: &Millrace, requests: usize) -> usize {
    let answers = (0..requests).map(|_| millrace.ask("/api/series").0);
    answers.filter(|status| *status != 429).count()
}

#[test]
fn instances_share_the_limit_of_a_caller_and_each_counts_for_itself_while_valkey_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let valkey = Valkey::start(folder.path());
    let url = format!("redis://{}", valkey.address);
    let [one, other] = ["one", "other"].map(|name| start(folder.path(), name, &url));
    for millrace in [&one, &other] {
        until_shared(millrace, true);
    }
    assert_eq!(allowed(&one, AT_ONCE - 2), AT_ONCE - 2);
    let rest = allowed(&other, AT_ONCE);
    // Two each second come back while they are asked.
    assert!((2..=6).contains(&rest), "{rest}");

    // Frozen, it costs one request a little, and no other anything.
    valkey.signal("STOP");
    let begun = Instant::now();
    assert_eq!(allowed(&one, AT_ONCE), AT_ONCE, "it counts for itself");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    until_shared(&one, false);
    assert_eq!(one.ask("/readyz").0, 200, "nothing else changes");
    valkey.signal("CONT");
    until_shared(&one, true);

    let address = valkey.kill();
    let _ = allowed(&other, 1);
    until_shared(&other, false);
    let _again = Valkey::start_at(folder.path(), address);
    until_shared(&other, true);
    let log = std::fs::read_to_string(other.start().log()).unwrap();
    assert_eq!(log.matches("each instance limits requests for itself").count(), 1, "said once: {log}");
}

#[test]
fn instances_share_answers_that_may_be_some_minutes_old() {
    const PATH: &str = "/api/analytics/realtime?max_age=300";
    let folder = tempfile::tempdir().unwrap();
    let valkey = Valkey::start(folder.path());
    let url = format!("redis://{}", valkey.address);
    let open = |name: &str| Start::new(&folder.path().join(name)).set("CACHE__URL", &url).start();
    let [one, other] = ["one", "other"].map(open);
    for millrace in [&one, &other] {
        until_shared(millrace, true);
    }
    assert_eq!(one.post("/api/devices/lab/data", &json!({ "temperature": 21.5 })).0, 201);
    eventually(LONG, || {
        let series = one.ask("/api/series").1;
        if series.contains("lab") { Ok(()) } else { Err(series) }
    });
    let said = one.ask(PATH).1;
    assert!(said.contains("\"rolling_mean\":21.5"), "{said}");
    assert_eq!(other.ask(PATH).1, said, "it has none of these readings");
    assert!(!other.ask("/api/analytics/realtime").1.contains("lab"));
    let _ = valkey.kill();
    assert!(!other.ask(PATH).1.contains("lab"), "computed anew");
    until_shared(&other, false);
}

#[test]
fn a_wrong_address_of_the_cache_is_named_and_its_password_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let failed =
        Start::new(&folder.path().join("data")).set("CACHE__URL", "http://:hush@valkey:6379").fails();
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(said.contains("setting cache.url (MILLRACE__CACHE__URL): write redis://HOST:6379"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    assert_eq!(failed.status.code(), Some(64));
}
