//! The page's copy of telemetry's tables of units and words. After changing these, write it with
//! `PAGE_TABLES=1 cargo test -p dashboard --test page_tables`.

use std::fmt::Write;
use std::path::Path;

use telemetry::{Unit, metrics_with_words};

const HEAD: &str = "\
// Generated from telemetry's tables: PAGE_TABLES=1 cargo test -p dashboard --test page_tables

/** A unit: its name, its sign, what it measures, how a value becomes one in the dimension's base unit, other spellings. */
export type UnitRow = [name: string, sign: string, dimension: string, factor: number, offset: number, spellings: string[]];

export const UNITS: UnitRow[] = [
";

const WORDS: &str = "\
];

/** Metrics that have a few states, with the words for their values 0, 1, and so on. */
export const WORDS: [metric: string, words: string[]][] = [
";

fn tables() -> String {
    let mut text = HEAD.to_owned();
    for unit in Unit::all() {
        let (factor, offset) = unit.factor_and_offset();
        let (name, sign, dimension, spellings) =
            (unit.name, unit.sign, unit.dimension(), List(unit.spellings()));
        // JavaScript reads these back as the same numbers.
        let _ = writeln!(text, "  [{name:?}, {sign:?}, {dimension:?}, {factor}, {offset}, {spellings}],");
    }
    text.push_str(WORDS);
    for (metric, words) in metrics_with_words() {
        let _ = writeln!(text, "  [{metric:?}, {}],", List(words));
    }
    text.push_str("];\n");
    text
}

struct List(&'static [&'static str]);

impl std::fmt::Display for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}]", self.0.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", "))
    }
}

#[test]
fn the_page_has_the_tables_of_telemetry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src/ui/tables.ts");
    let tables = tables();
    if std::env::var_os("PAGE_TABLES").is_some() {
        std::fs::write(&path, &tables).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == tables, "{} is out of date: run this test with PAGE_TABLES=1", path.display());
}
