//! `lint`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use service::Settings;

use alerter::rules::{Known, RulesError, read, read_default};
use alerter::{Rules, known};

/// The arguments of `lint`.
#[derive(Debug, clap::Args)]
pub struct LintArgs {
    /// The file [default: the rules in force]
    file: Option<PathBuf>,
}

pub(super) fn lint(settings: &Settings, args: &LintArgs) -> anyhow::Result<String> {
    let known = known(settings)?;
    let file = match &args.file {
        Some(file) => file.clone(),
        None => settings.get("alerter.rules")?,
    };
    if file.as_os_str().is_empty() {
        return verdict("the file of default rules", read_default(&known));
    }
    check(&file, &known)
}

fn check(file: &Path, known: &Known) -> anyhow::Result<String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("read {name}"))?;
    verdict(&name, read(&text, known))
}

/// The names of the rules, or everything that is wrong, a line each.
fn verdict(file: &str, read: Result<Rules, RulesError>) -> anyhow::Result<String> {
    match read {
        Ok(rules) if rules.rules.is_empty() => Ok(format!("{file} is good: nothing is watched")),
        Ok(rules) => {
            let names: Vec<_> = rules.rules.iter().map(|rule| rule.name.as_str()).collect();
            Ok(format!("{file} is good: {}", names.join(", ")))
        }
        Err(e) => bail!("{file} is invalid:\n{e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_good_or_every_place_that_is_not_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        let known = known(&Settings::load(None).unwrap()).unwrap();
        for (text, good, expected) in [
            ("", true, "is good: nothing is watched"),
            ("[[rules]]\nname = \"hot\"\nabove = 25.0", true, "is good: hot"),
            ("[[rules]]\nname = \"hot\"\nabove = 25.0\nclear_below = 26\nfro = 1", false, "line 4, column "),
            ("[[rules]]\nname = \"hot\"\nabove = 25.0\nclear_below = 26\nfro = 1", false, "line 5, column "),
            ("rules = [", false, "is invalid:\nline 1, column"),
        ] {
            std::fs::write(&file, text).unwrap();
            let said = check(&file, &known);
            assert_eq!(said.is_ok(), good, "{text}: {said:?}");
            let said = said.unwrap_or_else(|e| e.to_string());
            assert!(said.contains(expected), "{text}: {said}");
        }
        let example =
            include_str!("../../../docs/alerts.md").split("```").find_map(|part| part.strip_prefix("toml"));
        std::fs::write(&file, example.unwrap()).unwrap();
        assert!(check(&file, &known).unwrap().ends_with(" is good: cold-room-warm, silent"));
        std::fs::remove_file(&file).unwrap();
        assert!(check(&file, &known).unwrap_err().to_string().starts_with("read "));
        assert!(verdict("the default rules", read_default(&known)).unwrap().contains("temperature-high"));
    }
}
