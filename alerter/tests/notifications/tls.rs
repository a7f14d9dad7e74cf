//! Mail over TLS, to a server whose certificate the machine trusts, and to one that it does not.
//!
//! Whom a process trusts is read from its environment, so each mail is sent by a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use alerter::{Mail, Notifier as _, SendError, Templates};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use store::NotificationKind;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::harness::{PAGE, Values, incident, mailer, rules};
use crate::journal::{BOUND, Journal};
use crate::wording::message;

const URL: &str = "MILLRACE_TEST_SMTP_URL";

/// An authority of its own, written where a client may find it, and a server with a certificate from it.
fn acceptor(authority: &Path) -> TlsAcceptor {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(authority, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Notes every line but those of the mail, with `tls` before it where nobody else can read it.
async fn serve(stream: TcpStream, tls: TlsAcceptor, wrapped: bool, journal: Journal) {
    if !wrapped {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test\r\n").await.unwrap();
        if converse(&mut stream, "", &journal).await != Some("STARTTLS".to_owned()) {
            return;
        }
        let Ok(stream) = tls.accept(stream.into_inner()).await else { return };
        converse(&mut BufReader::new(stream), "tls ", &journal).await;
    } else if let Ok(stream) = tls.accept(stream).await {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test\r\n").await.unwrap();
        converse(&mut stream, "tls ", &journal).await;
    }
}

/// Answers until the client asks for TLS, which is returned, or goes.
async fn converse<S>(stream: &mut BufReader<S>, mark: &str, journal: &Journal) -> Option<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut in_mail = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if in_mail && line != "." {
            continue;
        }
        journal.note(format!("{mark}{}", line.split(' ').next().unwrap_or_default()));
        in_mail = line == "DATA";
        let answer = match line {
            "DATA" => "354 go on\r\n",
            "STARTTLS" => "220 go on\r\n",
            "." => "250 taken\r\n",
            _ if line.starts_with("EHLO") => "250-test\r\n250 STARTTLS\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        if line == "STARTTLS" {
            return Some(line.to_owned());
        }
    }
}

/// Sends a mail from a process that trusts the server, or does not; what the server heard, and whether it was taken.
async fn sent(wrapped: bool, trusted: bool) -> (Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    let (tls, journal) = (acceptor(&authority), Journal::default());
    if !trusted {
        acceptor(&authority);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = journal.clone();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, tls, wrapped, heard).await;
    });
    let url = if wrapped {
        format!("smtps://localhost:{port}")
    } else {
        format!("smtp://localhost:{port}?tls=required")
    };
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "tls::a_process_that_sends_one_mail", "--ignored"])
        .env(URL, url)
        .env("SSL_CERT_FILE", authority);
    let child = child
        .env_remove("SSL_CERT_DIR")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    let taken = timeout(BOUND, child).await.unwrap().unwrap().success();
    timeout(BOUND, server).await.unwrap().unwrap();
    (journal.lines(), taken)
}

#[tokio::test]
async fn a_mail_goes_over_tls_to_a_server_that_is_trusted_and_to_no_other() {
    let (heard, taken) = sent(true, true).await;
    assert!(taken && heard.contains(&"tls .".to_owned()), "{heard:?}");
    let (heard, taken) = sent(true, false).await;
    assert!(!taken && heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn a_mail_goes_over_starttls_and_never_without_it() {
    let (heard, taken) = sent(false, true).await;
    assert!(
        taken && heard.starts_with(&["EHLO", "STARTTLS", "tls EHLO", "tls MAIL"].map(str::to_owned)),
        "{heard:?}"
    );
    let (heard, taken) = sent(false, false).await;
    assert!(!taken && heard == ["EHLO", "STARTTLS"], "{heard:?}");
}

#[tokio::test]
#[ignore = "it is run by the tests above, in a process of its own"]
async fn a_process_that_sends_one_mail() {
    let Ok(url) = std::env::var(URL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mail = Mail {
        mailer: mailer(&folder, &url),
        templates: Templates::load(None).unwrap(),
        history: Arc::new(Values(Vec::new())),
        inputs: tokio::sync::watch::channel(Arc::new(telemetry::Inputs::default())).1,
        page: PAGE.into(),
        clock: Arc::new(telemetry::SystemClock::default()),
    };
    let notification =
        message("ann@localhost", vec![(NotificationKind::Opened, incident("i", "high", "lab"))]);
    let sent = mail.send(&notification, &rules("")).await;
    assert!(sent.is_ok(), "{}", sent.map_err(SendError::reason).unwrap_err());
}
