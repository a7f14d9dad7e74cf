//! `db-writer`: receives readings from a broker and stores them.

use std::process::ExitCode;

use service::{NoCommands, Program};

const PROGRAM: Program = Program {
    name: "db-writer",
    about: "Receives readings from a broker and stores them",
    after_help: "",
    listen: "admin.listen",
};

/// In one thread, beside lapin's: to wake another one for each step of a batch costs more than the step (decision 0023).
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    service::main(PROGRAM, db_writer::standalone, async |command: NoCommands, _| match command {}).await
}
