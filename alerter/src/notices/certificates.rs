//! Certificates that are looked at, and what is to be told of them.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _, Unit};
use service::{SettingError, Settings};
use store::Notice;
use tracing::debug;

/// Days before the end of a certificate on which somebody is told, the last first. On day 0 it has ended.
const DAYS: [i64; 4] = [0, 1, 7, 21];

/// A file with a certificate whose end is watched.
pub struct CertificateFile(PathBuf);

impl CertificateFile {
    /// The certificates of the page and of MQTT, and those in `notices.certificates`.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn of_settings(settings: &Settings) -> Result<Vec<Self>, SettingError> {
        let mut files: Vec<PathBuf> = settings.get("notices.certificates")?;
        files.push(settings.get("http.tls_certificate")?);
        files.push(settings.get("mqtt.tls_certificate")?);
        files.retain(|file| !file.as_os_str().is_empty());
        files.sort();
        files.dedup();
        Ok(files.into_iter().map(Self).collect())
    }

    /// What is to be told of the certificate now. A file that cannot be read is left to those who use it.
    pub(super) fn notice(&self, now: Timestamp) -> Option<Notice> {
        let end = std::fs::read(&self.0)
            .map_err(anyhow::Error::from)
            .and_then(|pem| service::certificate_end(&pem));
        match end {
            Ok(end) => notice(&self.0, end, now),
            Err(e) => {
                debug!("{}: {e:#}", self.0.display());
                None
            }
        }
    }
}

fn notice(path: &Path, end: Timestamp, now: Timestamp) -> Option<Notice> {
    let day = DAYS
        .into_iter()
        .find(|day| end <= now.saturating_add((day * 24).hours()).unwrap_or(Timestamp::MAX))?;
    let path = path.display();
    let date = end.round(Unit::Minute).unwrap_or(end);
    let (subject, happens) = match day {
        0 => ("A certificate of Millrace has expired".to_owned(), "ended"),
        1 => ("A certificate of Millrace expires within a day".to_owned(), "ends"),
        days => (format!("A certificate of Millrace expires within {days} days"), "ends"),
    };
    let text = format!(
        "The certificate in {path} {happens} at {date}.\n\nWho connects over TLS is refused from then on: browsers, devices \
         and other programs. Renew it: with a certificate authority of Millrace by the same `millrace ca server` command as \
         before, else where it came from. A running Millrace takes the new files within seconds."
    );
    Some(Notice { name: format!("certificate {path} {end} {day}"), subject, text, made_at: now, tries: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_made_21_and_7_days_and_a_day_before_the_end() {
        let end = Timestamp::UNIX_EPOCH;
        let at = |hours: i64| notice(Path::new("a.pem"), end, end - hours.hours());
        let subject = |hours| at(hours).map(|notice| notice.subject);
        assert_eq!(subject(21 * 24 + 1), None);
        for (hours, expected) in [
            (21 * 24, "expires within 21 days"),
            (8 * 24, "expires within 21 days"),
            (7 * 24, "expires within 7 days"),
            (24, "expires within a day"),
            (0, "has expired"),
            (-9, "has expired"),
        ] {
            assert_eq!(subject(hours), Some(format!("A certificate of Millrace {expected}")), "{hours}");
        }
        assert_eq!(at(20 * 24).unwrap().name, at(9 * 24).unwrap().name, "one notice");
        assert_ne!(at(20 * 24).unwrap().name, at(2 * 24).unwrap().name);
    }
}
