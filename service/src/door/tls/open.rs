//! Open connections whose client showed a certificate: each can be cut off when that is no longer good.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

use super::pem::expiry;

/// The open connections. Bounded by the limits of the doors.
#[derive(Debug, Default)]
pub(super) struct Open {
    numbers: AtomicU64,
    watched: Mutex<HashMap<u64, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    chain: Arc<[CertificateDer<'static>]>,
    /// When the client's own certificate expires; none if it does not say.
    expires: Option<SystemTime>,
    cut: CancellationToken,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(in crate::door) struct Watched {
    open: Arc<Open>,
    number: u64,
    cut: CancellationToken,
}

impl Open {
    /// A connection whose client showed these certificates, its own first.
    pub(super) fn watch(self: &Arc<Self>, chain: Vec<CertificateDer<'_>>) -> Watched {
        let expires = chain.first().and_then(|certificate| expiry(certificate).ok());
        let chain = chain.into_iter().map(CertificateDer::into_owned).collect();
        let (number, cut) = (self.numbers.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        self.watched().insert(number, Entry { chain, expires, cut: cut.clone() });
        Watched { open: Arc::clone(self), number, cut }
    }

    /// Cuts off the connections whose certificates are no longer good. Returns how many those were.
    pub(super) async fn cut_unless(
        &self,
        is_good: impl Fn(&[CertificateDer<'_>]) -> bool + Send + 'static,
    ) -> u64 {
        let open: Vec<Entry> = self.watched().values().cloned().collect();
        // Each takes a part of a millisecond: readings are not to wait for it.
        let cut = tokio::task::spawn_blocking(move || {
            let bad = open.iter().filter(|entry| !is_good(&entry.chain));
            bad.map(|entry| entry.cut.cancel()).count() as u64
        });
        cut.await.unwrap_or_default()
    }

    /// Cuts off the connections whose client's certificate has expired. Returns how many those were.
    pub(super) fn cut_expired(&self, has_expired: impl Fn(SystemTime) -> bool) -> u64 {
        let watched = self.watched();
        let expired = watched.values().filter(|entry| entry.expires.is_some_and(&has_expired));
        expired.filter(|entry| !entry.cut.is_cancelled()).map(|entry| entry.cut.cancel()).count() as u64
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// Cuts the connection off.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Cancelled when the connection is to be cut off.
    pub(in crate::door) fn token(&self) -> &CancellationToken {
        &self.cut
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.open.watched().remove(&self.number);
    }
}
