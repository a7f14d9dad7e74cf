//! Filters of devices as regular expressions.

use telemetry::{Filter, Scope};

/// A regular expression that matches the devices of a scope; None where it holds all.
pub(crate) fn scope_pattern(scope: &Scope) -> Option<String> {
    let patterns: Vec<_> = scope.filters().iter().map(pattern).collect();
    (!patterns.is_empty()).then(|| patterns.join("|"))
}

/// A regular expression that matches the same devices; no level has a character that it could take for a sign.
pub(crate) fn pattern(filter: &Filter) -> String {
    let mut pattern = String::from("^");
    for (i, level) in filter.as_str().split('/').enumerate() {
        let slash = if i > 0 { "/" } else { "" };
        match level {
            "#" if i > 0 => pattern += "(/.*)?",
            "#" => pattern += ".*",
            "+" => pattern += &format!("{slash}[^/]*"),
            level => pattern += &format!("{slash}{level}"),
        }
    }
    pattern + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_becomes_a_regular_expression() {
        for (filter, expected) in [
            ("#", "^.*$"),
            ("lab", "^lab$"),
            ("site-a/#", "^site-a(/.*)?$"),
            ("+", "^[^/]*$"),
            ("+/rack-1/+/#", "^[^/]*/rack-1/[^/]*(/.*)?$"),
        ] {
            assert_eq!(pattern(&filter.parse().unwrap()), expected);
        }
        assert_eq!(scope_pattern(&Scope::all()), None);
        let some = Scope::read(["lab", "site-a/+"]).unwrap();
        assert_eq!(scope_pattern(&some).as_deref(), Some("^lab$|^site-a/[^/]*$"));
    }
}
