//! `db-writer`: takes readings from a broker and stores them.

use std::process::ExitCode;

/// A message is made on lapin's thread and dropped on another, for which glibc's allocator takes locks: a sixth of all
/// processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    service::main("db-writer", "admin.listen", db_writer::standalone).await
}
