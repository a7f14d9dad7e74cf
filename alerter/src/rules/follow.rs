//! The file of rules, read again whenever it changes.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use service::{SettingError, Settings, TextFile};
use telemetry::CollectedMetrics;
use tokio::sync::watch;
use tracing::{error, info};

use super::parse::{self, Known, RulesError};
use super::rule::Rules;
use crate::counters::Counters;

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
    file: Option<TextFile>,
    known: Known,
}

impl RulesFile {
    /// # Errors
    /// A setting is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let path: PathBuf = settings.get("alerter.rules")?;
        let known = known(settings)?;
        Ok(Self { file: (!path.as_os_str().is_empty()).then(|| TextFile::new(path)), known })
    }

    /// The same settings with another file.
    #[must_use]
    pub fn at(self, path: PathBuf) -> Self {
        Self { file: Some(TextFile::new(path)), ..self }
    }

    /// # Errors
    /// The file cannot be read, or is wrong: a line for each place.
    pub fn read(&self) -> Result<Rules, SettingError> {
        let text = self.text().map_err(|e| SettingError::new("alerter.rules", e))?;
        self.parse(&text).map_err(|e| SettingError::new("alerter.rules", e))
    }

    fn text(&self) -> Result<String, String> {
        self.file.as_ref().map_or_else(|| Ok(String::new()), TextFile::read)
    }

    fn parse(&self, text: &str) -> Result<Rules, String> {
        match &self.file {
            None => parse::read_default(&self.known).map_err(|e| e.to_string()),
            Some(file) => {
                let named = |e: RulesError| {
                    let lines = e.lines().iter().map(|line| format!("{}: {line}", file.path().display()));
                    lines.collect::<Vec<_>>().join("\n")
                };
                parse::read(text, &self.known).map_err(named)
            }
        }
    }

    /// Reads the file when it changes and when SIGHUP comes; what is wrong in it is logged, and the old rules stay.
    pub async fn follow(self, rules: watch::Sender<Arc<Rules>>, counters: Counters) {
        counters.rules_loaded.set(1);
        if let Some(file) = &self.file {
            file.follow(|text| self.replace(&rules, text, &counters)).await;
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
