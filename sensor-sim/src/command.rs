//! The command line: what it says, and which job that asks for.

mod load;
mod replay;
mod run;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use broker::BrokerUrl;
use clap::{Args, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use self::load::LoadArgs;
pub use self::load::ShareDone;
use self::replay::ReplayArgs;
use self::run::RunArgs;
use crate::{Tally, run_counted};

/// Publishes simulated or recorded readings to an MQTT broker, and forgets none before its PUBACK.
#[derive(Debug, Parser)]
#[command(name = "sensor-sim", version)]
pub struct Command {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Simulates devices that measure now.
    Run(RunArgs),
    /// Publishes recorded readings from a CSV file, with their recorded times.
    Replay(ReplayArgs),
    /// Publishes as many readings as asked for, and measures the broker.
    Load(LoadArgs),
    /// Exits with 0 when a simulation that runs with `--admin` gets its readings acked.
    Healthcheck(HealthArgs),
}

#[derive(Debug, Args)]
struct HealthArgs {
    /// What the simulation was given as `--admin`.
    #[arg(long, value_name = "ADDRESS")]
    admin: SocketAddr,
}

#[derive(Debug, Args)]
struct Common {
    /// Where to publish: mqtt://[user:password@]host[:port]; as MILLRACE_BROKER a password stays out of the
    /// process list.
    #[arg(long, env = "MILLRACE_BROKER", default_value = "mqtt://127.0.0.1:1883", hide_env_values = true)]
    broker: Secret,
    /// Prints the summary as JSON.
    #[arg(long)]
    json: bool,
    /// Writes a line `device boot seq` for each reading as it is acked.
    #[arg(long, value_name = "FILE")]
    acked_log: Option<PathBuf>,
}

/// A text that may hold a password: it is read late, so that no message about it can show it.
#[derive(Clone)]
struct Secret(String);

/// Why a job did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for cannot be done; nothing was sent.
    Usage(anyhow::Error),
    /// It was begun and could not be done in full.
    Job(anyhow::Error),
}

impl Failure {
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }
}

impl Command {
    /// Whether the summary is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.job.common().is_some_and(|common| common.json)
    }

    /// Where to ask for the health of another process, if that is the job.
    #[must_use]
    pub fn healthcheck(&self) -> Option<SocketAddr> {
        match &self.job {
            Job::Healthcheck(args) => Some(args.admin),
            _ => None,
        }
    }

    /// Where the health of this one is to be served.
    #[must_use]
    pub fn admin(&self) -> Option<SocketAddr> {
        match &self.job {
            Job::Run(args) => args.admin,
            _ => None,
        }
    }

    /// Whether it has an end worth watching for.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        !matches!(self.job, Job::Run(_))
    }

    /// How much of the job is done, from 0 to 1, where that can be known.
    #[must_use]
    pub fn share_done(&self) -> Option<ShareDone> {
        match &self.job {
            Job::Load(args) => Some(args.share_done()),
            _ => None,
        }
    }

    /// What the job will count with.
    ///
    /// # Errors
    /// The log of acked readings cannot be written.
    pub fn tally(&self) -> Result<Tally, Failure> {
        let log = self.job.common().and_then(|common| common.acked_log.as_ref());
        let Some(path) = log else { return Ok(Tally::default()) };
        let tally = Tally::logging_to(path).with_context(|| format!("create {}", path.display()));
        tally.map_err(Failure::Usage)
    }

    /// Does the job until it is done or told to stop, and waits until all is acked; what there is to say besides
    /// the counts.
    ///
    /// # Errors
    /// The job was not done in full, for another reason than readings that are un-acked.
    pub async fn perform(self, tally: Arc<Tally>, stop: CancellationToken) -> Result<String, Failure> {
        match self.job {
            Job::Run(args) => run_counted(args.config()?, tally, stop).await.map_err(Failure::usage)?,
            Job::Replay(args) => return args.replay(tally, stop).await,
            Job::Load(args) => crate::load(args.config()?, tally, stop).await.map_err(Failure::usage)?,
            Job::Healthcheck(args) => service::ask_ready(args.admin).await.map_err(Failure::Job)?,
        }
        Ok(String::new())
    }
}

impl Job {
    fn common(&self) -> Option<&Common> {
        match self {
            Self::Run(args) => Some(&args.common),
            Self::Replay(args) => Some(&args.common),
            Self::Load(args) => Some(&args.common),
            Self::Healthcheck(_) => None,
        }
    }
}

impl Common {
    fn broker(&self) -> Result<BrokerUrl, Failure> {
        self.broker.0.parse().context("--broker").map_err(Failure::Usage)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Command, String> {
        Command::try_parse_from(line.split(' ')).map_err(|e| e.to_string())
    }

    /// What is wrong with a command line that can be parsed.
    async fn refused(line: &str) -> String {
        let command = parse(line).unwrap();
        let performed = command.perform(Arc::default(), CancellationToken::new()).await;
        match performed.unwrap_err() {
            Failure::Usage(e) => format!("{e:#}"),
            Failure::Job(e) => panic!("{line} was begun: {e:#}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Command::command().debug_assert();
    }

    #[test]
    fn what_cannot_be_parsed_is_refused() {
        for line in [
            "sensor-sim",
            "sensor-sim run --interval soon",
            "sensor-sim run --metric light",
            "sensor-sim run --devices 0",
            "sensor-sim run --devices 2 --device lab",
            "sensor-sim load --batch 501",
            "sensor-sim load --window 0",
            "sensor-sim load --connections 0",
            "sensor-sim healthcheck",
            "sensor-sim replay x.csv --batch 501",
            "sensor-sim replay",
            "sensor-sim replay x.csv --delimiter ;;",
            "sensor-sim replay x.csv --device lab --device-column 1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("sensor-sim replay x.csv --delimiter tab --missing -200 --missing -1").is_ok());
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
        for (line, why) in [
            ("sensor-sim run --interval 0s", "the interval is too short"),
            ("sensor-sim run --device a.b", "device \"a.b\""),
            ("sensor-sim load --connections 5 --devices 4", "--devices must be at least --connections: 5"),
            ("sensor-sim load --rate 0", "--rate must be"),
            ("sensor-sim load --rate NaN", "--rate must be"),
            ("sensor-sim load --bad 2", "--bad must be"),
            ("sensor-sim replay x.csv --speed -1", "unexpected"),
            ("sensor-sim replay no-such-file.csv", "read no-such-file.csv"),
            ("sensor-sim replay x.csv --speed 0", "--speed must be"),
        ] {
            let said = match parse(line) {
                Ok(_) => refused(line).await,
                Err(e) => e,
            };
            assert!(said.contains(why), "{line}: {said}");
        }
    }

    #[tokio::test]
    async fn no_message_shows_the_password() {
        for line in [
            "sensor-sim run --broker http://ann:secret@lab",
            "sensor-sim load --broker mqtt://ann:secret@lab:0",
        ] {
            assert!(!format!("{:?}", parse(line)).contains("secret"));
            let said = refused(line).await;
            assert!(said.starts_with("--broker: ") && !said.contains("secret"), "{said}");
        }
    }
}
