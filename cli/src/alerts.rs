//! The commands on rules, incidents and silences. They use the store directly, so they work with and without a running
//! alerter.

mod incidents;
mod lint;
mod silences;
mod test;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use service::{SettingError, Settings};
use store::Store;
use telemetry::Words;

use self::incidents::{AcknowledgeArgs, ListArgs};
use self::lint::LintArgs;
use self::silences::{SilenceArgs, SilencesArgs};
use self::test::TestArgs;

/// The commands that `alerter` and `millrace alerts` have.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check a file of rules; exits 1 if the file is invalid
    Lint(LintArgs),
    /// Try other rules on stored readings, and show what they would have opened and sent
    Test(TestArgs),
    /// List incidents, open ones first
    List(ListArgs),
    /// Silence notifications of a rule, of devices or of incidents for a period
    Silence(SilenceArgs),
    /// List the current silences
    Silences(SilencesArgs),
    /// End a silence
    Unsilence {
        /// Id of the silence, as shown by `silences`
        id: String,
    },
    /// Acknowledge incidents: no more reminders are sent
    #[command(visible_alias = "ack")]
    Acknowledge(AcknowledgeArgs),
}

/// Performs a command and prints its result.
///
/// # Errors
/// The command cannot be performed, a file of rules is invalid, or the store does not answer.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let text = match command {
        Command::Lint(args) => lint::lint(settings, &args).await?,
        Command::Test(args) => return test::run(settings, args).await,
        command => {
            let (store, words) = (open(settings).await?, crate::words(settings));
            answer(command, store.as_ref(), &words, crate::clock().wall()).await?
        }
    };
    say(&text);
    Ok(())
}

/// Performs a command on the store.
async fn answer(
    command: Command,
    store: &dyn Store,
    words: &Words,
    now: Timestamp,
) -> anyhow::Result<String> {
    match command {
        Command::List(args) => incidents::list(store, args, words, now).await,
        Command::Acknowledge(args) => incidents::acknowledge(store, args, now).await,
        Command::Silence(args) => silences::add(store, args, now).await,
        Command::Silences(args) => silences::list(store, &args, now).await,
        Command::Unsilence { id } => silences::end(store, &id, now).await,
        Command::Lint(_) | Command::Test(_) => unreachable!("they do not ask the store"),
    }
}

/// The store in the settings. A missing database file is an error here, and is not created.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    if settings.get::<String>("store.url")?.is_empty() {
        let file = settings.get::<PathBuf>("data_dir")?.join(store::FILE);
        if !file.is_file() {
            let problem =
                format!("there is no database {}: name the folder that the alerter uses", file.display());
            return Err(SettingError::new("data_dir", problem).into());
        }
    }
    service::store(settings, crate::clock()).await
}

/// Prints; a closed stdout is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// The user of this session.
fn user() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
