//! Where the page is, and whether it is served over TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::door::{Tls, TlsFiles};
use crate::{Metrics, SettingError, Settings};

/// The page's address for people: the setting `http.public_url`, or the address that the page listens on.
///
/// # Errors
/// The setting is not a URL.
pub fn page_url(settings: &Settings, listen: SocketAddr) -> Result<String, SettingError> {
    let public: String = settings.get("http.public_url")?;
    match public.trim_end_matches('/') {
        "" => {
            let scheme = if serves_tls(settings)? { "https" } else { "http" };
            Ok(format!("{scheme}://{}", crate::reachable(listen)))
        }
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_owned()),
        _ => Err(SettingError::new("http.public_url", "write http://HOST or https://HOST")),
    }
}

/// The TLS of the page and its API; `None` without a certificate.
///
/// # Errors
/// A file is wrong, or one is missing.
pub fn page_tls(settings: &Settings, metrics: &Metrics) -> Result<Option<Arc<Tls>>, SettingError> {
    let files = TlsFiles::without_clients(settings, "http")?;
    files.map(|files| Tls::read(files, metrics).map(Arc::new)).transpose()
}

/// Whether the page is served over TLS.
///
/// # Errors
/// Of certificate and key, one is missing.
pub fn serves_tls(settings: &Settings) -> Result<bool, SettingError> {
    Ok(TlsFiles::without_clients(settings, "http")?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_where_a_browser_finds_it() {
        let settings = Settings::load(None).unwrap();
        let page = page_url(&settings, "0.0.0.0:8080".parse().unwrap()).unwrap();
        assert!(
            page.starts_with("http://") && page.ends_with(":8080") && !page.contains("0.0.0.0"),
            "{page}"
        );
        let page = page_url(&settings, "127.0.0.1:8080".parse().unwrap()).unwrap();
        assert_eq!(page, "http://127.0.0.1:8080");
    }
}
