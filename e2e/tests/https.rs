//! The page and the API over TLS.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use e2e::{LONG, Millrace, SOON, Start, binary, eventually};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A fresh certificate of this machine, written with its key.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), cert.pem()).unwrap();
    cert.der().clone()
}

fn start(folder: &Path) -> Millrace {
    Start::new(&folder.join("data"))
        .set("HTTP__TLS_CERTIFICATE", folder.join("certificate.pem").to_str().unwrap())
        .set("HTTP__TLS_KEY", folder.join("key.pem").to_str().unwrap())
        .start()
}

/// The answer to a request, read until it ends or has a whole head, by a client that trusts this certificate alone.
fn asked(address: SocketAddr, trusted: &CertificateDer<'static>, head: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let client = ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(SOON))?;
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4_096];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => answer.extend(&part[..count]),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(e),
        }
    }
    // Behind the head of an upgrade a first frame may have come along.
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
}

#[test]
fn page_api_and_websocket_are_served_over_tls_alone_and_the_pair_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path());
    let millrace = start(folder.path());
    let address = millrace.http.strip_prefix("https://").expect("the first lines say https").parse().unwrap();
    for path in ["/", "/api/series", "/readyz"] {
        // The process serves before it is ready.
        let answer = eventually(SOON, || {
            let answer = asked(address, &first, &get(path)).unwrap();
            if answer.starts_with("HTTP/1.1 200 OK") { Ok(answer) } else { Err(answer) }
        });
        assert!(answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{path}: {answer}");
    }
    let upgrade = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://127.0.0.1\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = asked(address, &first, upgrade).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");

    let mut healthcheck = Command::new(binary("millrace"));
    let settings = millrace.start().command();
    healthcheck.arg("healthcheck").envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
    healthcheck.env("MILLRACE__HTTP__LISTEN", address.to_string());
    eventually(SOON, || healthcheck.status().unwrap().success().then_some(()).ok_or("not ready"));

    let mut plain = TcpStream::connect(address).unwrap();
    plain.set_read_timeout(Some(LONG)).unwrap();
    plain.write_all(get("/").as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");

    // A bad pair changes nothing, a good one is used.
    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    let wrong = || asked(address, &first, &get("/metrics")).unwrap();
    eventually(LONG, || {
        asked(address, &first, &get("/readyz")).map_err(|e| e.to_string())?;
        let log = std::fs::read_to_string(millrace.start().log()).unwrap();
        log.contains("the TLS files of http are wrong").then_some(()).ok_or_else(wrong)
    });
    let second = certificate(folder.path());
    eventually(LONG, || asked(address, &second, &get("/readyz")).map_err(|e| e.to_string()));
    assert!(asked(address, &first, &get("/readyz")).is_err(), "the former certificate is no longer used");
}

#[test]
fn plain_http_is_redirected_and_a_redirect_without_tls_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let settings = Start::new(&folder.path().join("data")).set("HTTP__REDIRECT_LISTEN", &free);
    let millrace = settings
        .set("HTTP__TLS_CERTIFICATE", folder.path().join("certificate.pem").to_str().unwrap())
        .set("HTTP__TLS_KEY", folder.path().join("key.pem").to_str().unwrap())
        .start();
    let mut stream = TcpStream::connect(&free).unwrap();
    stream.write_all(get("/api/series?limit=1").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    assert!(answer.contains(&format!("location: {}/api/series?limit=1\r\n", millrace.http)), "{answer}");

    let refused =
        Start::new(&folder.path().join("other")).set("HTTP__REDIRECT_LISTEN", &free).command().output();
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("http.redirect_listen"));
}
