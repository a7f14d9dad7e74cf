//! docs/mqtt-conformance.md lists each statement with its cases.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use e2e::mqtt::Version;

use crate::{CHAPTERS, MOSQUITTO_DIFFERS, clauses};

const HEAD: &str = "# Conformance to MQTT\n\n\
    For people who rely on MQTT's letter: each normative statement that concerns a server, and the case of `make mqtt` \
    that shows it. The cases are in `e2e/tests/mqtt`; each runs over TCP against a fresh `millrace`, and against any \
    other server with `MQTT_ADDRESS=HOST:PORT make mqtt`. Written by `make mqtt`; what Millrace leaves out is in \
    [mqtt.md](mqtt.md).\n";

/// Cases of each statement of a version; what has no number is a section of the specification.
fn shown(version: Version) -> BTreeMap<&'static str, Vec<String>> {
    let mut shown: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (chapter, cases) in CHAPTERS {
        for case in *cases {
            let these = case.clauses.iter().filter(|(of, _)| *of == version);
            for statement in these.flat_map(|(_, statements)| statements.split(' ')) {
                shown
                    .entry(statement)
                    .or_default()
                    .push(format!("{chapter}: {}", case.name.replace('_', " ")));
            }
        }
    }
    shown
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for version in [Version::V311, Version::V5] {
        let shown = shown(version);
        let _ = write!(page, "\n## MQTT {}\n\n| statement | shown by |\n| --- | --- |\n", version.name());
        for statement in clauses::all(version) {
            let cases = shown.get(statement.as_str()).map(|cases| cases.join("; "));
            let reason = || clauses::reason(version, &statement).map(|reason| format!("– {reason}"));
            let _ = writeln!(page, "| MQTT-{statement} | {} |", cases.or_else(reason).unwrap_or_default());
        }
    }
    let _ = write!(page, "\n## Mosquitto\n\nMosquitto 2.0.11 passes the same cases but for these:\n\n");
    for (case, why) in MOSQUITTO_DIFFERS {
        let _ = writeln!(page, "- {}: {why}", case.replace('_', " "));
    }
    page
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/mqtt-conformance.md")
}

#[test]
fn every_statement_has_a_case_or_a_reason() {
    for version in [Version::V311, Version::V5] {
        let shown = shown(version);
        let all = clauses::all(version);
        let unknown: Vec<_> =
            shown.keys().filter(|name| name.contains('-') && !all.iter().any(|one| one == *name)).collect();
        assert!(unknown.is_empty(), "MQTT {} has no statement {unknown:?}", version.name());
        let open: Vec<_> = all.iter().filter(|one| !shown.contains_key(one.as_str())).collect();
        let open: Vec<_> = open.into_iter().filter(|one| clauses::reason(version, one).is_none()).collect();
        assert!(open.is_empty(), "MQTT {}: {open:?} have neither a case nor a reason", version.name());
    }
}

#[test]
fn the_page_lists_the_cases() {
    if std::env::var_os("MQTT_PAGE").is_some() {
        std::fs::write(path(), page()).unwrap();
    }
    let written = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(written == page(), "docs/mqtt-conformance.md is out of date: run `make mqtt`");
}
