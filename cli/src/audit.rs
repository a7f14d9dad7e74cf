//! `millrace audit`: the record of all changes.

use std::io::Write;
use std::path::{Path, PathBuf};

use access::{Verified, read_heads, verify};
use anyhow::{Context as _, bail};
use service::Settings;
use store::{Head, Store};

/// The commands on the audit.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Recompute the audit from its contents, and name the first record that does not fit; exits 1 if there is one
    Verify {
        /// Files with ends of the audit, as `audit head` printed them or as mails have them: they must be in it
        #[arg(long, value_name = "FILE")]
        heads: Vec<PathBuf>,
        /// The public key that must have signed the ends in mails
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
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
        Command::Verify { heads, key } => {
            let key = key.as_deref();
            let read = heads.iter().map(|file| read(file, key)).collect::<anyhow::Result<Vec<_>>>()?;
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

fn read(file: &Path, key: Option<&str>) -> anyhow::Result<Vec<Head>> {
    let problem = || format!("read {}", file.display());
    let text = std::fs::read_to_string(file).with_context(problem)?;
    read_heads(&text, key).with_context(problem)
}
