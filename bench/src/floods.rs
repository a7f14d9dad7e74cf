//! The part `floods`: what a peer can make grow, before, while and after it does. It is written to docs/limits.md.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use e2e::floods::{FLOODS, InUse, flood};

use crate::report::MIB;

const BEGIN: &str = "<!-- floods: written by `make bench NAME=floods` -->\n";
const END: &str = "<!-- end of floods -->\n";

const HEAD: &str = "\
    ## Floods\n\n\
    What one peer does, and what `millrace` has in use before → meanwhile (memory: at most) → afterwards, under `ulimit -v \
    2000000` and `ulimit -n 4096`. PUBACK is the 99th percentile of a device that publishes all the while and has nothing \
    to do with it. `e2e/tests/limits.rs` holds the limits.\n\n\
    | flood | memory, MiB | disk, MiB | log, KiB | open files | PUBACK p99, ms |\n\
    | --- | --- | --- | --- | --- | --- |\n";

/// Runs all floods, one after the other, each against a fresh process.
pub(crate) fn measure() -> String {
    let mut text = HEAD.to_owned();
    for this in FLOODS {
        let _ = writeln!(std::io::stderr().lock(), "floods: {}", this.what);
        let flooded = flood(this);
        let of = |figure: fn(&InUse) -> f64, digits: usize| {
            let [before, during, after] =
                [flooded.before, flooded.during, flooded.after].map(|use_| figure(&use_));
            format!("{before:.digits$} → {during:.digits$} → {after:.digits$}")
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            this.what,
            of(|in_use| in_use.memory_bytes as f64 / MIB, 0),
            of(|in_use| in_use.disk_bytes as f64 / MIB, 1),
            of(|in_use| in_use.log_bytes as f64 / 1024.0, 1),
            of(|in_use| in_use.open_files as f64, 0),
            of(|in_use| in_use.puback_p99.as_secs_f64() * 1e3, 1),
        );
    }
    text
}

/// Replaces the table in docs/limits.md, or adds it at the end.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(path).context("read docs/limits.md")?;
    let section = format!("{BEGIN}\n{}\n\n{END}", text.trim());
    let page = match page.split_once(BEGIN) {
        None => format!("{}\n\n{section}", page.trim_end()),
        Some((before, rest)) => {
            let after = rest.split_once(END).map(|(_, after)| after);
            ensure!(after.is_some(), "docs/limits.md has no line {END}");
            format!("{before}{section}{}", after.unwrap_or_default())
        }
    };
    std::fs::write(path, page).context("write docs/limits.md")
}
