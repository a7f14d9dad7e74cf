//! `alerter`: receives readings from a broker, evaluates rules and notifies people; and the commands on incidents.

use std::process::ExitCode;

use service::Program;

const PROGRAM: Program = Program {
    name: "alerter",
    about: "Evaluates rules for every reading, and notifies people of incidents",
    after_help: "",
    listen: "admin.listen",
};

#[tokio::main]
async fn main() -> ExitCode {
    let perform = async |command, settings| cli::alerts::run(command, &settings).await;
    service::main(PROGRAM, alerter::standalone, perform).await
}
