//! `db-writer`: takes readings from a broker and stores them.

use std::process::ExitCode;

/// In one thread, beside lapin's: to wake another one for each step of a batch costs more than the step (decision 0023).
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    service::main("db-writer", "admin.listen", db_writer::standalone).await
}
