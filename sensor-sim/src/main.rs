//! The binary: parses the command line, and runs the job in the terminal.

mod admin;
mod terminal;

use std::process::ExitCode;

use sensor_sim::command::Command;

#[tokio::main]
async fn main() -> ExitCode {
    match service::arguments::<Command>() {
        Ok(command) => terminal::perform(command).await,
        Err(code) => code,
    }
}
