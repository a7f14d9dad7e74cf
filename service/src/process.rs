//! From the command line to the exit code.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{Health, Metrics, SettingError, Settings, admin, logging};

/// Exit code for settings that must be changed, as sysexits.h has it.
const EXIT_USAGE: u8 = 64;

/// A failure with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct Failure {
    pub code: u8,
    pub said: String,
}

/// What a service is handed.
#[derive(Debug, Clone)]
pub struct Context {
    pub settings: Settings,
    pub health: Health,
    pub metrics: Metrics,
    /// Cancelled when the service is to stop: finish what is in flight, then return.
    pub stop: CancellationToken,
}

#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A TOML file with settings; millrace.example.toml lists them all
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Exit with 0 when the running service is ready
    Healthcheck,
}

impl Context {
    /// Reads the settings and starts logging.
    ///
    /// # Errors
    /// A setting is unknown or wrong.
    pub fn load(config: Option<&Path>) -> Result<Self, SettingError> {
        let settings = Settings::load(config)?;
        logging::start(&settings.get::<String>("log")?)?;
        Ok(Self {
            settings,
            health: Health::default(),
            metrics: Metrics::default(),
            stop: CancellationToken::new(),
        })
    }

    /// Serves the admin routes until the process ends.
    ///
    /// # Errors
    /// The address in `admin.listen` cannot be listened on.
    pub async fn serve_admin(&self) -> Result<(), SettingError> {
        let listener = admin::bind("admin.listen", self.settings.get("admin.listen")?).await?;
        if let Ok(address) = listener.local_addr() {
            info!(listen = %address, "health and metrics are served");
        }
        tokio::spawn(admin::serve(listener, self.health.clone(), self.metrics.clone()));
        Ok(())
    }

    /// Runs a service until it ends or a signal asks it to; it then has the time of the setting `grace`.
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

/// The whole life of a service that runs on its own; `listen` is the setting that says where its health is.
pub async fn main<F: Future<Output = anyhow::Result<()>>>(
    name: &'static str,
    listen: &'static str,
    service: impl FnOnce(Context) -> F,
) -> ExitCode {
    let arguments = match arguments::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    exit_code(name, async {
        let context = Context::load(arguments.config.as_deref())?;
        match arguments.command {
            Some(Command::Healthcheck) => healthcheck(&context.settings, listen).await,
            None => context.run(Box::pin(service(context.clone()))).await,
        }
    })
    .await
}

/// Reads the command line; one that asks for help, or that cannot be understood, is answered and ends the process.
///
/// # Errors
/// The exit code: 0 for help, 64 for what cannot be understood.
pub fn arguments<A: Parser>() -> Result<A, ExitCode> {
    A::try_parse().map_err(|e| {
        // A closed terminal hears nothing.
        let _ = e.print();
        if e.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) }
    })
}

/// Asks the service that runs with these settings whether it is ready.
///
/// # Errors
/// It is not reachable or not ready.
pub async fn healthcheck(settings: &Settings, listen: &str) -> anyhow::Result<()> {
    let address: SocketAddr = settings.get(listen)?;
    admin::ask_ready(address).await
}

/// Says what went wrong: 64 for a setting to be changed, a [`Failure`]'s own code, 1 for anything else.
pub async fn exit_code(name: &str, life: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let Err(e) = life.await else { return ExitCode::SUCCESS };
    complain(name, &e);
    match (e.downcast_ref::<SettingError>(), e.downcast_ref::<Failure>()) {
        (Some(_), _) => ExitCode::from(EXIT_USAGE),
        (_, Some(failure)) => ExitCode::from(failure.code),
        _ => ExitCode::FAILURE,
    }
}

/// A closed stderr is no reason to end otherwise than told.
fn complain(name: &str, e: &anyhow::Error) {
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
