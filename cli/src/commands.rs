//! `millrace command`: asks a device to do something, and says what became of it.

use std::io::Write;
use std::time::Duration;

use access::{Authority, Caller};
use anyhow::{Context as _, ensure};
use clap::Args;
use commands::{Config, MAX_ARGS_BYTES, MAX_LIFE, check_name, compact, new_id};
use service::{Failure, Settings};
use store::{
    Cancelled, Change, Command, CommandQuery, CommandState, DESIRED, MAX_OPEN_COMMANDS, Store, TextCodec as _,
};
use telemetry::Series;
use telemetry::time::saturating_add;

use crate::table::{table, time};

/// The exit code of `--wait` where the device could not carry the command out.
const EXIT_FAILED: u8 = 3;

/// The exit code of `--wait` where the time of the command was over.
const EXIT_EXPIRED: u8 = 4;

/// The exit code of `--wait` where the command was cancelled.
const EXIT_CANCELLED: u8 = 5;

/// How often it is looked what became of a command.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Commands that are listed where nobody says how many.
const LISTED: usize = 20;

/// A command to a device, or what is asked of commands.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = CODES)]
pub struct CommandArgs {
    #[command(subcommand)]
    other: Option<Other>,
    /// The device's name in topics, such as site-a/lab
    #[arg(required = true)]
    device: Option<String>,
    /// What to do, such as reboot
    #[arg(required = true, value_name = "COMMAND")]
    name: Option<String>,
    /// With what, as JSON
    #[arg(value_name = "ARGS")]
    args: Option<String>,
    /// How long it is worth sending, such as 10m [default: commands.expires_in]
    #[arg(long, value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    /// Wait until it has ended
    #[arg(long)]
    wait: bool,
}

const CODES: &str = "\
Exit codes of --wait: 0 done, 3 failed, 4 expired, 5 cancelled; 1 anything else, 64 a setting is wrong.";

#[derive(Debug, clap::Subcommand)]
enum Other {
    /// List commands, newest first
    List {
        /// Only those of this device
        device: Option<String>,
        /// Only those in this state: queued, sent, accepted, done, failed, expired or cancelled
        #[arg(long)]
        state: Option<String>,
        /// So many, at most
        #[arg(long, default_value_t = LISTED)]
        limit: usize,
    },
    /// Show all that is known of a command
    Show {
        /// Its id
        id: String,
    },
    /// Cancel a command that has not ended: it is not sent any more
    Cancel {
        /// Its id
        id: String,
    },
}

