//! `millrace audit`: the record of all changes.

use std::io::Write;
use std::path::{Path, PathBuf};

use access::{
    Erasable, Known, Proof, Segment, Until, Verification, Verified, erase, erase_file, last_archived,
    next_segment, read_heads,
};
use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
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
        /// The files that `audit archive` wrote, in their order, the oldest first: their records are verified, too
        #[arg(long, value_name = "FILE", num_args = 1..)]
        archive: Vec<PathBuf>,
    },
    /// Move the oldest records to a file, which is verified before they are removed; the chain still holds
    Archive(ArchiveArgs),
    /// Erase what records found and left, as laws may demand; the chain still holds. Names in other fields stay
    Erase(EraseArgs),
    /// Print the end of the audit, as `number hash`: kept elsewhere, it shows later whether the audit was rewritten
    Head,
}

/// What `millrace audit archive` is asked.
#[derive(Debug, clap::Args)]
#[group(id = "until", required = true, multiple = false, args = ["before", "to"])]
pub struct ArchiveArgs {
    /// The new file; it must not exist yet
    file: PathBuf,
    /// The records before this time, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
    /// The records up to this number
    #[arg(long, value_name = "NUMBER")]
    to: Option<i64>,
    /// Records in one file, at most: repeat the command with another file for more
    #[arg(long, value_name = "COUNT", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_records: u32,
}

/// What `millrace audit erase` is asked.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["number", "about"])]
pub struct EraseArgs {
    /// The record with this number
    #[arg(long, value_name = "NUMBER")]
    number: Option<i64>,
    /// All records that name this user, mail address or device
    #[arg(long, value_name = "NAME")]
    about: Option<String>,
    /// The files that `audit archive` wrote, in their order, the oldest first: they are written anew
    #[arg(long, value_name = "FILE", num_args = 1..)]
    archive: Vec<PathBuf>,
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
        Command::Verify { heads, key, archive } => {
            let key = key.as_deref();
            let read = heads.iter().map(|file| read(file, key)).collect::<anyhow::Result<Vec<_>>>()?;
            verify(store, &read.concat(), &archive).await
        }
        Command::Archive(args) => archive(store, &args).await,
        Command::Erase(args) => erase_all(store, args).await,
        Command::Head => {
            let Head { number, hash } = store.audit_head().await?;
            Ok(if number == 0 { "0 -".to_owned() } else { format!("{number} {hash}") })
        }
    }
}

async fn verify(store: &dyn Store, kept: &[Head], files: &[PathBuf]) -> anyhow::Result<String> {
    let mut verification = Verification::of_store(store, kept).await?;
    for file in files.iter().rev() {
        let added = Segment::open(file).and_then(|segment| verification.add_file(&segment));
        added.with_context(|| format!("THE AUDIT DOES NOT HOLD with {}", file.display()))?;
    }
    said(verification.finish())
}

fn said(verified: Verified) -> anyhow::Result<String> {
    match verified {
        Verified::Holds(proof) => Ok(held(&proof)),
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

fn held(proof: &Proof) -> String {
    let mut text = format!("the audit holds: {} records", proof.head.number - proof.first + 1);
    if proof.erased > 0 {
        text += &format!("\nthe contents of {} records are erased, as later records say", proof.erased);
    }
    if proof.first > 1 {
        let last = proof.first - 1;
        text += &format!("\nrecords 1 to {last} are in files that were not read: add --archive FILE ...");
    }
    if proof.unread_heads > 0 {
        text += &format!("\n{} of the ends in --heads are in those files", proof.unread_heads);
    }
    text
}

async fn archive(store: &dyn Store, args: &ArchiveArgs) -> anyhow::Result<String> {
    let until = match (args.before, args.to) {
        (Some(time), _) => Until::Before(time),
        (None, number) => Until::Number(number.context("give --before or --to")?),
    };
    let Some(segment) = next_segment(store, until, args.max_records as usize).await? else {
        return Ok("no record is that old: nothing was archived".to_owned());
    };
    segment.write(&args.file)?;
    if let Err(e) = access::archive(store, &segment, crate::clock().wall()).await {
        return Err(e.context(format!(
            "nothing was removed from the audit, remove {}; in a cluster the page's database user may not do this: set store.url \
             (MILLRACE__STORE__URL) to that of the db-writer",
            args.file.display()
        )));
    }
    let (ends, file) = (&segment.ends, args.file.display());
    Ok(format!("records {} to {} are in {file}\nSHA-256 {}", ends.first, ends.last, segment.digest))
}

async fn erase_all(store: &dyn Store, args: EraseArgs) -> anyhow::Result<String> {
    let (now, archived) = (crate::clock().wall(), last_archived(store).await?.map_or(0, |ends| ends.last));
    let which = match (args.number, args.about) {
        (Some(number), _) => Erasable::Number(number),
        (None, about) => Erasable::About(about.context("give --number or --about")?),
    };
    let is_in_a_file = matches!(which, Erasable::Number(number) if number <= archived);
    ensure!(
        !is_in_a_file || !args.archive.is_empty(),
        "this record is in a file: add --archive FILE ..., all files from that one on"
    );
    let mut erased = if is_in_a_file { 0 } else { erase(store, &which, now).await? };
    let mut known = Known::read(store).await?;
    let mut next = archived;
    for file in args.archive.iter().rev() {
        erased += erase_file(store, file, &mut known, &which, now).await?;
        next = Segment::open(file)?.ends.first - 1;
    }
    let mut text = format!("the contents of {erased} records were erased");
    if next > 0 {
        text += &format!("\nrecords 1 to {next} are in files that were not searched: add --archive FILE ...");
    }
    Ok(text)
}

fn read(file: &Path, key: Option<&str>) -> anyhow::Result<Vec<Head>> {
    let problem = || format!("read {}", file.display());
    let text = std::fs::read_to_string(file).with_context(problem)?;
    read_heads(&text, key).with_context(problem)
}
