//! Certificates and revocation lists in PEM files.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::{FromDer, X509Certificate};

pub(super) fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|e| anyhow::anyhow!("the {what}: {e}"))?;
    if all.is_empty() {
        bail!("the {what}: there is no certificate in the file, which must be PEM");
    }
    Ok(all)
}

pub(super) fn revocations(pem: Option<&[u8]>) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|e| anyhow::anyhow!("the revocation list: {e}"))?;
    if all.is_empty() {
        bail!("the revocation list: there is none in the file, which must be PEM");
    }
    Ok(all)
}

/// When the first certificate of a PEM file ends.
///
/// # Errors
/// There is no certificate in it, or it cannot be read.
pub fn certificate_end(pem: &[u8]) -> Result<jiff::Timestamp> {
    Ok(expiry(&certificates(pem, "certificate")?[0])?.try_into()?)
}

pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Result<SystemTime> {
    let (_, parsed) = X509Certificate::from_der(certificate).context("the certificate")?;
    let seconds = parsed.validity().not_after.timestamp();
    Ok(UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default()))
}

#[allow(clippy::disallowed_methods, reason = "peers check a certificate by the time of day, too")]
pub(super) fn days_until(time: SystemTime) -> f64 {
    let seconds = match time.duration_since(SystemTime::now()) {
        Ok(left) => left.as_secs_f64(),
        Err(over) => -over.duration().as_secs_f64(),
    };
    seconds / (24.0 * 60.0 * 60.0)
}

/// The common name of the certificate's subject.
pub(super) fn name_in(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    // Of two names it is unknown which the authority meant.
    names.next().is_none().then_some(name)
}
