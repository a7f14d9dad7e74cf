//! From the command line to the exit code.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{CommandFactory, Parser};
use telemetry::{Clock, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::files::restrict_umask;
use crate::{Health, Metrics, SettingError, Settings, admin, door, logging};

/// The exit code for wrong settings: EX_USAGE of sysexits.h.
const EXIT_USAGE: u8 = 64;

/// A failure with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code, 1 to 255.
    pub code: u8,
    /// The message that is printed, one line.
    pub message: String,
}

/// What a service needs from its process.
#[derive(Debug, Clone)]
pub struct Context {
    /// All settings.
    pub settings: Settings,
    /// Where the service reports whether it is ready.
    pub health: Health,
    /// Where the service registers its metrics.
    pub metrics: Metrics,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the service must stop: it finishes what is in flight, then returns.
    pub stop: CancellationToken,
}

/// A program's name and help, and the setting with the address of its health.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The text after the options in its help; may be empty.
    pub after_help: &'static str,
    /// The setting with the address that serves `/readyz`.
    pub listen: &'static str,
}

/// No commands: for a program that only runs.
#[derive(Debug, clap::Subcommand)]
pub enum NoCommands {}

#[derive(Parser)]
#[command(version)]
struct Arguments<C: clap::Subcommand> {
    /// A TOML file with settings; millrace.example.toml lists them all
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command<C>>,
}

#[derive(clap::Subcommand)]
enum Command<C: clap::Subcommand> {
    /// Exit with 0 when the running service is ready
    Healthcheck,
    #[command(flatten)]
    Other(C),
}

/// A name that is the same after a restart in the same container, so that a process need not wait for its own old lease.
#[must_use]
pub fn instance_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}

impl Context {
    /// Reads the settings and starts logging.
    ///
    /// # Errors
    /// A setting is unknown or wrong.
    pub fn load(config: Option<&Path>) -> Result<Self, SettingError> {
        let settings = Settings::load(config)?;
        logging::start(&settings)?;
        door::raise();
        let metrics = Metrics::default();
        let clock = SystemClock::default();
        metrics.describe_process(clock.wall());
        let ready = "Whether the service can do its work, as /readyz says";
        Ok(Self {
            settings,
            health: metrics.add("ready", ready, Health::default()),
            metrics,
            clock: Arc::new(clock),
            stop: CancellationToken::new(),
        })
    }

    /// Serves the admin routes until the process ends.
    ///
    /// # Errors
    /// The address in `admin.listen` cannot be listened on.
    pub fn serve_admin(&self) -> Result<(), SettingError> {
        let listen = self.settings.address("admin.listen")?;
        let door = admin::admin_door(listen, &self.metrics);
        let door = door.map_err(|e| SettingError::cannot_listen("admin.listen", listen, &e))?;
        info!(listen = %door.local_addr(), "health and metrics are served");
        tokio::spawn(admin::serve(door, self.health.clone(), self.metrics.clone()));
        Ok(())
    }

    /// Runs a service until it ends or a signal arrives. After a signal it may finish within the setting `grace`.
    ///
    /// # Errors
    /// The service failed, or did not end in time.
    pub async fn run<F: Future<Output = anyhow::Result<()>>>(&self, service: F) -> anyhow::Result<()> {
        let grace = self.settings.get::<Grace>("grace")?.0;
        let mut service = std::pin::pin!(service);
        tokio::select! {
            end = &mut service => return end,
            name = asked_to_stop() => info!("{}: finishing what is in flight, at most {grace:?}", name?),
        }
        self.health.check("process").fail("stopping");
        self.stop.cancel();
        tokio::select! {
            end = &mut service => end,
            () = tokio::time::sleep(grace) => bail!("did not finish within {grace:?} (setting grace)"),
            name = asked_to_stop() => bail!("{} while stopping: ended at once", name?),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Grace(#[serde(with = "humantime_serde")] Duration);

/// The `main` of every program: without a command it runs the service until a signal, else it runs the command.
pub async fn main<C, R, P>(
    program: Program,
    run: impl FnOnce(Context) -> R,
    perform: impl FnOnce(C, Settings) -> P,
) -> ExitCode
where
    C: clap::Subcommand,
    R: Future<Output = anyhow::Result<()>>,
    P: Future<Output = anyhow::Result<()>>,
{
    restrict_umask();
    let command = Arguments::<C>::command().name(program.name).about(program.about);
    let command = command.after_help(program.after_help);
    let arguments = match parsed::<Arguments<C>>(command) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    exit_code(program.name, async {
        let context = Context::load(arguments.config.as_deref())?;
        match arguments.command {
            None => context.run(Box::pin(run(context.clone()))).await,
            Some(Command::Healthcheck) => healthcheck(&context.settings, program.listen).await,
            Some(Command::Other(command)) => Box::pin(perform(command, context.settings)).await,
        }
    })
    .await
}

/// Parses the command line. Prints the help or what is wrong, where that is the answer.
///
/// # Errors
/// The code to exit with: 0 for help, 64 for a command line that cannot be parsed.
pub fn arguments<A: Parser>() -> Result<A, ExitCode> {
    parsed(A::command())
}

fn parsed<A: Parser>(mut command: clap::Command) -> Result<A, ExitCode> {
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let arguments = matches.and_then(|mut matches| A::from_arg_matches_mut(&mut matches));
    arguments.map_err(|e| {
        let e = e.format(&mut command);
        // The terminal may be closed.
        let _ = e.print();
        if e.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) }
    })
}

/// Asks the service that runs with these settings whether it is ready.
///
/// # Errors
/// It is not reachable or not ready.
async fn healthcheck(settings: &Settings, listen: &str) -> anyhow::Result<()> {
    let address = settings.address(listen)?;
    if listen == "http.listen" && crate::serves_tls(settings)? {
        return admin::ask_ready_over_tls(address).await;
    }
    admin::ask_ready(address).await
}

/// Runs `life`, and prints its error. The exit code is 0 on success, 64 for a wrong setting, a [`Failure`]'s own code,
/// or 1.
pub async fn exit_code(name: &str, life: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let Err(e) = life.await else { return ExitCode::SUCCESS };
    print_error(name, &e);
    match (e.downcast_ref::<SettingError>(), e.downcast_ref::<Failure>()) {
        (Some(_), _) => ExitCode::from(EXIT_USAGE),
        (_, Some(failure)) => ExitCode::from(failure.code),
        _ => ExitCode::FAILURE,
    }
}

/// Prints an error. A closed stderr does not change the exit code.
fn print_error(name: &str, e: &anyhow::Error) {
    let _ = writeln!(std::io::stderr().lock(), "{name}: {e:#}");
}

async fn asked_to_stop() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
