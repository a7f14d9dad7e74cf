//! What cannot get better ends it, and says what to do; what can is tried again.

use crate::server::{Server, snapshot};
use crate::terminal::Tail;

#[tokio::test]
async fn an_answer_that_will_not_change_ends_it() {
    for (status, body, code, words) in [
        (
            "400 Bad Request",
            r#"{"error":"topics: a+: + and # stand for whole levels"}"#,
            64,
            "stand for whole levels",
        ),
        (
            "403 Forbidden",
            r#"{"error":"only this page itself: see http.public_url"}"#,
            1,
            "see http.public_url",
        ),
        ("404 Not Found", "<html>nothing here</html>", 1, "is it the address of a dashboard?"),
        ("200 OK", "hello", 1, "200"),
    ] {
        let server = Server::start().await;
        let mut tail = Tail::start(&["--url", &server.url]);
        server.answer(status, body).await;
        tail.says(words).await;
        assert_eq!(tail.exit_code().await, code, "{status}");
    }
}

#[tokio::test]
async fn a_close_that_says_what_was_wrong_ends_it() {
    for (code, reason) in [(1008, "at most 16 filters"), (1009, "at most 4 KiB a message")] {
        let server = Server::start().await;
        let mut tail = Tail::start(&["--url", &server.url]);
        server.stream().await.close(code, reason).await;
        tail.says(reason).await;
        assert_eq!(tail.exit_code().await, 64, "{code}");
    }
}

#[tokio::test]
async fn a_full_house_is_asked_again() {
    let server = Server::start().await;
    let mut tail = Tail::start(&["--url", &server.url, "--count", "1"]);
    server.answer("502 Bad Gateway", "").await;
    tail.says("502 Bad Gateway; trying again").await;
    server.stream().await.close(1013, "too many pages are open: see dashboard.max_clients").await;
    tail.says("see dashboard.max_clients").await;
    let mut stream = server.stream().await;
    stream.send(&snapshot(&[("temperature/a", 1.0)])).await.unwrap();
    assert_eq!(tail.line().await, "temperature/a 1 -");
    assert_eq!(tail.exit_code().await, 0);
}

#[tokio::test]
async fn a_dashboard_of_another_version_ends_it() {
    let server = Server::start().await;
    let mut tail = Tail::start(&["--url", &server.url]);
    let old = serde_json::json!({"type": "snapshot", "server_time": "2026-01-15T10:30:00Z", "devices": []});
    server.stream().await.send(&old).await.unwrap();
    tail.says("is it of another version?").await;
    assert_eq!(tail.exit_code().await, 1);
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked() {
    for (arguments, words) in [
        (["a+", "--json"].as_slice(), "+ and # stand for whole levels"),
        (&["--url", "lab:8080"], "as a browser shows it"),
        (&["--count", "0"], "--count"),
    ] {
        let mut tail = Tail::start(arguments);
        tail.says(words).await;
        assert_eq!(tail.exit_code().await, 64, "{arguments:?}");
    }
}
