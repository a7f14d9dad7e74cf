//! TLS on a door: certificate, key, client CA and revocation list are read again when they change, and connections whose
//! client's certificate is no longer good are cut off then, or when it expires.

mod client;
mod open;
mod pem;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

pub use self::pem::certificate_end;

use self::open::Open;
use self::pem::{certificates, days_until, expiry, name_in, revocations};
use super::Connection;
use crate::{Metrics, SettingError, Settings};
use anyhow::{Context as _, Result, bail};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(crate) use self::client::connect_here;
pub(super) use self::open::Watched;

/// The time that a client has for its part of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A certificate that ends sooner is worth a warning.
const WARN_DAYS: f64 = 14.0;

/// Bytes of a file, at most.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Where the parts are; read from a section's `tls_certificate` and `tls_key`, and where clients may show certificates
/// from `tls_client_ca` and `tls_crl`.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    section: &'static str,
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    crl: Option<PathBuf>,
}

/// What is in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
    crl: Option<Vec<u8>>,
}

/// Takes off TLS by what the files said last, as long as that was good.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Current>,
    open: Arc<Open>,
    cut: Counter,
    days_left: Gauge<f64, AtomicU64>,
    wrong: Gauge,
}

#[derive(Debug, Clone)]
struct Current {
    config: Arc<ServerConfig>,
    /// Decides on clients' certificates.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    contents: Contents,
    expires: SystemTime,
}

impl TlsFiles {
    /// Reads the settings of a section whose clients may show certificates; `None` without a certificate of ours.
    ///
    /// # Errors
    /// A part is missing that another needs.
    pub fn from_settings(settings: &Settings, section: &'static str) -> Result<Option<Self>, SettingError> {
        let files = Self::without_clients(settings, section)?;
        let (client_ca, crl) =
            (path(settings, section, "tls_client_ca")?, path(settings, section, "tls_crl")?);
        match files {
            None if client_ca.is_some() => Err(missing(section, "tls_certificate", "tls_client_ca")),
            _ if crl.is_some() && client_ca.is_none() => Err(missing(section, "tls_client_ca", "tls_crl")),
            files => Ok(files.map(|files| Self { client_ca, crl, ..files })),
        }
    }

    /// Reads the settings of a section whose clients show no certificates; `None` without a certificate of ours.
    ///
    /// # Errors
    /// Of certificate and key, one is missing.
    pub fn without_clients(settings: &Settings, section: &'static str) -> Result<Option<Self>, SettingError> {
        match (path(settings, section, "tls_certificate")?, path(settings, section, "tls_key")?) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing(section, "tls_certificate", "tls_key")),
            (Some(_), None) => Err(missing(section, "tls_key", "tls_certificate")),
            (Some(certificate), Some(key)) => {
                Ok(Some(Self { section, certificate, key, client_ca: None, crl: None }))
            }
        }
    }

    /// Whether clients may show certificates.
    #[must_use]
    pub fn has_client_ca(&self) -> bool {
        self.client_ca.is_some()
    }

    fn read(&self) -> Result<Contents> {
        let optional = |path: &Option<PathBuf>| path.as_ref().map(read).transpose();
        Ok(Contents {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_ca: optional(&self.client_ca)?,
            crl: optional(&self.crl)?,
        })
    }
}

fn path(settings: &Settings, section: &str, name: &str) -> Result<Option<PathBuf>, SettingError> {
    let path: PathBuf = settings.get(&format!("{section}.{name}"))?;
    Ok((!path.as_os_str().is_empty()).then_some(path))
}

