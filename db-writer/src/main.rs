//! `db-writer`: takes readings from a broker and stores them.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service::main("db-writer", "admin.listen", db_writer::standalone).await
}
