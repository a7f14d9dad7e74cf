//! Once a day, a notice with the signed end of the audit: mailed, it shows later whether the audit was rewritten.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::HeadKey;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use service::{Context, SettingError};
use store::{Head, Notice, Store};
use telemetry::Clock;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often it is looked whether a day has begun.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Makes a notice of the end of the audit each day.
pub struct AuditNotices {
    key: HeadKey,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
}

impl AuditNotices {
    /// None where `notices.audit` is not set. The key is made where there is none.
    ///
    /// # Errors
    /// A setting is wrong, or the key cannot be read.
    pub fn from_settings(context: &Context, store: Arc<dyn Store>) -> Result<Option<Self>, SettingError> {
        let settings = &context.settings;
        if !settings.get("notices.audit")? {
            return Ok(None);
        }
        let path: PathBuf = settings.get("notices.audit_key")?;
        let path = match path.as_os_str().is_empty() {
            true => service::data_dir(settings)?.join("audit.key"),
            false => path,
        };
        let wrong = |e: anyhow::Error| SettingError::new("notices.audit_key", format!("{e:#}"));
        let key = HeadKey::read_or_make(&path).map_err(wrong)?;
        Ok(Some(Self { key, store, clock: context.clock.clone(), stop: context.stop.clone() }))
    }

    /// Makes them until the stop.
    pub async fn run(self) {
        let days = async {
            loop {
                if let Err(e) = self.make(self.clock.wall()).await {
                    warn!("no notice of the audit's end was made: {e:#}");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        self.stop.run_until_cancelled(days).await;
    }

    async fn make(&self, now: Timestamp) -> anyhow::Result<bool> {
        let head = self.store.audit_head().await?;
        if head.number == 0 {
            return Ok(false);
        }
        let notice = notice(&head, &self.key, now)?;
        Ok(self.store.add_notice(&notice).await?)
    }
}

fn notice(head: &Head, key: &HeadKey, now: Timestamp) -> anyhow::Result<Notice> {
    let date = now.to_zoned(TimeZone::UTC).date();
    let text = format!(
        "The audit ends with record {} now. Keep this mail where nobody reaches it who can change the database: should \
         records be rewritten later, then\n\n    millrace audit verify --heads FILE --key {}\n\nnames the first one. FILE is \
         this mail, saved.\n\n{}",
        head.number,
        key.public_key(),
        key.sign(head)?
    );
    let subject = format!("Millrace: the end of the audit on {date}");
    Ok(Notice { name: format!("audit {date}"), subject, text, made_at: now, tries: 0 })
}

#[cfg(test)]
mod tests {
    use access::{Authority, Caller, read_heads};
    use store::{Device, Notices as _};
    use telemetry::SystemClock;
    use testkit::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn each_day_has_one_notice_by_which_the_audit_is_verified() {
        let folder = tempfile::tempdir().unwrap();
        let store = MemoryStore::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let key = HeadKey::read_or_make(&folder.path().join("audit.key")).unwrap();
        let public = key.public_key();
        let stop = CancellationToken::new();
        let notices = AuditNotices { key, store: Arc::new(store.clone()), clock: clock.clone(), stop };
        let now = Timestamp::UNIX_EPOCH;
        assert!(!notices.make(now).await.unwrap(), "there is nothing to tell");

        let access = Authority::new(&store, clock).unwrap();
        access.add_device(&Caller::command(), Device::new("lab", now)).await.unwrap();
        assert!(notices.make(now).await.unwrap());
        assert!(!notices.make(now).await.unwrap(), "one a day");
        let sent = store.unsent_notices(now, 9).await.unwrap();
        let heads = read_heads(&sent[0].text, Some(&public)).unwrap();
        let verified = access::verify(&store, &heads).await.unwrap();
        assert!(matches!(verified, access::Verified::Holds(proof) if proof.head == heads[0]));
    }
}
