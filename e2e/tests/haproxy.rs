//! HAProxy takes a renewed certificate while it is in use.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use e2e::{LONG, SOON, eventually, free_address, program};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Clients that come and go meanwhile.
const CLIENTS: usize = 4;

/// Killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends the clients.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A HAProxy that answers over TLS, what hands it certificates, and clients that trust all of those.
struct Harness {
    folder: tempfile::TempDir,
    certificates: Vec<CertifiedKey<KeyPair>>,
    client: Arc<ClientConfig>,
    address: SocketAddr,
    _processes: [Killed; 2],
}

impl Harness {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = |_| generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificates: Vec<_> = (0..3).map(make).collect();
        let (address, runtime) = (free_address(), free_address());
        let bundle = folder.path().join("server.bundle");
        write(&bundle, &certificates[0], &certificates[0]);
        let _processes =
            [follow(folder.path(), &bundle, runtime), haproxy(folder.path(), &bundle, address, runtime)];
        let harness = Self { client: client(&certificates), folder, certificates, address, _processes };
        eventually(LONG, || harness.connect());
        harness
    }

    /// Replaces the file as `millrace ca keep` does: by a whole one.
    fn replace(&self, certificate: usize, key: usize) {
        let (new, bundle) = (self.folder.path().join("new"), self.folder.path().join("server.bundle"));
        write(&new, &self.certificates[certificate], &self.certificates[key]);
        std::fs::rename(new, bundle).unwrap();
    }

    fn connect(&self) -> std::io::Result<Stream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(SOON))?;
        let client = ClientConnection::new(self.client.clone(), "localhost".try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(client, stream);
        ask(&mut stream).map(|()| stream)
    }

    /// Which certificate a new connection is shown.
    fn shown(&self) -> std::io::Result<usize> {
        let stream = self.connect()?;
        let shown = stream.conn.peer_certificates().unwrap()[0].clone();
        Ok(self.certificates.iter().position(|one| *one.cert.der() == shown).unwrap())
    }

    fn until_shown(&self, certificate: usize) {
        eventually(LONG, || self.shown().ok().filter(|shown| *shown == certificate).ok_or("another one"));
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap()
    }
}

fn write(path: &Path, certificate: &CertifiedKey<KeyPair>, key: &CertifiedKey<KeyPair>) {
    std::fs::write(path, certificate.cert.pem() + &key.signing_key.serialize_pem()).unwrap();
}

fn client(certificates: &[CertifiedKey<KeyPair>]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    certificates.iter().for_each(|one| roots.add(one.cert.der().clone()).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // A session that is resumed shows the certificate with which it began.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn haproxy(folder: &Path, bundle: &Path, address: SocketAddr, runtime: SocketAddr) -> Killed {
    let config = format!(
        "global\n stats socket ipv4@{runtime} level admin\ndefaults\n mode http\n timeout client 1m\n \
         timeout http-keep-alive 1m\n timeout connect 1s\n timeout server 1m\nfrontend test\n \
         bind {address} ssl crt {}\n http-request return status 200 content-type text/plain string ok\n",
        bundle.display()
    );
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, config).unwrap();
    Killed(program("haproxy", "haproxy").arg("-db").arg("-f").arg(file).spawn().unwrap())
}

fn follow(folder: &Path, bundle: &Path, runtime: SocketAddr) -> Killed {
    let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../haproxy/follow-certificate"));
    let said = std::fs::File::create(folder.join("said")).unwrap();
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
    let mut follow = Command::new(script);
    follow.arg(bundle).args(["0.2", &runtime.port().to_string()]).env("PATH", path);
    Killed(follow.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap())
}

/// One request over a connection that stays open.
fn ask(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let (mut answer, mut part) = (Vec::new(), [0; 1_024]);
    while !answer.ends_with(b"\r\n\r\nok") {
        match stream.read(&mut part)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => answer.extend(&part[..count]),
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs haproxy: `make test`"]
fn a_renewed_certificate_is_shown_and_no_connection_ends_or_fails() {
    let harness = Harness::start();
    let (stop, failed) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let end = SetWhenDropped(&stop);
    let until_stopped = |mut once: Box<dyn FnMut() -> std::io::Result<()>>| {
        while !stop.load(Ordering::Relaxed) {
            once().unwrap_or_else(|e| failed.lock().unwrap().push(e));
        }
    };
    std::thread::scope(|scope| {
        // Also where an assertion fails: the clients would go on, and the scope would wait for them.
        let _end = end;
        for _ in 0..CLIENTS {
            scope.spawn(|| until_stopped(Box::new(|| harness.connect().map(drop))));
            scope.spawn(|| {
                let mut stays = harness.connect().unwrap();
                until_stopped(Box::new(move || ask(&mut stays)));
            });
        }
        harness.until_shown(0);
        harness.replace(1, 1);
        harness.until_shown(1);
        harness.replace(2, 1);
        eventually(LONG, || harness.said().contains("is not used").then_some(()).ok_or("not said"));
        assert_eq!(harness.shown().unwrap(), 1, "a key of another one changes nothing");
        harness.replace(2, 2);
        harness.until_shown(2);
    });
    assert!(failed.into_inner().unwrap().is_empty());
}
