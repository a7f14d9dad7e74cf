//! Sends the mails that are owed, in order, until the mail server takes them.

use std::time::Duration;

use broker::Backoff;
use jiff::Timestamp;
use store::Incidents;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::{Counters, Mailer, Rule, message};

/// Mails looked at in one go.
const MAX_MAILS: usize = 100;

/// How often to look for mails that another process left behind.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Sends what is owed, now and whenever `owed` says so. Never ends.
///
/// A mail is marked only after it was taken: a crash in between repeats it once, with the same Message-ID.
pub(crate) async fn run(
    store: &dyn Incidents,
    mailer: &Mailer,
    rules: &[Rule],
    owed: &Notify,
    counters: &Counters,
) {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    loop {
        let wait = match send_owed(store, mailer, rules, counters).await {
            Ok(()) => {
                backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
                LOOK_EVERY
            }
            Err(e) => {
                let wait = backoff.after(Duration::ZERO);
                counters.mail_failures.inc();
                warn!(retry_in = ?wait, "mails are waiting: {e:#}");
                tokio::time::sleep(wait).await;
                continue;
            }
        };
        tokio::select! { () = owed.notified() => {}, () = tokio::time::sleep(wait) => {} }
    }
}

async fn send_owed(
    store: &dyn Incidents,
    mailer: &Mailer,
    rules: &[Rule],
    counters: &Counters,
) -> anyhow::Result<()> {
    loop {
        let owed = store.owed_mails(MAX_MAILS).await?;
        for (mail, incident) in &owed {
            let rule = rules.iter().find(|rule| rule.name == incident.rule);
            let message = message::compose(mail, incident, rule, mailer)?;
            mailer.send(&mail.message_id, message).await?;
            store.mail_sent(&mail.message_id, Timestamp::now()).await?;
            counters.mails_sent.inc();
            info!(mail = mail.message_id, "mail sent");
        }
        if owed.len() < MAX_MAILS {
            return Ok(());
        }
    }
}
