//! Health and metrics, as monitoring systems ask for them.

use crate::harness::{Harness, Wanted};

const OPENMETRICS: &str = "accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let harness = Harness::start(Wanted::default()).await;
    for path in ["/metrics", "/api/metrics"] {
        let answer = harness.send("GET", path, &["host: prometheus"], "").await;
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"), "{path}");
        assert!(answer.body.contains("# TYPE millrace_dashboard_frames_total counter\n"), "{}", answer.body);
        assert!(!answer.body.contains("# EOF"));
        let answer = harness.send("GET", path, &["host: prometheus", OPENMETRICS], "").await;
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("application/openmetrics-text"), "{path}: {kind}");
        assert!(answer.body.contains("# TYPE millrace_dashboard_frames counter\n"), "{}", answer.body);
        assert!(answer.body.ends_with("# EOF\n"));
    }
}

#[tokio::test]
async fn health_is_that_of_readyz() {
    let harness = Harness::start(Wanted::default()).await;
    harness.until_ready().await;
    let health = harness.ask("GET", "/api/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ready\n"));
    assert_eq!(harness.ask("POST", "/api/health").await.status, 405);
}

#[tokio::test]
async fn requests_are_measured_by_the_template_of_their_route() {
    let harness = Harness::start(Wanted::default()).await;
    for path in ["/api/devices/lab", "/api/devices/hall", "/api/series", "/nothing/42"] {
        harness.ask("GET", path).await;
    }
    let text = harness.ask("GET", "/metrics").await.body;
    for labels in [
        "count{route=\"/api/devices/{name}\",method=\"GET\",status=\"404\"} 2",
        "count{route=\"page\",method=\"GET\",status=\"404\"} 1",
        "bucket{le=\"+Inf\",route=\"/api/series\",method=\"GET\",status=\"200\"}",
    ] {
        assert!(
            text.contains(&format!("\nmillrace_http_request_duration_seconds_{labels}")),
            "{labels}: {text}"
        );
    }
    assert!(!text.contains("hall") && !text.contains("42\""), "no name of a device or path is a label");
}
