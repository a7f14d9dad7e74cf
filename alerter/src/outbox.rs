//! Sends the mails that are owed, in order, until the mail server takes them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use broker::Backoff;
use jiff::Timestamp;
use store::{Incident, Mail};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::mailer::NotTaken;
use crate::{Alerter, Mailer, message};

/// Mails looked at in one go.
const MAX_MAILS: usize = 100;

/// How often to look for mails that another process left behind.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// When to try a mail again that was refused for good: somebody may have set the mail server right.
const REFUSED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// How long the right to send outlives an alerter that has ended without giving it back, and how often it is renewed.
const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// How often to ask for the right to send while another alerter has it.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Sends what is owed, while no other alerter does.
///
/// A mail is marked only after it was taken: a crash in between repeats it once, with the same Message-ID.
pub(crate) struct Outbox<'a> {
    alerter: &'a Alerter,
    mailer: &'a Mailer,
    /// By Message-ID, what was refused, and when it is tried again.
    refused: HashMap<String, Instant>,
}

impl<'a> Outbox<'a> {
    pub(crate) fn new(alerter: &'a Alerter, mailer: &'a Mailer) -> Self {
        Self { alerter, mailer, refused: HashMap::new() }
    }

    /// Sends now and whenever `owed` says so; after the `end` no further mail is begun.
    pub(crate) async fn run(mut self, owed: &Notify, end: &CancellationToken) {
        let mut backoff = patience();
        while !end.is_cancelled() {
            let wait = match self.send_owed(end).await {
                Ok(look_again) => {
                    backoff = patience();
                    look_again
                }
                Err(e) => {
                    let wait = backoff.after(Duration::ZERO);
                    warn!(retry_in = ?wait, "mails are waiting: {e:#}");
                    // What is owed meanwhile has to wait behind what failed.
                    end.run_until_cancelled(tokio::time::sleep(wait)).await;
                    continue;
                }
            };
            tokio::select! {
                () = owed.notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = end.cancelled() => {}
            }
        }
        if let Err(e) = self.alerter.store.release_outbox(&self.alerter.name).await {
            warn!("another alerter sends mails only after {LEASE:?}: {e}");
        }
    }

    /// Sends all that is due, or up to a failure that any other mail would meet, too; returns when to look again.
    async fn send_owed(&mut self, end: &CancellationToken) -> anyhow::Result<Duration> {
        loop {
            if !self.hold().await? {
                return Ok(ASK_EVERY);
            }
            // So many more that what was refused never fills the view.
            let owed = self.alerter.store.owed_mails(MAX_MAILS + self.refused.len()).await;
            let mut owed = owed.inspect_err(|_| self.count_store_failure())?;
            owed.retain(|(mail, _)| self.is_due(mail));
            if owed.is_empty() {
                return Ok(LOOK_EVERY);
            }
            for (mail, incident) in &owed {
                if end.is_cancelled() || !self.hold().await? {
                    return Ok(ASK_EVERY);
                }
                self.send(mail, incident).await?;
            }
        }
    }

    /// Takes or renews the right to send; false while another alerter has it.
    async fn hold(&self) -> store::Result<bool> {
        let held = self.alerter.store.hold_outbox(&self.alerter.name, LEASE).await;
        held.inspect_err(|_| self.count_store_failure())
    }

    /// Renews without an end: a mail server may take its time.
    async fn keep_hold(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            if let Err(e) = self.hold().await {
                warn!("cannot renew the right to send mails: {e}");
            }
        }
    }

    fn is_due(&self, mail: &Mail) -> bool {
        self.refused.get(&mail.message_id).is_none_or(|again| *again <= Instant::now())
    }

    async fn send(&mut self, mail: &Mail, incident: &Incident) -> anyhow::Result<()> {
        let handed_over = tokio::select! {
            handed_over = self.hand_over(mail, incident) => handed_over,
            never = self.keep_hold() => match never {},
        };
        let counters = &self.alerter.counters;
        match handed_over {
            Ok(missed) => {
                self.mark(mail).await;
                self.refused.remove(&mail.message_id);
                counters.mails_sent.inc();
                info!(mail = mail.message_id, "mail sent");
                if !missed.is_empty() {
                    counters.mails_refused.inc();
                    let said = missed.join("; ");
                    error!(mail = mail.message_id, "{} of its recipients missed it: {said}", missed.len());
                }
                Ok(())
            }
            Err(NotTaken::Refused(e)) => {
                self.refused.insert(mail.message_id.clone(), Instant::now() + REFUSED_AGAIN);
                counters.mails_refused.inc();
                error!(mail = mail.message_id, retry_in = ?REFUSED_AGAIN, "the mail was refused: {e:#}");
                Ok(())
            }
            Err(NotTaken::Away(e)) => {
                counters.mail_failures.inc();
                Err(e)
            }
        }
    }

    async fn hand_over(&self, mail: &Mail, incident: &Incident) -> Result<Vec<String>, NotTaken> {
        let rule = self.alerter.config.rules.iter().find(|rule| rule.name == incident.rule);
        let message = message::compose(mail, incident, rule, self.mailer)
            .context("compose it: the recipients in smtp.to were no addresses")
            .map_err(NotTaken::Refused)?;
        self.mailer.send(&mail.message_id, &message).await
    }

    /// However often it takes: until it is marked, the mail would be sent again.
    async fn mark(&self, mail: &Mail) {
        let mut backoff = patience();
        while let Err(e) = self.alerter.store.mail_sent(&mail.message_id, Timestamp::now()).await {
            let wait = backoff.after(Duration::ZERO);
            self.count_store_failure();
            warn!(mail = mail.message_id, retry_in = ?wait, "sent, and cannot be marked as such: {e}");
            tokio::time::sleep(wait).await;
        }
    }

    fn count_store_failure(&self) {
        self.alerter.counters.store_failures.inc();
    }
}

fn patience() -> Backoff {
    Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
}
