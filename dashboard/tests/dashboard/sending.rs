//! How answers are sent: tagged, compressed, without a body, and under which names.

use crate::answer::Answer;
use crate::harness::{Harness, Wanted};

const GZIP: &str = "accept-encoding: gzip, deflate, br";

async fn get(harness: &Harness, path: &str, headers: &[&str]) -> Answer {
    let host = format!("host: {}", harness.address);
    harness.send("GET", path, &[&[host.as_str()], headers].concat(), "").await
}

/// Paths of all kinds whose bodies are worth compressing.
const LARGE: [&str; 5] = [
    "/api/readings",
    "/api/readings?format=csv",
    "/api/readings?device=lab&metric=temperature&points=100",
    "/api/rejected",
    "/api/openapi.json",
];

async fn filled() -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    harness.keep_many("temperature/lab", 500).await;
    for number in 0..20 {
        harness.reject(&format!("the payload is not JSON, and this is number {number}")).await;
    }
    harness
}

#[tokio::test]
async fn a_body_is_compressed_for_who_asks_for_it() {
    let harness = filled().await;
    for path in LARGE {
        let plain = get(&harness, path, &[]).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path}");
        for (asked, packs) in
            [(GZIP, true), ("accept-encoding: *", true), ("accept-encoding: gzip;q=0", false)]
        {
            let answer = get(&harness, path, &[asked]).await;
            assert_eq!((answer.status, answer.header("vary")), (200, Some("accept-encoding")), "{path}");
            assert_eq!(answer.header("content-type"), plain.header("content-type"));
            if packs {
                assert!(answer.bytes.len() < plain.bytes.len() / 2, "{path}");
                assert_eq!(answer.unpacked(), plain.bytes, "{path}");
            } else {
                assert_eq!(
                    (answer.header("content-encoding"), &answer.bytes),
                    (None, &plain.bytes),
                    "{path}"
                );
            }
        }
    }
    for path in ["/api/silences", "/livez"] {
        assert_eq!(get(&harness, path, &[GZIP]).await.header("content-encoding"), None, "{path} is short");
    }
    let wrong = get(&harness, "/api/readings?limit=0", &[GZIP]).await;
    assert_eq!((wrong.status, wrong.header("vary")), (400, None));
}

#[tokio::test]
async fn what_the_asker_has_is_not_sent_again() {
    let harness = filled().await;
    harness.publish("temperature/lab", "21");
    let repeated = ["/", "/icon.svg", "/api/series", "/api/incidents", "/api/silences", "/api/completeness"];
    for path in repeated.iter().chain(&LARGE).filter(|path| !path.contains("csv")) {
        let mut tags = Vec::new();
        for coding in ["accept: */*", GZIP] {
            let first = get(&harness, path, &[coding]).await;
            let tag = first.header("etag").unwrap_or_else(|| panic!("{path}: {first:?}"));
            assert_eq!(first.header("cache-control"), Some("no-cache"), "{path}");
            let known = format!("if-none-match: \"x\", W/{tag}");
            let second = get(&harness, path, &[coding, &known]).await;
            assert_eq!((second.status, second.body.as_str()), (304, ""), "{path}: {second:?}");
            for name in ["etag", "cache-control", "vary", "x-content-type-options"] {
                assert_eq!(second.header(name), first.header(name), "{path}: {name}");
            }
            assert_eq!((second.header("content-type"), second.header("content-encoding")), (None, None));
            assert_eq!(get(&harness, path, &[coding, "if-none-match: *"]).await.status, 304, "{path}");
            assert_eq!(get(&harness, path, &[coding, "if-none-match: \"x\""]).await.status, 200, "{path}");
            tags.push((tag.to_owned(), first.header("content-encoding").is_some()));
        }
        assert_eq!(tags[0].0 != tags[1].0, tags[1].1, "{path}: another coding has another tag");
    }
}

#[tokio::test]
async fn what_has_changed_is_sent_again() {
    let harness = filled().await;
    let tag = get(&harness, "/api/rejected", &[]).await.header("etag").unwrap().to_owned();
    let known = format!("if-none-match: {tag}");
    assert_eq!(get(&harness, "/api/rejected", &[&known]).await.status, 304);
    harness.reject("one more").await;
    let changed = get(&harness, "/api/rejected", &[&known]).await;
    assert_eq!(changed.status, 200);
    assert!(changed.body.contains("one more") && changed.header("etag") != Some(&tag), "{changed:?}");
    // What is wrong has no tag, whatever the asker has.
    assert_eq!(get(&harness, "/api/rejected?limit=0", &["if-none-match: *"]).await.status, 400);
    let host = format!("host: {}", harness.address);
    let silence = r##"{"device":"#","for":"1h","reason":"x"}"##;
    let json = "content-type: application/json";
    let posted = harness.send("POST", "/api/silences", &[&host, json, "if-none-match: *"], silence).await;
    assert_eq!((posted.status, posted.header("etag")), (201, None), "{posted:?}");
}

#[tokio::test]
async fn a_head_is_the_answer_without_its_body() {
    let harness = filled().await;
    for path in ["/", "/livez", "/metrics", "/api/series", "/api/silences"].iter().chain(&LARGE) {
        let whole = harness.ask("GET", path).await;
        let head = harness.ask("HEAD", path).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}: {head:?}");
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
        if *path != "/metrics" {
            assert_eq!(head.header("content-length"), whole.header("content-length"), "{path}");
        }
    }
    for path in ["/nothing", "/api/nothing"] {
        assert_eq!(harness.ask("HEAD", path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn data_is_sent_only_under_a_name_of_ours() {
    let public_url = "https://millrace.example.org/iot";
    let harness = Harness::start(Wanted { public_url, ..Wanted::default() }).await;
    let port = harness.address.port();
    let local = format!("host: localhost:{port}");
    let data = ["readings", "series", "incidents", "silences", "rejected", "completeness", "openapi.json"];
    for path in data.map(|name| format!("/api/{name}")).iter().map(String::as_str).chain(["/"]) {
        for host in ["host: evil.example.org", "host: 127.0.0.1.evil.example.org", "accept: */*"] {
            let answer = harness.send("GET", path, &[host], "").await;
            assert_eq!(answer.status, 403, "{path} {host}: {answer:?}");
            assert!(answer.body.contains("http.public_url"), "{path} {host}: {answer:?}");
        }
        for host in ["host: millrace.example.org", "host: 192.0.2.1", "host: [::1]:80", &local] {
            assert_eq!(harness.send("GET", path, &[host], "").await.status, 200, "{path} {host}");
        }
        let broken = harness.send("GET", path, &["host: a b"], "").await;
        assert!([400, 403].contains(&broken.status), "{broken:?}");
    }
    for path in ["/livez", "/metrics", "/icon.svg"] {
        assert_eq!(harness.send("GET", path, &["host: backend"], "").await.status, 200, "{path}");
    }
}
