//! The file of rules, read again whenever it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use service::{SettingError, Settings};
use telemetry::CollectedMetrics;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

use super::parse::{self, Known, RulesError};
use super::rule::Rules;
use crate::counters::Counters;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A file that changes is read when it has stayed the same for this long: half of one may be good, and ends incidents.
const SETTLED: Duration = Duration::from_millis(300);

/// What rules may refer to.
///
/// # Errors
/// A setting is wrong.
pub fn known(settings: &Settings) -> Result<Known, SettingError> {
    let zone: String = settings.get("smtp.zone")?;
    let zone = if zone.is_empty() { Ok(TimeZone::system()) } else { TimeZone::get(&zone) };
    let problem = "there is no such time zone: write an IANA name such as Europe/Berlin";
    let zone = zone.map_err(|_| SettingError::new("smtp.zone", problem))?;
    let metrics = settings.get::<CollectedMetrics>("metrics")?.names().map(str::to_owned).collect();
    Ok(Known { metrics, mail_to: settings.get("smtp.to")?, zone })
}

/// The rules in the setting `alerter.rules`.
#[derive(Debug, Clone)]
pub struct RulesFile {
    /// None: the rules that are compiled in.
    path: Option<PathBuf>,
    known: Known,
}

impl RulesFile {
    /// # Errors
    /// A setting is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let path: PathBuf = settings.get("alerter.rules")?;
        let known = known(settings)?;
        Ok(Self { path: (!path.as_os_str().is_empty()).then_some(path), known })
    }

    /// The same settings with another file.
    #[must_use]
    pub fn at(self, path: PathBuf) -> Self {
        Self { path: Some(path), ..self }
    }

    /// # Errors
    /// The file cannot be read, or is wrong: a line for each place.
    pub fn read(&self) -> Result<Rules, SettingError> {
        let text = self.text().map_err(|e| SettingError::new("alerter.rules", e))?;
        self.parse(&text).map_err(|e| SettingError::new("alerter.rules", e))
    }

    fn text(&self) -> Result<String, String> {
        match &self.path {
            None => Ok(String::new()),
            Some(path) => {
                std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
            }
        }
    }

    fn parse(&self, text: &str) -> Result<Rules, String> {
        match &self.path {
            None => parse::read_default(&self.known).map_err(|e| e.to_string()),
            Some(path) => {
                let named = |e: RulesError| {
                    let lines = e.lines().iter().map(|line| format!("{}: {line}", path.display()));
                    lines.collect::<Vec<_>>().join("\n")
                };
                parse::read(text, &self.known).map_err(named)
            }
        }
    }

    /// Reads the file when it changes and when SIGHUP comes; what is wrong in it is logged, and the old rules stay.
    pub async fn follow(self, rules: watch::Sender<Arc<Rules>>, counters: Counters) {
        counters.rules_loaded.set(1);
        let Some(mut hang_up) = self.path.as_ref().and_then(|_| signal(SignalKind::hangup()).ok()) else {
            return;
        };
        let mut last = self.text();
        // It may have changed since the rules in force were read.
        self.replace(&rules, last.clone(), &counters);
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                _ = hang_up.recv() => true,
            };
            if asked || self.text() != last {
                last = self.settled().await;
                self.replace(&rules, last.clone(), &counters);
            }
        }
    }

    async fn settled(&self) -> Result<String, String> {
        let mut text = self.text();
        loop {
            tokio::time::sleep(SETTLED).await;
            let now = self.text();
            if now == text {
                return text;
            }
            text = now;
        }
    }

    fn replace(&self, rules: &watch::Sender<Arc<Rules>>, text: Result<String, String>, counters: &Counters) {
        match text.and_then(|text| self.parse(&text)) {
            Ok(new) => {
                counters.rules_loaded.set(1);
                let names = new.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>().join(", ");
                let old = Arc::clone(&rules.borrow());
                let removed = old.rules.iter().filter(|rule| new.named(&rule.name).is_none());
                let removed = removed.map(|rule| rule.name.as_str()).collect::<Vec<_>>().join(", ");
                let changed = rules.send_if_modified(|old| {
                    let differs = **old != new;
                    *old = Arc::new(new);
                    differs
                });
                info!(changed, rules = names, removed, "the rules were read again");
            }
            Err(e) => {
                counters.rules_loaded.set(0);
                counters.rules_refused.inc();
                error!("the old rules stay in force: {e}");
            }
        }
    }
}
