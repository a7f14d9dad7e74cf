//! A dashboard behind a proxy that speaks HTTPS, under a path of its own.

use std::sync::Arc;

use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::server::{BOUND, Server, Stream, snapshot};
use crate::terminal::Tail;

#[tokio::test]
async fn https_is_asked_by_wss_and_must_be_trusted() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(key.cert.der().to_vec());
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], private).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let trusted = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(trusted.path(), key.cert.pem()).unwrap();

    let server = Server::start().await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost") + "/millrace/";
    let mut stranger = Tail::start(&["--url", &url]);
    let _ = timeout(BOUND, acceptor.accept(server.connection().await)).await.unwrap();
    stranger.says("invalid peer certificate").await;
    drop(stranger);

    let server = Server::start().await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost") + "/millrace/";
    let environment = [("SSL_CERT_FILE", trusted.path().to_str().unwrap())];
    let mut tail = Tail::start_with(&["--url", &url, "--count", "1"], &environment);
    let secured = timeout(BOUND, acceptor.accept(server.connection().await)).await.unwrap().unwrap();
    let mut stream = Stream::over(secured).await;
    assert_eq!(stream.target, "/millrace/ws?topics=%23");
    stream.send(&snapshot(&[("temperature/a", 1.0)])).await.unwrap();
    assert_eq!(tail.line().await, "temperature/a 1 -");
    assert_eq!(tail.exit_code().await, 0);
}
