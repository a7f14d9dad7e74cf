//! `millrace audit`: the record of all changes.

use std::io::Write;
use std::path::{Path, PathBuf};

use access::{Verified, verify};
use anyhow::{Context as _, bail};
use service::Settings;
use store::{Head, Store};

/// The commands on the audit.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Recompute the audit from its contents, and name the first record that does not fit; exits 1 if there is one
    Verify {
        /// Lines `number hash`, as `audit head` printed them before: these ends of the audit must be in it
        #[arg(long, value_name = "FILE")]
        heads: Vec<PathBuf>,
    },
    /// Print the end of the audit, as `number hash`: kept elsewhere, it shows later whether the audit was rewritten
    Head,
}

/// Performs a command and prints its result.
///
/// # Errors
/// The audit does not hold, a file cannot be read, or the store does not answer.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let text = perform(command, store.as_ref()).await?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn perform(command: Command, store: &dyn Store) -> anyhow::Result<String> {
    match command {
        Command::Verify { heads } => {
            let read = heads.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<_>>>()?;
            said(verify(store, &read.concat()).await?)
        }
        Command::Head => {
            let Head { number, hash } = store.audit_head().await?;
            Ok(if number == 0 { "0 -".to_owned() } else { format!("{number} {hash}") })
        }
    }
}

fn said(verified: Verified) -> anyhow::Result<String> {
    match verified {
        Verified::Holds(head) => Ok(format!("the audit holds: {} records", head.number)),
        Verified::Broken(broken) => bail!("THE AUDIT DOES NOT HOLD: {broken}"),
        Verified::CutOff { last, recorded } => {
            bail!("THE AUDIT DOES NOT HOLD: it ends with record {last}, and there were {recorded}")
        }
        Verified::Rewritten(head) => bail!(
            "THE AUDIT DOES NOT HOLD: record {} had the hash {} before: it, or one before it, was rewritten",
            head.number,
            head.hash
        ),
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<Head>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let head = line.split_once(' ').and_then(|(number, hash)| {
                Some(Head { number: number.parse().ok()?, hash: hash.trim().to_owned() })
            });
            head.with_context(|| format!("{}: {line:?} is not `number hash`", file.display()))
        })
        .collect()
}
