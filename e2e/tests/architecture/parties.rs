//! Libraries that speak to the outside are named in few files, so that each can be replaced in one place.

use crate::crates::packages;
use crate::source::Source;
use crate::{files_below, from_root, root};

/// A library, and the beginnings of the paths of all files that may name it.
const MAY_NAME: [(&str, &[&str]); 14] = [
    ("rumqttc", &["broker/src/mqtt", "broker/src/outbox"]),
    ("lapin", &["broker/src/amqp", "bench/src/writer"]),
    ("rusqlite", &["store/src/"]),
    ("tokio_postgres", &["store/src/", "bench/src/writer"]),
    ("lettre", &["alerter/src/notifier/mail"]),
    ("minijinja", &["alerter/src/message/templates.rs"]),
    ("tiny_skia", &["alerter/src/message/picture.rs"]),
    (
        "warp",
        &[
            "service/src/admin.rs",
            "service/src/door/http.rs",
            "service/src/door/redirect.rs",
            "api/src/",
            "dashboard/src/page.rs",
            "dashboard/src/server.rs",
            "dashboard/src/websocket/",
            "edge/src/websocket.rs",
        ],
    ),
    (
        "tokio_tungstenite",
        &[
            "dashboard/src/websocket/",
            "edge/src/websocket",
            "dashboard/examples/plain_echo.rs",
            "cli/src/tail/connection.rs",
            "bench/src/relay/",
        ],
    ),
    ("rustls", &["tls/src/", "service/src/door/tls.rs", "service/src/door/tls/"]),
    (
        "hyper_util",
        &[
            "service/src/door/http.rs",
            "alerter/src/notifier/webhook.rs",
            "dashboard/src/websocket/socket.rs",
            "edge/src/websocket.rs",
            "oidc/src/http.rs",
        ],
    ),
    ("openidconnect", &["oidc/src/"]),
    ("redis", &["cache/src/"]),
    (
        "prometheus_client",
        &[
            "service/src/",
            "db-writer/src/",
            "alerter/src/",
            "api/src/",
            "dashboard/src/counters.rs",
            "sensor-sim/src/admin.rs",
            "cache/src/connection.rs",
            "commands/src/counters.rs",
            "uplink/src/counters.rs",
            "uplink/src/asker.rs",
            "gateway/src/provisioner.rs",
            "edge/src/access.rs",
            "edge/src/access/logins.rs",
            "edge/src/hub.rs",
            "edge/src/stamps.rs",
            "broker/src/server/counters.rs",
        ],
    ),
];

/// Every source of every crate, without its tests, as a path from the root.
fn sources() -> Vec<(String, Source)> {
    let folders = packages().into_iter().flat_map(|package| {
        ["src", "examples", "benches"].map(|folder| root().join(package.folder()).join(folder))
    });
    let files = folders.flat_map(|folder| files_below(&folder, &["rs"]));
    let files = files.filter(|file| !file.ends_with("tests.rs") && !from_root(file).contains("/tests/"));
    files.map(|file| (from_root(&file), Source::read(&file))).collect()
}

fn names(source: &Source, party: &str) -> bool {
    source.paths.iter().any(|named| named.segments[0] == party)
}

#[test]
fn each_outside_party_has_its_place() {
    let sources = sources();
    for (party, places) in MAY_NAME {
        let files: Vec<_> =
            sources.iter().filter(|(_, source)| names(source, party)).map(|(file, _)| file).collect();
        assert!(!files.is_empty(), "{party} is named nowhere: has it a new name?");
        let strays: Vec<_> =
            files.iter().filter(|file| !places.iter().any(|place| file.starts_with(place))).collect();
        assert!(strays.is_empty(), "{party} is named in {strays:?}, and belongs in {places:?}");
        let unused: Vec<_> =
            places.iter().filter(|place| !files.iter().any(|file| file.starts_with(*place))).collect();
        assert!(unused.is_empty(), "nothing in {unused:?} names {party}: take it off the list");
    }
}

#[test]
fn a_party_is_seen_under_another_name_and_in_a_path() {
    for text in ["use lapin as rabbit;", "fn f() { lapin::connect() }", "use {bytes::Bytes, lapin::Channel};"]
    {
        assert!(names(&Source::parse(text), "lapin"), "{text}");
    }
    assert!(!names(&Source::parse("// lapin::connect\nuse crate::lapin;"), "lapin"));
}