/// Performs a command and prints its result.
///
/// # Errors
/// It cannot be performed, or the store does not answer; with `--wait`, the device did not carry it out.
pub async fn run(args: CommandArgs, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let authority = Authority::new(store.as_ref(), crate::clock())?;
    let config = Config::from_settings(settings)?;
    let text = perform(args, &authority, store.as_ref(), &config).await?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn perform(
    args: CommandArgs,
    authority: &Authority,
    store: &dyn Store,
    config: &Config,
) -> anyhow::Result<String> {
    match args.other {
        Some(Other::List { device, state, limit }) => list(store, device, state, limit).await,
        Some(Other::Show { id }) => Ok(shown(&found(store, &id).await?)),
        Some(Other::Cancel { id }) => cancel(authority, store, &id).await,
        None => {
            let (wait, command) = (args.wait, made(args, config)?);
            add(authority, &command).await?;
            if wait { outcome(store, &command.id).await } else { Ok(command.id) }
        }
    }
}

fn made(args: CommandArgs, config: &Config) -> anyhow::Result<Command> {
    let (device, name) = (args.device.context("name a device")?, args.name.context("name a command")?);
    Series::new("m", &device).with_context(|| format!("{device} is no name of a device"))?;
    check_name(&name).map_err(anyhow::Error::msg)?;
    ensure!(name != DESIRED, "a desired state is set by PUT /api/devices/NAME/desired");
    let life = args.expires.unwrap_or(config.expires_in);
    ensure!((Duration::from_secs(1)..=MAX_LIFE).contains(&life), "--expires must be 1s to 31days");
    if let Some(args) = &args.args {
        ensure!(args.len() <= MAX_ARGS_BYTES, "ARGS must be at most {MAX_ARGS_BYTES} bytes");
        serde_json::from_str::<serde::de::IgnoredAny>(args)
            .context("ARGS must be JSON, such as '{\"seconds\": 10}'")?;
    }
    let now = crate::clock().wall();
    let args = args.args.as_deref().map(compact);
    Ok(Command { args, ..Command::new(new_id(), device, name, now, saturating_add(now, life)) })
}

async fn add(authority: &Authority, command: &Command) -> anyhow::Result<()> {
    let after = serde_json::json!({ "id": command.id, "command": command.command }).to_string();
    let change = Change::AddCommand(command.clone());
    let made =
        authority.perform(&Caller::command(), change, ("command", &command.device), Some(after)).await?;
    made.map(drop)
        .with_context(|| format!("{} has {MAX_OPEN_COMMANDS} open commands already", command.device))
}

/// Waits until a command has ended.
async fn outcome(store: &dyn Store, id: &str) -> anyhow::Result<String> {
    loop {
        let command = found(store, id).await?;
        let code = match command.state {
            CommandState::Done => return Ok(shown(&command)),
            CommandState::Failed => EXIT_FAILED,
            CommandState::Expired => EXIT_EXPIRED,
            CommandState::Cancelled => EXIT_CANCELLED,
            _ => {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
        };
        let reason = command.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        return Err(Failure { code, message: format!("{id} {}{reason}", command.state.word()) }.into());
    }
}

async fn found(store: &dyn Store, id: &str) -> anyhow::Result<Command> {
    store.command(id).await?.with_context(|| format!("there is no command {id}: see millrace command list"))
}

async fn cancel(authority: &Authority, store: &dyn Store, id: &str) -> anyhow::Result<String> {
    let command = found(store, id).await?;
    let change = Change::CancelCommands(Cancelled::Command(id.to_owned()));
    let after = serde_json::json!({ "id": id }).to_string();
    let deed = ("cancel command", command.device.as_str());
    let ended = authority.perform(&Caller::command(), change, deed, Some(after)).await?;
    ended
        .map(|_| format!("{id} is cancelled"))
        .with_context(|| format!("{id} has ended already: {}", command.state.word()))
}

async fn list(
    store: &dyn Store,
    device: Option<String>,
    state: Option<String>,
    limit: usize,
) -> anyhow::Result<String> {
    let read =
        |word: String| CommandState::read(&word).with_context(|| format!("{word} is no state of a command"));
    let state = state.map(read).transpose()?;
    let query = CommandQuery { device, state, limit, ..CommandQuery::default() };
    let rows: Vec<_> = store.commands(&query).await?.iter().map(row).collect();
    Ok(table(["id", "device", "n", "command", "state", "made", "ended"], &rows))
}

fn row(command: &Command) -> [String; 7] {
    [
        command.id.clone(),
        command.device.clone(),
        command.number.to_string(),
        command.command.clone(),
        command.state.word().to_owned(),
        time(command.created_at),
        command.ended_at.map(time).unwrap_or_default(),
    ]
}

fn shown(command: &Command) -> String {
    let given = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let at = |at: Option<jiff::Timestamp>| at.map_or_else(|| "-".into(), time);
    [
        ("id", command.id.clone()),
        ("device", command.device.clone()),
        ("n", command.number.to_string()),
        ("command", command.command.clone()),
        ("args", given(&command.args)),
        ("state", command.state.word().to_owned()),
        ("made", time(command.created_at)),
        ("by", given(&command.created_by)),
        ("expires", time(command.expires_at)),
        ("sent", format!("{} ({} times)", at(command.sent_at), command.sent_count)),
        ("accepted", at(command.accepted_at)),
        ("ended", at(command.ended_at)),
        ("result", given(&command.result)),
        ("reason", given(&command.reason)),
    ]
    .map(|(name, value)| format!("{name:<9}{value}"))
    .join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use store::{CommandResult, Commands as _};
    use testkit::MemoryStore;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: CommandArgs,
    }

    async fn said(store: &MemoryStore, words: &[&str]) -> anyhow::Result<String> {
        let authority = Authority::new(store, crate::clock()).unwrap();
        let line = Line::try_parse_from(std::iter::once("command").chain(words.iter().copied()))?;
        perform(line.args, &authority, store, &Config::default()).await
    }

    async fn answered(store: &MemoryStore, id: &str, state: CommandState) {
        let reason = Some("no power".to_owned());
        let at = crate::clock().wall();
        let result = CommandResult { id: id.into(), device: "lab".into(), state, result: None, reason, at };
        store.record_result(&result).await.unwrap();
    }

    #[tokio::test]
    async fn a_command_is_made_listed_shown_and_cancelled() {
        let store = MemoryStore::default();
        let id =
            said(&store, &["lab", "set-interval", r#"{"seconds": 10}"#, "--expires", "10m"]).await.unwrap();
        let listed = said(&store, &["list", "lab"]).await.unwrap();
        assert!(listed.contains(&id) && listed.contains("queued"), "{listed}");
        assert!(!said(&store, &["list", "--state", "done"]).await.unwrap().contains(&id));
        let shown = said(&store, &["show", &id]).await.unwrap();
        assert!(
            shown.contains("args     {\"seconds\":10}") && shown.contains("sent     - (0 times)"),
            "{shown}"
        );
        assert_eq!(said(&store, &["cancel", &id]).await.unwrap(), format!("{id} is cancelled"));
        let again = said(&store, &["cancel", &id]).await.unwrap_err().to_string();
        assert!(again.contains("has ended already: cancelled"), "{again}");
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused() {
        let store = MemoryStore::default();
        for words in [
            &["lab"][..],
            &["a b", "x"],
            &["lab", "two words"],
            &["lab", "desired"],
            &["lab", "x", "no json"],
            &["lab", "x", "--expires", "0s"],
            &["lab", "x", "--expires", "32days"],
            &["show", "unknown"],
            &["list", "--state", "new"],
        ] {
            assert!(said(&store, words).await.is_err(), "{words:?}");
        }
    }

    #[tokio::test]
    async fn the_exit_code_says_what_became_of_it() {
        for (state, code) in [(CommandState::Done, None), (CommandState::Failed, Some(EXIT_FAILED))] {
            let store = MemoryStore::default();
            let ends = async {
                while store.open_command("lab").await.unwrap().is_none() {
                    tokio::task::yield_now().await;
                }
                let id = store.open_command("lab").await.unwrap().unwrap().id;
                answered(&store, &id, state).await;
            };
            let (outcome, ()) = tokio::join!(said(&store, &["lab", "reboot", "--wait"]), ends);
            let failure = outcome.as_ref().err().and_then(|e| e.downcast_ref::<Failure>());
            assert_eq!(failure.map(|failure| failure.code), code, "{outcome:?}");
        }
    }
}
