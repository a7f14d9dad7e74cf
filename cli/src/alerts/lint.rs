//! `lint`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use service::{SettingError, Settings};
use store::Store;

use alerter::rules::{Known, RulesError, read, read_default};
use alerter::{Evaluator, Rules, known, removed};

/// The arguments of `lint`.
#[derive(Debug, clap::Args)]
pub struct LintArgs {
    /// The file [default: the rules in force]
    file: Option<PathBuf>,
}

pub(super) async fn lint(settings: &Settings, args: &LintArgs) -> anyhow::Result<String> {
    let known = known(settings)?;
    let file = match &args.file {
        Some(file) => file.clone(),
        None => settings.get("alerter.rules")?,
    };
    if file.as_os_str().is_empty() {
        return Ok(format!(
            "the default rules are valid: {}",
            names(&valid("the default rules", read_default(&known))?)
        ));
    }
    let rules = check(&file, &known)?;
    let ends = match super::open(settings).await {
        Ok(store) => ends(store.as_ref(), rules.clone(), crate::clock().wall()).await?,
        // Files are checked where there is no database, too.
        Err(e) if e.is::<SettingError>() => String::new(),
        Err(e) => format!("\nwhich open incidents would end is unknown: {e:#}"),
    };
    Ok(format!("{} is valid: {}{ends}", file.display(), names(&rules)))
}

fn check(file: &Path, known: &Known) -> anyhow::Result<Rules> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("read {name}"))?;
    valid(&name, read(&text, known))
}

/// The rules, or everything that is wrong, a line each.
fn valid(file: &str, read: Result<Rules, RulesError>) -> anyhow::Result<Rules> {
    match read {
        Ok(rules) => Ok(rules),
        Err(e) => bail!("{file} is invalid:\n{e}"),
    }
}

fn names(rules: &Rules) -> String {
    let names: Vec<_> = rules.rules.iter().map(|rule| rule.name.as_str()).collect();
    if names.is_empty() { "no rules, nothing is watched".into() } else { names.join(", ") }
}

/// A line for each rule whose open incidents would end, as the rules in the file no longer have it.
pub(super) async fn ends(store: &dyn Store, rules: Rules, now: Timestamp) -> anyhow::Result<String> {
    let (states, latest) = (store.alert_states().await?, store.latest().await?);
    let (_, changes) = Evaluator::resume(Arc::new(rules), states, &latest, now);
    let mut lines = String::new();
    for (rule, count) in removed(&changes).into_iter().collect::<BTreeMap<_, _>>() {
        let incidents = if count == 1 { "1 open incident" } else { &format!("{count} open incidents") };
        let _ = write!(
            lines,
            "\n{incidents} of rule {rule:?} would end: it is removed, or changed to another kind or other devices"
        );
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_good_or_every_place_that_is_not_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        let known = known(&Settings::load(None).unwrap()).unwrap();
        for (text, expected) in [
            ("[[rules]]\nname = \"hot\"\nabove = 25.0", "hot"),
            ("rules = []", "no rules, nothing is watched"),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(names(&check(&file, &known).unwrap()), expected);
        }
        for (text, expected) in [
            ("", "is invalid:\nline 1, column 1: there are no rules: write [[rules]]"),
            ("group_wait = \"5s\"", "line 1, column 1: there are no rules"),
            ("[[rules]]\nname = \"hot\"\nabove = 25.0\nclear_below = 26\nfro = 1", "line 4, column "),
            ("[[rules]]\nname = \"hot\"\nabove = 25.0\nclear_below = 26\nfro = 1", "line 5, column "),
            ("rules = [", "is invalid:\nline 1, column"),
        ] {
            std::fs::write(&file, text).unwrap();
            let said = check(&file, &known).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
        let example =
            include_str!("../../../docs/alerts.md").split("```").find_map(|part| part.strip_prefix("toml"));
        std::fs::write(&file, example.unwrap()).unwrap();
        assert_eq!(names(&check(&file, &known).unwrap()), "cold-room-warm, silent");
        std::fs::remove_file(&file).unwrap();
        assert!(check(&file, &known).unwrap_err().to_string().starts_with("read "));
        assert!(names(&read_default(&known).unwrap()).contains("temperature-high"));
    }
}
