//! The command line and the jobs that it selects.

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
use crate::{Counters, run_counted};

/// Publishes simulated or recorded readings to an MQTT broker, each until it is acknowledged
#[derive(Debug, Parser)]
#[command(name = "sensor-sim", version)]
pub struct Command {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Simulate devices that measure now
    Run(RunArgs),
    /// Publish recorded readings from a CSV file, with their recorded times
    Replay(ReplayArgs),
    /// Publish many readings, and measure how fast the broker acknowledges them
    Load(LoadArgs),
    /// Exit with 0 when a simulation that runs with `--admin` gets its readings acked
    Healthcheck(HealthArgs),
}

#[derive(Debug, Args)]
struct HealthArgs {
    /// The address that the simulation got as `--admin`
    #[arg(long, value_name = "ADDRESS")]
    admin: SocketAddr,
}

#[derive(Debug, Args)]
struct Common {
    /// The broker: mqtt://[user:password@]host[:port], or mqtts:// for TLS, with ?cacertfile=FILE for an authority of your
    /// own. In the environment variable, a password stays out of the process list
    #[arg(long, env = "MILLRACE_BROKER", default_value = "mqtt://127.0.0.1:1883", hide_env_values = true)]
    broker: Secret,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Write a line `device boot seq` for each reading when it is acked
    #[arg(long, value_name = "FILE")]
    acked_log: Option<PathBuf>,
}

/// A text that may contain a password. It is parsed late, so that no message about it can show it.
#[derive(Clone)]
struct Secret(String);

/// Why a job failed.
#[derive(Debug)]
pub enum Failure {
    /// The command line cannot be carried out; nothing was sent.
    Usage(anyhow::Error),
    /// The job began and could not be finished.
    Job(anyhow::Error),
}

impl Failure {
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }
}

impl Command {
    /// Whether to print the summary as JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.job.common().is_some_and(|common| common.json)
    }

    /// The address of the process whose health to check, if that is the job.
    #[must_use]
    pub fn healthcheck(&self) -> Option<SocketAddr> {
        match &self.job {
            Job::Healthcheck(args) => Some(args.admin),
            _ => None,
        }
    }

    /// The address on which this process serves its health.
    #[must_use]
    pub fn admin(&self) -> Option<SocketAddr> {
        match &self.job {
            Job::Run(args) => args.admin,
            _ => None,
        }
    }

    /// Whether the job ends by itself, so that progress can be shown.
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

    /// The counters of the job, which may also write a log.
    ///
    /// # Errors
    /// The log of acked readings cannot be written.
    pub fn counters(&self) -> Result<Counters, Failure> {
        let log = self.job.common().and_then(|common| common.acked_log.as_ref());
        let Some(path) = log else { return Ok(Counters::default()) };
        let counters = Counters::logging_to(path).with_context(|| format!("create {}", path.display()));
        counters.map_err(Failure::Usage)
    }

    /// Runs the job until it is done or `stop` is cancelled, and waits until everything is acked. Returns a text to
    /// print beside the counts; it may be empty.
    ///
    /// # Errors
    /// The job was not finished, for another reason than un-acked readings.
    pub async fn perform(self, counters: Arc<Counters>, stop: CancellationToken) -> Result<String, Failure> {
        match self.job {
            Job::Run(args) => run_counted(args.config()?, counters, stop).await.map_err(Failure::usage)?,
            Job::Replay(args) => return args.replay(counters, stop).await,
            Job::Load(args) => match args.http()? {
                Some(target) => {
                    let sent = crate::load_over_http(args.config()?, target, counters, stop);
                    return sent.await.map_err(Failure::usage);
                }
                None => crate::load(args.config()?, counters, stop).await.map_err(Failure::usage)?,
            },
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

    /// The error of a command line that can be parsed.
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