fn missing(section: &str, name: &str, needed_by: &str) -> SettingError {
    let problem = format!("{section}.{needed_by} needs it: name a PEM file");
    SettingError::new(&format!("{section}.{name}"), problem)
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    let length = std::fs::metadata(path).with_context(|| format!("read {}", path.display()))?.len();
    if length > MAX_FILE_BYTES {
        bail!("{}: more than {MAX_FILE_BYTES} bytes", path.display());
    }
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read, or they do not belong together.
    pub fn read(files: TlsFiles, metrics: &Metrics) -> Result<Self, SettingError> {
        let section = files.section;
        let read = files.read().and_then(Current::new);
        let current =
            read.map_err(|e| SettingError::new(&format!("{section}.tls_certificate"), format!("{e:#}")))?;
        let metrics = metrics.of(section);
        let tls = Self {
            files,
            current: RwLock::new(current),
            open: Arc::default(),
            cut: metrics.register(
                "tls_connections_cut",
                "Connections that were cut off as their client's certificate was no longer good",
            ),
            days_left: metrics.register("tls_certificate_days_left", "Days until the certificate expires"),
            wrong: metrics
                .register("tls_files_wrong", "1 while the TLS files are wrong and older ones in use"),
        };
        tls.note_days();
        Ok(tls)
    }

    /// Takes off TLS: the stream within, and the name in the client's certificate.
    ///
    /// # Errors
    /// The client does not speak TLS, has no good certificate, or takes too long.
    pub async fn accept(
        &self,
        connection: Connection,
    ) -> io::Result<(TlsStream<Connection>, Option<String>)> {
        let used = self.current().config;
        let acceptor = TlsAcceptor::from(Arc::clone(&used));
        let mut stream = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(connection)).await??;
        let (connection, session) = stream.get_mut();
        let Some(chain) = session.peer_certificates() else { return Ok((stream, None)) };
        let Some(name) = chain.first().and_then(name_in) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the client's certificate has no name"));
        };
        let watched = self.open.watch(chain.to_vec());
        let current = self.current();
        // The files may have changed during the handshake.
        if !Arc::ptr_eq(&used, &current.config) && !current.still_accepts(chain) {
            watched.cut();
        }
        connection.cut_by(watched);
        Ok((stream, Some(name)))
    }

    /// Follows the files until the stop. What is wrong in them is logged, and what was good before stays.
    pub async fn follow(&self, stop: CancellationToken) {
        let (mut done, mut seen) = (Ok(self.current().contents), None);
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            self.note_days();
            self.cut.inc_by(self.open.cut_expired(|expires| days_until(expires) < 0.0));
            let now = self.files.read().map_err(|e| format!("{e:#}"));
            // The files are replaced one after the other: they must stay the same for a moment.
            if seen.as_ref() == Some(&now) && done != now {
                self.replace(now.clone()).await;
                done = now.clone();
            }
            seen = Some(now);
        }
    }

    async fn replace(&self, contents: Result<Contents, String>) {
        let section = self.files.section;
        let read = contents.map_err(anyhow::Error::msg).and_then(Current::new);
        self.wrong.set(i64::from(read.is_err()));
        match read {
            Ok(current) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
                self.note_days();
                let cut = self.open.cut_unless(move |chain| current.still_accepts(chain)).await;
                self.cut.inc_by(cut);
                info!(cut, "the TLS files of {section} are read again");
            }
            Err(e) => error!("the TLS files of {section} are wrong, those before stay in use: {e:#}"),
        }
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_days(&self) {
        self.days_left.set(days_until(self.current().expires));
    }
}

impl Current {
    fn new(contents: Contents) -> Result<Self> {
        let chain = certificates(&contents.certificate, "certificate")?;
        let expires = expiry(&chain[0])?;
        let key =
            PrivateKeyDer::from_pem_slice(&contents.key).map_err(|e| anyhow::anyhow!("the key: {e}"))?;
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let verifier = contents.verifier(provider)?;
        let builder = match &verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
        };
        let config =
            builder.with_single_cert(chain, key).context("certificate and key do not belong together")?;
        let days = days_until(expires);
        if days < WARN_DAYS {
            warn!("the TLS certificate ends in {days:.1} days");
        }
        Ok(Self { config: Arc::new(config), verifier, contents, expires })
    }

    /// Whether a client with this certificate and what vouches for it may connect now.
    fn still_accepts(&self, chain: &[CertificateDer<'_>]) -> bool {
        let (Some(verifier), Some((first, rest))) = (&self.verifier, chain.split_first()) else {
            return false;
        };
        verifier.verify_client_cert(first, rest, UnixTime::now()).is_ok()
    }
}

impl Contents {
    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
        let Some(ca) = &self.client_ca else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca, "client CA")? {
            roots.add(certificate).context("the client CA")?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(revocations(self.crl.as_deref())?)
            .only_check_end_entity_revocation()
            .allow_unauthenticated();
        Ok(Some(verifier.build().context("the revocation list")?))
    }
}

#[cfg(test)]
mod tests;
