//! `alerter`: takes readings from a broker, judges them and tells people; and what operators do about alerts.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::Context;

/// Judges every reading by rules, and tells people of what is broken
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A TOML file with settings; millrace.example.toml lists them all
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Exit with 0 when the running service is ready
    Healthcheck,
    #[command(flatten)]
    Alerts(alerter::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match service::arguments::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    service::exit_code("alerter", async {
        let context = Context::load(arguments.config.as_deref())?;
        match arguments.command {
            None => context.run(Box::pin(alerter::standalone(context.clone()))).await,
            Some(Command::Healthcheck) => service::healthcheck(&context.settings, "admin.listen").await,
            Some(Command::Alerts(command)) => alerter::run_command(command, &context.settings).await,
        }
    })
    .await
}
