use std::net::SocketAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::door::{Door, Doors, Limits};

const BOUND: Duration = Duration::from_secs(20);

type ClientStream = tokio_rustls::client::TlsStream<TcpStream>;
type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The certificate and the key of a name, as PEM.
fn issued(name: &str, serial: u64, issuer: &Issuer) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_after = date_time_ymd(2090, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

fn revocation_list(serial: u64, issuer: &Issuer) -> String {
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

/// A folder with the files of a server whose clients the authority vouches for.
struct Harness {
    folder: TempDir,
    authority: Issuer,
    metrics: Metrics,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Harness {
    /// Answers each connection with the name in its certificate.
    async fn start(crl: Option<u64>) -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
        let (certificate, key) = issued("server", 1, &authority);
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("certificate"), certificate).unwrap();
        std::fs::write(path("key"), key).unwrap();
        std::fs::write(path("ca"), authority.pem()).unwrap();
        std::fs::write(
            path("crl"),
            crl.map_or_else(String::new, |serial| revocation_list(serial, &authority)),
        )
        .unwrap();
        let files = TlsFiles {
            section: "mqtt",
            certificate: path("certificate"),
            key: path("key"),
            client_ca: Some(path("ca")),
            crl: crl.map(|_| path("crl")),
        };
        let (metrics, stop) = (Metrics::default(), CancellationToken::new());
        let tls = Arc::new(Tls::read(files, &metrics).unwrap());
        let limits = Limits { max_connections: 100, max_connections_per_address: 100 };
        let [doors] = Doors::share(&metrics, [("mqtt", limits)]);
        let door = doors.listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = door.local_addr();
        tokio::spawn(answer(door, tls.clone()));
        let until = stop.clone();
        tokio::spawn(async move { tls.follow(until).await });
        Self { folder, authority, metrics, address, stop }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// What a client hears that trusts this authority and shows this certificate.
    async fn heard(&self, trusted: &Issuer, shown: Option<(String, String)>) -> io::Result<String> {
        let mut stream = self.connected(trusted, shown).await?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await?;
        Ok(heard)
    }

    async fn connected(&self, trusted: &Issuer, shown: Option<(String, String)>) -> io::Result<ClientStream> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate.as_bytes(), "").unwrap();
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                    .unwrap()
            }
        };
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Waits until a metric has a value.
    async fn until(&self, line: &str) {
        let there = async {
            while !self.metrics.text().contains(line) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(BOUND, there).await.expect(line);
    }

    /// Waits until a client that trusts this authority is answered.
    async fn until_trusted(&self, authority: &Issuer) {
        let trusted = async {
            while self.heard(authority, None).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(BOUND, trusted).await.expect("the new certificate is used");
    }
}

/// Says the name in the certificate, and closes; one that begins with `held` gets back what it sends.
async fn answer(mut door: Door, tls: Arc<Tls>) {
    loop {
        let (connection, tls) = (door.next().await, tls.clone());
        tokio::spawn(async move {
            if let Ok((mut stream, name)) = tls.accept(connection).await {
                let name = name.unwrap_or_default();
                if name.starts_with("held") {
                    let (mut reader, mut writer) = tokio::io::split(stream);
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                } else {
                    let _ = stream.write_all(name.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            }
        });
    }
}

#[tokio::test]
async fn a_client_is_who_its_certificate_says_and_nobody_without_one() {
    let harness = Harness::start(Some(7)).await;
    let authority = &harness.authority;
    assert_eq!(harness.heard(authority, None).await.unwrap(), "");
    assert_eq!(harness.heard(authority, Some(issued("dev1", 3, authority))).await.unwrap(), "dev1");
    assert!(harness.heard(authority, Some(issued("dev1", 7, authority))).await.is_err(), "it is revoked");
    let stranger = self::authority();
    assert!(
        harness.heard(authority, Some(issued("dev1", 3, &stranger))).await.is_err(),
        "of another authority"
    );
    assert!(
        harness.metrics.text().contains("millrace_mqtt_tls_certificate_days_left 2"),
        "{}",
        harness.metrics.text()
    );
}

#[tokio::test]
async fn changed_files_are_used_and_bad_ones_are_not() {
    let harness = Harness::start(None).await;
    let other = authority();
    let (certificate, key) = issued("server", 2, &other);
    harness.write("key", "no key");
    harness.until("millrace_mqtt_tls_files_wrong 1\n").await;
    assert!(harness.heard(&harness.authority, None).await.is_ok(), "the pair before stays");
    harness.write("key", &key);
    harness.write("certificate", &certificate);
    harness.until_trusted(&other).await;
    harness.until("millrace_mqtt_tls_files_wrong 0\n").await;
    assert!(harness.heard(&harness.authority, None).await.is_err());
}

/// Whether what is sent comes back.
async fn is_open(stream: &mut ClientStream) -> bool {
    let mut answer = [0];
    stream.write_all(b"x").await.is_ok() && matches!(stream.read(&mut answer).await, Ok(1))
}

/// Waits until the other side has ended the connection.
async fn ended(stream: &mut ClientStream) {
    let mut rest = Vec::new();
    let _ = timeout(BOUND, stream.read_to_end(&mut rest)).await.expect("it is cut off");
}

#[tokio::test]
async fn whose_certificate_is_revoked_is_cut_off_and_others_are_not() {
    let harness = Harness::start(Some(7)).await;
    let authority = &harness.authority;
    let mut revoked = harness.connected(authority, Some(issued("held-a", 3, authority))).await.unwrap();
    let mut good = harness.connected(authority, Some(issued("held-b", 4, authority))).await.unwrap();
    assert!(is_open(&mut revoked).await && is_open(&mut good).await);
    harness.write("crl", &revocation_list(3, authority));
    ended(&mut revoked).await;
    assert!(is_open(&mut good).await);
    harness.until("millrace_mqtt_tls_connections_cut_total 1\n").await;
    // An authority that no longer vouches for anybody.
    let (other, mut ended_later) = (self::authority(), good);
    harness.write("ca", &other.pem());
    harness.write("crl", &revocation_list(9, &other));
    ended(&mut ended_later).await;
    harness.until("millrace_mqtt_tls_connections_cut_total 2\n").await;
    assert!(harness.heard(&harness.authority, Some(issued("dev", 5, &other))).await.is_ok());
}

#[test]
fn whose_certificate_expires_is_cut_off_then() {
    let open = Arc::new(Open::default());
    let (certificate, _) = issued("lab", 7, &authority());
    let chain = certificates(certificate.as_bytes(), "client").unwrap();
    let expires = expiry(&chain[0]).unwrap();
    let watched = open.watch(chain);
    let cut_at = |now: SystemTime| open.cut_expired(|expires| expires < now);
    assert_eq!(cut_at(expires), 0);
    assert!(!watched.token().is_cancelled());
    assert_eq!(cut_at(expires + Duration::from_secs(1)), 1);
    assert!(watched.token().is_cancelled());
    assert_eq!(cut_at(expires + Duration::from_secs(2)), 0, "it is counted once");
}

#[tokio::test]
async fn http_over_tls_is_to_stay_over_tls() {
    let (folder, ours, metrics) = (tempfile::tempdir().unwrap(), authority(), Metrics::default());
    let (certificate, key) = issued("server", 1, &ours);
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("certificate"), certificate).unwrap();
    std::fs::write(path("key"), key).unwrap();
    let files = TlsFiles {
        section: "http",
        certificate: path("certificate"),
        key: path("key"),
        client_ca: None,
        crl: None,
    };
    let tls = Arc::new(Tls::read(files, &metrics).unwrap());
    let door = crate::admin_door("127.0.0.1:0".parse().unwrap(), &metrics).unwrap();
    let (address, stop) = (door.local_addr(), CancellationToken::new());
    let routes =
        warp::Filter::map(crate::routes(crate::Health::default(), metrics), warp::Reply::into_response);
    let config = crate::HttpConfig::admin(address);
    tokio::spawn(crate::serve_http(door, Some(tls), warp::Filter::boxed(routes), config, stop.clone()));
    for (host, is_strict) in
        [("millrace.example.org", true), ("127.0.0.1:1", true), ("localhost:1", false), ("LOCALHOST", false)]
    {
        let mut stream = connect_here(address).await.unwrap();
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The end may come without a word of TLS.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert_eq!(answer.contains("strict-transport-security: max-age=31536000\r\n"), is_strict, "{answer}");
    }
    crate::admin::ask_ready_over_tls(address).await.unwrap();
    stop.cancel();
}

#[tokio::test]
async fn a_silent_client_is_given_up_and_holds_up_nobody() {
    let harness = Harness::start(None).await;
    let mut silent = TcpStream::connect(harness.address).await.unwrap();
    assert!(harness.heard(&harness.authority, None).await.is_ok());
    let mut rest = Vec::new();
    let _ = timeout(BOUND, silent.read_to_end(&mut rest)).await.expect("it is closed");
}

#[test]
fn what_does_not_belong_together_is_named() {
    let (ours, metrics) = (authority(), Metrics::default());
    let ((certificate, _), (_, other_key)) = (issued("a", 1, &ours), issued("b", 2, &ours));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (certificate, key, expected) in [
        (certificate.as_str(), other_key.as_str(), "certificate and key do not belong together"),
        ("", &other_key, "there is no certificate in the file"),
        (&certificate, "", "the key:"),
    ] {
        std::fs::write(path("certificate"), certificate).unwrap();
        std::fs::write(path("key"), key).unwrap();
        let files = TlsFiles {
            section: "mqtt",
            certificate: path("certificate"),
            key: path("key"),
            client_ca: None,
            crl: None,
        };
        let problem = Tls::read(files, &metrics).unwrap_err().to_string();
        assert!(
            problem.starts_with("setting mqtt.tls_certificate") && problem.contains(expected),
            "{problem}"
        );
    }
}
