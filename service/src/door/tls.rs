//! TLS on a door: certificate, key, client CA and revocation list are read again when they change.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use prometheus_client::metrics::gauge::Gauge;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Connection;
use crate::{Metrics, SettingError, Settings};

/// The time that a client has for its part of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A certificate that ends sooner is worth a warning.
const WARN_DAYS: f64 = 14.0;

/// Bytes of a file, at most.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Where the parts are; read from a section's `tls_certificate`, `tls_key`, `tls_client_ca` and `tls_crl`.
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
    days_left: Gauge<f64, AtomicU64>,
    wrong: Gauge,
}

#[derive(Debug, Clone)]
struct Current {
    config: Arc<ServerConfig>,
    contents: Contents,
    expires: SystemTime,
}

impl TlsFiles {
    /// Reads the settings of a section; `None` without a certificate.
    ///
    /// # Errors
    /// A part is missing that another needs.
    pub fn from_settings(settings: &Settings, section: &'static str) -> Result<Option<Self>, SettingError> {
        let path = |name: &str| {
            let path: PathBuf = settings.get(&format!("{section}.{name}"))?;
            Ok((!path.as_os_str().is_empty()).then_some(path))
        };
        let missing = |name: &str, needed_by: &str| {
            Err(SettingError::new(
                &format!("{section}.{name}"),
                format!("{section}.{needed_by} needs it: name a PEM file"),
            ))
        };
        let (certificate, key) = (path("tls_certificate")?, path("tls_key")?);
        let (client_ca, crl) = (path("tls_client_ca")?, path("tls_crl")?);
        match (certificate, key) {
            (None, Some(_)) => missing("tls_certificate", "tls_key"),
            (Some(_), None) => missing("tls_key", "tls_certificate"),
            (None, None) if client_ca.is_some() => missing("tls_certificate", "tls_client_ca"),
            _ if crl.is_some() && client_ca.is_none() => missing("tls_client_ca", "tls_crl"),
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Self { section, certificate, key, client_ca, crl })),
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
        let acceptor = TlsAcceptor::from(self.current().config);
        let stream = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(connection)).await??;
        let (_, session) = stream.get_ref();
        let name = session.peer_certificates().and_then(|chain| name_in(chain.first()?));
        if session.peer_certificates().is_some() && name.is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the client's certificate has no name"));
        }
        Ok((stream, name))
    }

    /// Follows the files until the stop. What is wrong in them is logged, and what was good before stays.
    pub async fn follow(&self, stop: CancellationToken) {
        let (mut done, mut seen) = (Ok(self.current().contents), None);
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            self.note_days();
            let now = self.files.read().map_err(|e| format!("{e:#}"));
            // The files are replaced one after the other: they must stay the same for a moment.
            if seen.as_ref() == Some(&now) && done != now {
                self.replace(now.clone());
                done = now.clone();
            }
            seen = Some(now);
        }
    }

    fn replace(&self, contents: Result<Contents, String>) {
        let section = self.files.section;
        let read = contents.map_err(anyhow::Error::msg).and_then(Current::new);
        self.wrong.set(i64::from(read.is_err()));
        match read {
            Ok(current) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
                self.note_days();
                info!("the TLS files of {section} are read again");
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
        let builder = match &contents.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(ca, "client CA")? {
                    roots.add(certificate).context("the client CA")?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .with_crls(revocations(contents.crl.as_deref())?)
                    .only_check_end_entity_revocation()
                    .allow_unauthenticated();
                builder.with_client_cert_verifier(verifier.build().context("the revocation list")?)
            }
        };
        let config =
            builder.with_single_cert(chain, key).context("certificate and key do not belong together")?;
        let days = days_until(expires);
        if days < WARN_DAYS {
            warn!("the TLS certificate ends in {days:.1} days");
        }
        Ok(Self { config: Arc::new(config), contents, expires })
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|e| anyhow::anyhow!("the {what}: {e}"))?;
    if all.is_empty() {
        bail!("the {what}: there is no certificate in the file, which must be PEM");
    }
    Ok(all)
}

fn revocations(pem: Option<&[u8]>) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|e| anyhow::anyhow!("the revocation list: {e}"))?;
    if all.is_empty() {
        bail!("the revocation list: there is none in the file, which must be PEM");
    }
    Ok(all)
}

fn expiry(certificate: &CertificateDer<'_>) -> Result<SystemTime> {
    let (_, parsed) = X509Certificate::from_der(certificate).context("the certificate")?;
    let seconds = parsed.validity().not_after.timestamp();
    Ok(UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default()))
}

fn days_until(time: SystemTime) -> f64 {
    let seconds = match time.duration_since(SystemTime::now()) {
        Ok(left) => left.as_secs_f64(),
        Err(over) => -over.duration().as_secs_f64(),
    };
    seconds / (24.0 * 60.0 * 60.0)
}

/// The common name of the certificate's subject.
fn name_in(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    // Of two names it is unknown which the authority meant.
    names.next().is_none().then_some(name)
}

#[cfg(test)]
mod tests;
