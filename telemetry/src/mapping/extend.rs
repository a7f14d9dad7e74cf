//! Adds rules to a file of mappings.

use serde::Deserialize;

use super::{MappingError, Mappings};

/// Most bytes of rules that are added at once.
pub const MAX_ADDED_BYTES: usize = 8 * 1024;

/// A file of mappings with rules added at its end.
#[derive(Debug)]
pub struct Extended {
    /// The whole file.
    pub text: String,
    /// What it says.
    pub mappings: Mappings,
    /// How many rules were added.
    pub added: usize,
}

/// Why rules are not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtendError {
    /// The file is wrong as it is: it must be corrected first.
    #[error("the file as it is is wrong, correct it first: {0}")]
    File(MappingError),
    /// A rule of the file takes the same topics. The first rule wins, so that the new one would never be used.
    #[error("a rule for {0} is there already: change it instead, as the first rule for a topic wins")]
    Known(String),
    /// What is to be added is wrong.
    #[error("{0}")]
    Rules(MappingError),
}

/// What may be added: rules, and nothing that is said of the whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addition {
    #[serde(default)]
    rule: Vec<toml::Table>,
}

/// Adds rules, as TOML with `[[rule]]` above each of them, at the end of a file of mappings.
///
/// # Errors
/// The file or the rules are wrong, each with its own lines; or there is such a rule already.
pub fn extend(file: &str, rules: &str) -> Result<Extended, ExtendError> {
    let before = Mappings::read(file).map_err(ExtendError::File)?;
    let rules = rules.trim_end();
    let added = count(rules).map_err(ExtendError::Rules)?;
    let above = match file.trim_end() {
        "" => String::new(),
        file => format!("{file}\n\n"),
    };
    let text = format!("{above}{rules}\n");
    let lines = above.matches('\n').count();
    let mappings = Mappings::read(&text).map_err(|e| ExtendError::Rules(e.below(lines)))?;
    let known: Vec<_> = before.own_topics().collect();
    if let Some(topic) = mappings.own_topics().skip(known.len()).find(|topic| known.contains(topic)) {
        return Err(ExtendError::Known(topic.to_owned()));
    }
    Ok(Extended { text, mappings, added })
}

/// How many rules there are in what is to be added.
fn count(rules: &str) -> Result<usize, MappingError> {
    let at = |start: usize, problem: &str| MappingError::at(rules, start, problem);
    if rules.len() > MAX_ADDED_BYTES {
        return Err(at(0, &format!("{} bytes of rules: at most {MAX_ADDED_BYTES} are added", rules.len())));
    }
    let addition: Addition =
        toml::from_str(rules).map_err(|e| at(e.span().map_or(0, |span| span.start), e.message().trim()))?;
    // Anything else would belong to the last table of the file.
    let mut lines = rules.lines().map(str::trim_start);
    let begins = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    if addition.rule.is_empty() || !begins.is_some_and(|line| line.starts_with("[[")) {
        return Err(at(0, "there is no rule: write [[rule]] above each"));
    }
    Ok(addition.rule.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMP: &str =
        "[[rule]]\ntopic = \"lamp/{d}\"\nformat = \"text\"\ndevice = \"{d}\"\nmetric = \"on\"\n";

    #[test]
    fn rules_are_added_at_the_end() {
        let file = "# mine\nzone = \"Europe/Berlin\"\n[[rule]]\ntopic = \"a/b\"\nignore = true\n\n\n";
        let both = extend(file, LAMP).unwrap();
        assert_eq!(both.text, format!("{}\n\n{LAMP}", file.trim_end()));
        assert_eq!(both.mappings.own_topics().collect::<Vec<_>>(), ["a/b", "lamp/{d}"]);
        assert_eq!((both.added, extend("", LAMP).unwrap().text.as_str()), (1, LAMP));
        let two = extend("", &format!("# two\n{LAMP}{}", LAMP.replace("lamp", "bulb"))).unwrap();
        assert_eq!(two.added, 2);
    }

    #[test]
    fn what_is_wrong_is_named_in_its_own_lines() {
        let file = "[[rule]]\ntopic = \"a/b\"\nignore = true\n[zones]\n";
        for (rules, expected) in [
            ("", "line 1, column 1: there is no rule"),
            ("topic = \"x\"", "line 1, column 1: unknown field `topic`"),
            ("use = []\n[[rule]]\ntopic = \"x\"", "line 1, column 1: unknown field `use`"),
            ("rule = [{ topic = \"x\", ignore = true }]", "line 1, column 1: there is no rule"),
            ("[[rule]]\ntopic = ", "line 2, column 8: "),
            ("# new\n[[rule]]\ntopic = \"x/{y\"", "line 3, column 9: "),
            ("[[rule]]\ntopic = \"x/y\"\nignored = true", "line 3, column 1: unknown field `ignored`"),
        ] {
            match extend(file, rules) {
                Err(ExtendError::Rules(e)) => assert!(e.to_string().starts_with(expected), "{rules}: {e}"),
                other => panic!("{rules}: {other:?}"),
            }
        }
        let long = format!("{LAMP}#{}", "x".repeat(MAX_ADDED_BYTES));
        assert!(matches!(extend(file, &long), Err(ExtendError::Rules(_))));
    }

    #[test]
    fn a_file_that_is_wrong_and_a_rule_that_is_there_are_refused() {
        assert!(matches!(extend("[[rule]]\ntopic = 1", LAMP), Err(ExtendError::File(_))));
        assert_eq!(extend(LAMP, LAMP).unwrap_err(), ExtendError::Known("lamp/{d}".into()));
        let inline = "rule = [{ topic = \"x/y\", ignore = true }]\n";
        assert!(matches!(extend(inline, LAMP), Err(ExtendError::Rules(_))));
    }
}
