//! `dashboard`: receives readings from a broker and shows them in a browser; and the commands on users, keys and the audit.

use std::process::ExitCode;

use clap::Subcommand;
use service::{Program, Settings};

const PROGRAM: Program = Program {
    name: "dashboard",
    about: "Receives readings from a broker and shows them in a browser",
    after_help: "",
    listen: "http.listen",
};

#[derive(Subcommand)]
enum Command {
    /// Add, list, change and remove people who log in to the page and its API
    #[command(subcommand)]
    User(cli::users::Command),
    /// Make, list and revoke keys, by which programs use the API
    #[command(subcommand)]
    Key(cli::keys::Command),
    /// Register devices, and give them credentials
    #[command(subcommand)]
    Device(cli::devices::Command),
    /// Make a small certificate authority, and certificates
    Ca(cli::ca::Args),
    /// Verify the record of all changes
    #[command(subcommand)]
    Audit(cli::audit::Command),
    /// Print users, keys, devices and credentials as they were at a time, by the audit
    State(cli::state::StateArgs),
    /// Bring the registry or the users back to what they were at a time, by new changes
    Restore(cli::state::RestoreArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    service::main(PROGRAM, dashboard::standalone, perform).await
}

async fn perform(command: Command, settings: Settings) -> anyhow::Result<()> {
    match command {
        Command::User(command) => cli::users::run(command, &settings).await,
        Command::Key(command) => cli::keys::run(command, &settings).await,
        Command::Device(command) => cli::devices::run(command, &settings).await,
        Command::Ca(args) => cli::ca::run(args, &settings).await,
        Command::Audit(command) => cli::audit::run(command, &settings).await,
        Command::State(args) => cli::state::state(args, &settings).await,
        Command::Restore(args) => cli::state::restore(args, &settings).await,
    }
}
