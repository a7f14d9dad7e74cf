//! What HTTP answers: errors as JSON, headers that keep a browser safe.

use crate::harness::{Harness, Wanted};
use crate::watcher::Watcher;

#[tokio::test]
async fn what_cannot_be_answered_says_why_in_json() {
    let harness = Harness::start(Wanted::default()).await;
    for (method, path, status, expected) in [
        ("GET", "/api/readings?limit=0", 400, "limit must be"),
        ("GET", "/api/readings?limit=-1", 400, "limit must be"),
        ("GET", "/api/readings?devise=lab", 400, "unknown parameter devise"),
        ("GET", "/api/readings?points=9", 400, "points needs a device and a metric"),
        ("GET", "/api/readings?from=2&to=1", 400, "from is later than to"),
        ("GET", "/api/readings?after=%00", 400, "after must be"),
        ("GET", "/api/readings?device=%00", 400, "device must be without control characters"),
        ("GET", "/api/readings?to=253402300800000", 400, "to is outside the calendar"),
        ("GET", "/api/readings?limit=1&limit=2", 400, "a parameter is there twice"),
        ("GET", "/api/readings?format=xml", 400, "format must be json or csv"),
        ("GET", "/api/openapi.json?x=1", 400, "unknown parameter x"),
        ("GET", "/api/incidents?limit=x", 400, "limit must be"),
        ("GET", "/api/incidents?state=firing", 400, "state must be open or resolved"),
        ("GET", "/api/incidents?devise=lab", 400, "unknown parameter devise"),
        ("GET", "/api/silences?all=yes", 400, "all must be true or false"),
        ("GET", "/api/silences/1/2", 404, "not found"),
        ("GET", "/api/rejected?limt=1", 400, "unknown parameter limt"),
        ("GET", "/api/completeness?metric=x", 400, "unknown parameter metric"),
        ("GET", "/api/completeness?from=soon", 400, "from must be"),
        ("GET", "/api/series?x=1", 400, "unknown parameter x"),
        ("GET", "/ws", 400, "ask for an upgrade"),
        ("GET", "/api", 404, "not found"),
        ("GET", "/api/readings/1", 404, "not found"),
        ("GET", "/nothing", 404, "not found"),
        ("GET", "/../Cargo.toml", 404, "not found"),
        ("GET", "/assets/%2e%2e/%2e%2e/Cargo.toml", 404, "not found"),
        ("POST", "/api/completeness", 405, "use GET"),
        ("POST", "/", 405, "use GET"),
        ("POST", "/nothing", 404, "not found"),
        ("POST", "/api/openapi.json", 405, "use GET"),
        ("PUT", "/api/series", 405, "use GET"),
        ("DELETE", "/api/incidents", 405, "use GET"),
        ("POST", "/readyz", 405, "use GET"),
        ("OPTIONS", "/api/series", 405, "use GET"),
    ] {
        let answer = harness.ask(method, path).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let said = answer.error();
        assert!(said.contains(expected), "{method} {path}: {said}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("get, head"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_route_that_changes_something_says_which_methods_it_has() {
    let harness = Harness::start(Wanted::default()).await;
    for (path, methods, others) in [
        ("/api/silences", "get, head, post", ["PUT", "DELETE", "OPTIONS", "PATCH"]),
        ("/api/silences/0123456789ab", "delete", ["GET", "POST", "PUT", "OPTIONS"]),
        ("/api/acknowledgements", "post", ["GET", "PUT", "DELETE", "OPTIONS"]),
    ] {
        for method in others {
            let answer = harness.ask(method, path).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(methods)), "{method} {path}");
            if method != "HEAD" {
                assert_eq!(answer.error().to_lowercase(), format!("use {methods}"));
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_reported_and_recovers_by_itself() {
    let harness = Harness::start_with_broken_store().await;
    let buckets = "/api/readings?device=kept&metric=temperature&points=9";
    let silences = "/api/silences";
    for path in ["/api/readings", buckets, "/api/incidents", silences, "/api/rejected", "/api/completeness"] {
        let answer = harness.ask("GET", path).await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
        assert!(answer.error().contains("the database is damaged ("), "{answer:?}");
    }
    let series = harness.ask("GET", "/api/series").await;
    assert_eq!(series.status, 503, "an empty list would say that there are no devices: {series:?}");
    assert_eq!(series.header("retry-after"), Some("2"));
    let answer = harness.post("/api/acknowledgements", r#"{"incident":"a"}"#).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let page = Watcher::open(harness.address, &[]).await.err().expect("nobody knows who may watch");
    assert_eq!(page.status(), 503);
    let ready = harness.ask("GET", "/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("store: the database is damaged ("), "{ready:?}");

    harness.repair_store();
    let mut page = harness.watch().await;
    page.until(|page| page.value("temperature/kept") == Some(1.0)).await;
    harness.until_ready().await;
    assert_eq!(harness.ask("GET", buckets).await.status, 200);
}

#[tokio::test]
async fn the_api_is_json_that_is_asked_for_anew() {
    let harness = Harness::start(Wanted::default()).await;
    harness.keep("temperature/lab", 21.5).await;
    for (path, rows) in
        [("readings", 1), ("incidents", 0), ("silences", 0), ("rejected", 0), ("completeness", 0)]
    {
        let answer = harness.ask("GET", &format!("/api/{path}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(said[path].as_array().unwrap().len(), rows, "{said}");
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_is_asked_for_anew() {
    let harness = Harness::start(Wanted::default()).await;
    let page = harness.ask("GET", "/").await;
    assert_eq!((page.status, page.header("x-content-type-options")), (200, Some("nosniff")));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(["no-cache", "no-store"].contains(&page.header("cache-control").unwrap()), "{page:?}");
    let policy = page.header("content-security-policy").unwrap();
    for rule in ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
        assert!(policy.contains(rule), "{policy} lacks {rule}");
    }
    assert!(
        !policy.contains("unsafe-eval") && !policy.contains("http:") && !policy.contains('*'),
        "{policy}"
    );
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "{}", page.body);
}

#[tokio::test]
async fn what_is_named_after_its_content_is_kept_for_a_year() {
    let harness = Harness::start(Wanted::default()).await;
    let page = harness.ask("GET", "/").await.body;
    let assets: Vec<_> = page
        .split('"')
        .filter_map(|part| part.strip_prefix('.'))
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    if assets.is_empty() {
        assert!(std::env::var("CI").is_err(), "the page is not built: make page");
        println!("NOT TESTED: the page is not built: make page");
    }
    for path in assets {
        let asset = harness.ask("GET", path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let kind = asset.header("content-type").unwrap();
        assert!(kind.starts_with("text/javascript") || kind.starts_with("text/css"), "{path}: {kind}");
        assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn two_hosts_are_refused_on_every_route() {
    let harness = Harness::start(Wanted::default()).await;
    let host = format!("host: {}", harness.address);
    for path in ["/", "/api/series", "/api/rejected", "/ws", "/livez"] {
        let answer = harness.send("GET", path, &[&host, "host: evil.example.org"], "").await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up_on_every_route_that_asks_the_store() {
    let limits = api::Limits { query_timeout: std::time::Duration::ZERO, ..api::Limits::default() };
    let harness = Harness::start(Wanted { limits, ..Wanted::default() }).await;
    for path in [
        "/api/readings",
        "/api/readings?format=csv",
        "/api/readings?device=lab&metric=temperature&points=9",
        "/api/incidents",
        "/api/incidents/groups",
        "/api/silences",
        "/api/rejected",
        "/api/rejected/groups",
        "/api/rejected/1",
        "/api/completeness",
        "/api/edges",
        "/api/clock",
    ] {
        let answer = harness.ask("GET", path).await;
        assert_eq!(answer.status, 503, "{path} has no limit: {answer:?}");
        assert_eq!(answer.header("retry-after"), Some("2"), "{path}: {answer:?}");
        assert!(answer.error().contains("no answer within 0ns"), "{path}: {answer:?}");
    }
}
