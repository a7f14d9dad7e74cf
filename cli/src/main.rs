//! `millrace`: embedded broker, db-writer, alerter, dashboard and simulated sensors in one process.

use std::process::ExitCode;

use clap::Subcommand;
use service::{Program, Settings};

const PROGRAM: Program = Program {
    name: "millrace",
    about: "Takes readings from MQTT devices into a database, an inbox and onto a live page",
    after_help: SETTINGS,
    listen: "http.listen",
};

#[derive(Subcommand)]
enum Command {
    /// Let a device connect: asks for its password, or reads it from standard input, and stores the hash in
    /// mqtt.password_file (users in data_dir if that is not set)
    Passwd(edge::PasswdArgs),
    /// Add, list, change and remove people who log in to the page and its API
    #[command(subcommand)]
    User(cli::users::Command),
    /// Make, list and revoke keys, by which programs use the API
    #[command(subcommand)]
    Key(cli::keys::Command),
    /// Verify the record of all changes
    #[command(subcommand)]
    Audit(cli::audit::Command),
    /// Print users, keys, devices and credentials as they were at a time, by the audit
    State(cli::state::StateArgs),
    /// Bring the registry or the users back to what they were at a time, by new changes
    Restore(cli::state::RestoreArgs),
    /// Register devices, and give them credentials
    #[command(subcommand)]
    Device(cli::devices::Command),
    /// Ask a device to do something; list, show and cancel commands
    #[command(name = "command")]
    Ask(cli::commands::CommandArgs),
    /// Make a small certificate authority, and certificates for servers and devices
    Ca(cli::ca::Args),
    /// Check and try rules; list, silence and acknowledge incidents
    #[command(subcommand)]
    Alerts(cli::alerts::Command),
    /// Show, check and try the rules by which payloads of other formats are read
    #[command(subcommand)]
    Mappings(cli::mappings::Command),
    /// Print what is stored and what is missing of each boot of a device; exits 1 if anything is missing
    Verify(cli::VerifyArgs),
    /// List, show and resend payloads that could not be read
    #[command(subcommand)]
    Rejected(cli::rejected::Command),
    /// Say that the clock is right after a jump, so that retention deletes by it again
    ConfirmClock,
    /// Follow a running dashboard: the newest readings, and incidents as they open and resolve
    Tail(cli::TailArgs),
}

const SETTINGS: &str = "\
Settings, in a file given with --config or in the environment (the environment wins):
  MILLRACE__DATA_DIR             where everything is stored     millrace-data
  MILLRACE__MQTT__LISTEN         where devices connect          127.0.0.1:1883
  MILLRACE__MQTT__PASSWORD_FILE  who may connect                everyone on this machine
  MILLRACE__HTTP__LISTEN         the page and its API           127.0.0.1:8080
  MILLRACE__SENSORS__COUNT       simulated sensors, 0 is none   3
  MILLRACE__SENSORS__INTERVAL    between two of their readings  1s
  MILLRACE__SMTP__URL            mail server                    none: files in DATA_DIR/mails
  MILLRACE__ALERTER__RULES       rules and recipients           above 25 °C; silent for 2 minutes
  MILLRACE__METRICS              what is stored                 every metric
  MILLRACE__UPLINK__URL          the cloud to forward to        none
Port 0 picks a free port; the first lines say which. millrace.example.toml has every setting.
Exit codes: 0 stopped as asked, 64 a setting is wrong, 1 anything else.";

#[tokio::main]
async fn main() -> ExitCode {
    service::main(PROGRAM, edge::run, perform).await
}

async fn perform(command: Command, settings: Settings) -> anyhow::Result<()> {
    match command {
        Command::Alerts(command) => cli::alerts::run(command, &settings).await,
        Command::Mappings(command) => cli::mappings::run(&command, &settings),
        Command::Verify(args) => cli::verify(&settings, args).await,
        Command::Tail(args) => cli::tail(&settings, args).await,
        Command::Rejected(command) => cli::rejected::run(command, &settings).await,
        Command::ConfirmClock => cli::confirm_clock(&settings).await,
        Command::User(command) => cli::users::run(command, &settings).await,
        Command::Key(command) => cli::keys::run(command, &settings).await,
        Command::Device(command) => cli::devices::run(command, &settings).await,
        Command::Ask(args) => cli::commands::run(args, &settings).await,
        Command::Ca(args) => cli::ca::run(args, &settings).await,
        Command::Audit(command) => cli::audit::run(command, &settings).await,
        Command::State(args) => cli::state::state(args, &settings).await,
        Command::Restore(args) => cli::state::restore(args, &settings).await,
        Command::Passwd(args) => edge::add_user(&settings, &args),
    }
}
