//! Notices about Millrace itself: that a certificate ends soon is made here, others elsewhere; all of them are mailed to
//! `smtp.to`, each once.

mod certificates;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use service::{Context, SettingError};
use store::{Lease, Notice, Store};
use telemetry::Clock;
use telemetry::time::saturating_add;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::notifier::mail::{Mailboxes, Mailer, compose_notice, notice_id};

pub use self::certificates::CertificateFile;

/// How often certificates are looked at, and notices are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How long the lease outlives a process that has ended without releasing it.
const LEASE: Duration = Duration::from_secs(120);

/// Notices that are sent in a row.
const AT_ONCE: usize = 20;

/// The wait after the first failed attempt; each further one is twice as long ...
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// ... up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// Makes notices of certificates that end soon, and sends all notices by mail.
pub struct NoticeSender {
    store: Arc<dyn Store>,
    mailer: Mailer,
    to: Mailboxes,
    certificates: Vec<CertificateFile>,
    /// Where people see the page.
    page: String,
    name: String,
    clock: Arc<dyn Clock>,
    sent: Counter,
    failed: Counter,
}

impl NoticeSender {
    /// A sender that goes by the settings.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn new(
        context: &Context,
        store: Arc<dyn Store>,
        page: String,
        name: String,
    ) -> Result<Self, SettingError> {
        let metrics = context.metrics.of("notices");
        let to: Vec<String> = context.settings.get("smtp.to")?;
        let to = to.join(", ").parse().map_err(|e| SettingError::new("smtp.to", e))?;
        Ok(Self {
            store,
            mailer: Mailer::from_settings(&context.settings)?,
            to,
            certificates: CertificateFile::of_settings(&context.settings)?,
            page,
            name,
            clock: context.clock.clone(),
            sent: metrics.register("sent", "Notices about Millrace itself that were sent"),
            failed: metrics.register("failed", "Attempts to send a notice that failed"),
        })
    }

    /// Makes and sends notices until the stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let step = async {
                if let Err(e) = self.step(self.clock.wall()).await {
                    warn!("notices wait: the store is unavailable: {e}");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            };
            if stop.run_until_cancelled(Box::pin(step)).await.is_none() {
                break;
            }
        }
        // Another process need not wait for the end of the lease; where this fails, it does.
        let _ = self.store.release(Lease::Notices, &self.name).await;
    }

    /// Makes notices of what is to be told now, and sends those that are due, where no other process does.
    async fn step(&self, now: Timestamp) -> store::Result<()> {
        for certificate in &self.certificates {
            if let Some(notice) = certificate.notice(now) {
                self.store.add_notice(&notice).await?;
            }
        }
        if !self.store.acquire(Lease::Notices, &self.name, LEASE).await? {
            return Ok(());
        }
        for notice in self.store.unsent_notices(now, AT_ONCE).await? {
            self.send(&notice, now).await?;
        }
        Ok(())
    }

    async fn send(&self, notice: &Notice, now: Timestamp) -> store::Result<()> {
        let id = notice_id(notice);
        let mail = compose_notice(notice, &id, self.to.clone(), self.mailer.from.clone(), &self.page);
        let sent = match mail {
            Ok(mail) => self.mailer.send(&id, &mail).await.map_err(|e| e.reason()),
            Err(e) => Err(e),
        };
        match sent {
            Ok(_) => {
                self.sent.inc();
                info!(notice = notice.name, "notice sent");
                self.store.mark_notice_sent(&notice.name, now).await
            }
            Err(e) => {
                self.failed.inc();
                let wait = wait_after(notice.tries);
                warn!(notice = notice.name, retry_in = ?wait, "notice not sent: {e:#}");
                self.store.note_unsent(&notice.name, saturating_add(now, wait)).await
            }
        }
    }
}

/// The wait after an attempt that was preceded by so many.
fn wait_after(tries: i64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << tries.clamp(0, 16));
    doubled.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests;
