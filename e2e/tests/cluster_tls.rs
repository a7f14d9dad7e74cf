//! The cluster over TLS, with certificates of its own authority.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use e2e::{Cluster, Load, SOON, Shape};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

/// A file of the cluster's authority, copied here.
fn fetch(cluster: &Cluster, folder: &Path, file: &str) -> PathBuf {
    let path = folder.join(file);
    let from = format!("certificates:/certificates/{file}");
    cluster.compose(&["cp", &from, path.to_str().unwrap()]).unwrap();
    path
}

/// The answer's head to a request over TLS to a port of HAProxy, by a client that trusts the cluster's authority alone.
fn asked(cluster: &Cluster, authority: &Path, port: u64, head: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let client = ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(cluster.port(port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4_096];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend(&part[..count]),
        }
    }
    String::from_utf8_lossy(&answer).to_lowercase()
}

/// Whether `mosquitto_pub` gets a PUBACK over TLS.
fn publishes(cluster: &Cluster, authority: &Path, topic: &str, login: &[&str]) -> bool {
    let address = cluster.port(8883);
    let (host, port) = address.split_once(':').unwrap();
    let mut publish = Command::new("mosquitto_pub");
    publish.args(["-h", host, "-p", port, "-q", "1", "-t", topic, "-m", "21.5"]);
    publish.args(["--cafile", authority.to_str().unwrap()]).args(login);
    publish.output().unwrap().status.success()
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn the_page_and_mqtt_over_websocket_are_served_over_tls() {
    let (cluster, folder) = (Cluster::attach(), tempfile::tempdir().unwrap());
    let authority = fetch(&cluster, folder.path(), "ca.pem");
    let page = asked(
        &cluster,
        &authority,
        8443,
        "GET /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(
        page.starts_with("http/1.1 200") && page.contains("strict-transport-security: max-age="),
        "{page}"
    );
    let plain = cluster.ask("/api/me");
    assert_eq!(plain.0, 200);
    let upgrade = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Protocol: mqtt\r\n\r\n";
    let upgraded = asked(&cluster, &authority, 15676, upgrade);
    assert!(upgraded.starts_with("http/1.1 101"), "{upgraded}");
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_device_logs_in_with_a_password_or_its_certificate_over_tls() {
    let (cluster, folder) = (Cluster::attach(), tempfile::tempdir().unwrap());
    let authority = fetch(&cluster, folder.path(), "ca.pem");
    let shared = ["-u", "device", "-P", cluster.broker_password("device")];
    let device = cluster.device("tls");
    assert!(publishes(&cluster, &authority, &format!("temperature/{device}"), &shared));
    cluster.promised_rows(1, || cluster.readings(&format!("device={device}")));

    let known = cluster.device("certified");
    let (status, made) =
        cluster.post(&format!("/api/devices/{known}/credentials"), &json!({ "certificate_only": true }));
    assert_eq!((status, &made["in_force"], made.get("password")), (201, &json!(true), None), "{made}");
    let unknown = cluster.device("stranger");
    let login = |name: &str| {
        let make =
            ["exec", "-T", "certificates", "dashboard", "ca", "--folder", "/certificates", "client", name];
        cluster.compose(&make).unwrap();
        [format!("{name}.pem"), format!("{name}.key")].map(|file| fetch(&cluster, folder.path(), &file))
    };
    let certificate = |[certificate, key]: &[PathBuf; 2]| {
        ["--cert".into(), certificate.display().to_string(), "--key".into(), key.display().to_string()]
    };
    let own = certificate(&login(&known));
    let own: Vec<_> = own.iter().map(String::as_str).collect();
    assert!(publishes(&cluster, &authority, &format!("temperature/{known}"), &own));
    assert!(!publishes(&cluster, &authority, &format!("temperature/{unknown}"), &own), "it is not its own");
    let by_password = ["-u", known.as_str(), "-P", ""];
    assert!(!publishes(&cluster, &authority, &format!("temperature/{known}"), &by_password));
    let strange = certificate(&login(&unknown));
    let strange: Vec<_> = strange.iter().map(String::as_str).collect();
    assert!(
        !publishes(&cluster, &authority, &format!("temperature/{unknown}"), &strange),
        "nobody made it a user"
    );
    cluster.promised_rows(1, || cluster.readings(&format!("device={known}")));
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn our_services_and_sensors_speak_tls_to_rabbitmq_and_the_database() {
    let (cluster, folder) = (Cluster::attach(), tempfile::tempdir().unwrap());
    let authority = fetch(&cluster, folder.path(), "ca.pem").display().to_string();
    let broker = |scheme: &str, user: &str, port: u64| {
        let (password, address) = (cluster.broker_password(user), cluster.port(port));
        format!("{scheme}://{user}:{password}@{address}?cacertfile={authority}")
    };
    let database =
        |user: &str| format!("{}?sslmode=require&sslrootcert={authority}", cluster.database_url(user));
    let start = |name: &'static str, role: &str| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let service = cluster.service(name, &folder).set("STORE__URL", &database(role));
        service.set("MQTT__URL", &broker("mqtts", "dashboard", 8883))
    };
    let writer = start("db-writer", "millrace").set("AMQP__URL", &broker("amqps", "db-writer", 5671)).start();
    let dashboard = start("dashboard", "dashboard").start();
    writer.until_ready();
    dashboard.until_ready();

    let device = cluster.device("over-tls");
    let run = ["run", "--device", &device, "--count", "5", "--interval", "1ms"];
    let load = Load::start(&broker("mqtts", "device", 8883), folder.path(), &run);
    let (code, _, acked) = load.finish();
    assert_eq!((code, acked.len()), (0, 5));
    cluster.promised_rows(5, || cluster.readings(&format!("device={device}")));
    // Somebody else's certificate is not good enough.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other_folder = tempfile::tempdir().unwrap();
    let path = other_folder.path().join("other.pem");
    std::fs::write(&path, other.cert.pem()).unwrap();
    let strange = broker("mqtts", "device", 8883).replace(&authority, path.to_str().unwrap());
    let mut refused = Load::start(&strange, other_folder.path(), &run);
    std::thread::sleep(SOON / 4);
    assert!(refused.is_running() && refused.acked().is_empty(), "it never connects");
}
