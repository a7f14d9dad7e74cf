//! How our clients speak TLS: which authorities they trust, and the certificate that they show.

#![warn(missing_docs)]

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Bytes of a PEM file, at most.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How a client speaks TLS. Servers are always verified.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    authorities: Option<Arc<str>>,
    identity: Option<Arc<Identity>>,
}

/// A certificate and its key, as PEM.
pub struct Identity {
    /// The certificate, followed by those that vouch for it.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl ClientTls {
    /// Trusts the authorities in a PEM file, or else those that this machine trusts, and shows a certificate where one is named.
    ///
    /// # Errors
    /// A file cannot be read or is wrong, or of certificate and key one is missing.
    pub fn read(authorities: Option<&Path>, certificate: Option<&Path>, key: Option<&Path>) -> Result<Self> {
        let authorities = authorities.map(read).transpose()?;
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(Identity { certificate: read(certificate)?, key: read(key)? })
            }
            _ => bail!("a certificate needs its key, and a key its certificate: name both files"),
        };
        let roots = match &authorities {
            Some(pem) => these_roots(pem).context("the certificate authorities")?,
            None => roots_of_the_machine()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let key =
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|e| anyhow!("the key: {e}"))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .context("the certificate and its key")?
            }
        };
        Ok(Self {
            config: Arc::new(config),
            authorities: authorities.map(Into::into),
            identity: identity.map(Arc::new),
        })
    }

    /// The configuration of rustls.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The authorities that are trusted, as PEM; none for those of the machine.
    #[must_use]
    pub fn authorities(&self) -> Option<&str> {
        self.authorities.as_deref()
    }

    /// The authorities that are trusted, each as DER: those of the file, or else those of this machine.
    ///
    /// # Errors
    /// This machine trusts none.
    pub fn authority_certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        match self.authorities() {
            Some(pem) => certificates(pem),
            None => certificates_of_the_machine(),
        }
    }

    /// The certificate that is shown.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }
}

/// The same files were read.
impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        let identity = |one: &Self| one.identity.clone().map(|identity| identity.certificate.clone());
        self.authorities == other.authorities && identity(self) == identity(other)
    }
}

impl Eq for ClientTls {}

/// Shows no key.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

fn read(path: &Path) -> Result<String> {
    let problem = || format!("read {}", path.display());
    let length = std::fs::metadata(path).with_context(problem)?.len();
    ensure!(length <= MAX_FILE_BYTES, "{}: more than {MAX_FILE_BYTES} bytes", path.display());
    std::fs::read_to_string(path).with_context(problem)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|e| anyhow!("{e}"))?;
    ensure!(!all.is_empty(), "there is no certificate in the file, which must be PEM");
    Ok(all)
}

fn these_roots(pem: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn roots_of_the_machine() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates_of_the_machine()?);
    ensure!(!roots.is_empty(), "this machine trusts no certificate authority; name a file with one");
    Ok(roots)
}

fn certificates_of_the_machine() -> Result<Vec<CertificateDer<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    let problem = found.errors.first().map(|e| format!(": {e}")).unwrap_or_default();
    let is_empty = found.certs.is_empty();
    ensure!(!is_empty, "this machine trusts no certificate authority{problem}; name a file with one");
    Ok(found.certs)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct Files {
        folder: tempfile::TempDir,
    }

    impl Files {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for name in ["ca", "other"] {
                let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
                std::fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).unwrap();
                std::fs::write(folder.path().join(format!("{name}.key")), made.signing_key.serialize_pem())
                    .unwrap();
            }
            Self { folder }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }
    }

    #[test]
    fn authorities_and_a_certificate_are_read() {
        let files = Files::new();
        let (ca, key) = (files.path("ca.pem"), files.path("ca.key"));
        let tls = ClientTls::read(Some(&ca), Some(&ca), Some(&key)).unwrap();
        assert!(tls.authorities().is_some() && tls.identity().is_some());
        assert_eq!(format!("{tls:?}"), "ClientTls");
        assert_ne!(tls, ClientTls::read(Some(&ca), None, None).unwrap());
        assert_eq!(tls, tls.clone());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let files = Files::new();
        let (ca, key, other) = (files.path("ca.pem"), files.path("ca.key"), files.path("other.key"));
        let said = |ca: &Path, certificate: Option<&Path>, key: Option<&Path>| {
            format!("{:#}", ClientTls::read(Some(ca), certificate, key).unwrap_err())
        };
        assert!(said(&files.path("none.pem"), None, None).contains("none.pem"));
        assert!(said(&key, None, None).contains("there is no certificate"));
        assert!(said(&ca, Some(&ca), None).contains("name both"));
        assert!(said(&ca, None, Some(&key)).contains("name both"));
        assert!(said(&ca, Some(&ca), Some(&other)).contains("certificate and its key"));
        assert!(said(&ca, Some(&ca), Some(&ca)).contains("the key"));
    }
}
