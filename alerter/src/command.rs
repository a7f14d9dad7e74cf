//! What people ask of alerts on the command line, of the store itself: it works while the alerter runs, and without it.

mod alerts;
mod rules;
mod silences;
mod table;
mod test;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use service::{SettingError, Settings};
use store::Store;

use self::alerts::{AcknowledgeArgs, ListArgs};
use self::rules::LintArgs;
use self::silences::{SilenceArgs, SilencesArgs};
use self::test::TestArgs;

/// The commands that `alerter` and `millrace alerts` have.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check a file of rules; exit with 1 when it is to be mended
    Lint(LintArgs),
    /// Play what is stored through other rules, and show what would have been told
    Test(TestArgs),
    /// Print alerts, open ones first
    List(ListArgs),
    /// Let nobody be told for a time
    Silence(SilenceArgs),
    /// Print the silences that last
    Silences(SilencesArgs),
    /// End a silence
    Unsilence {
        /// As `silences` prints it
        id: String,
    },
    /// Say that somebody sees to an alert: nobody is reminded of it any more
    Acknowledge(AcknowledgeArgs),
}

/// Does what is asked and prints what came of it.
///
/// # Errors
/// What was asked for cannot be, a file of rules is to be mended, or the store does not answer.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let text = match command {
        Command::Lint(args) => rules::lint(settings, &args)?,
        Command::Test(args) => return test::run(settings, args).await,
        command => answer(command, open(settings).await?.as_ref(), Timestamp::now()).await?,
    };
    say(&text);
    Ok(())
}

/// What is answered from the store.
async fn answer(command: Command, store: &dyn Store, now: Timestamp) -> anyhow::Result<String> {
    match command {
        Command::List(args) => alerts::list(store, args).await,
        Command::Acknowledge(args) => alerts::acknowledge(store, args, now).await,
        Command::Silence(args) => silences::add(store, args, now).await,
        Command::Silences(args) => silences::list(store, &args, now).await,
        Command::Unsilence { id } => silences::end(store, &id, now).await,
        Command::Lint(_) | Command::Test(_) => unreachable!("they do not ask the store"),
    }
}

/// The store in the settings; a file is not made where there is none.
async fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    if settings.get::<String>("store.url")?.is_empty() {
        let file = settings.get::<PathBuf>("data_dir")?.join(store::FILE);
        if !file.is_file() {
            let problem =
                format!("there is no database {}: name the folder that the alerter uses", file.display());
            return Err(SettingError::new("data_dir", problem).into());
        }
    }
    service::store(settings).await
}

/// A closed stdout is no reason for another end.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Who asks, unless they say another name.
fn user() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
