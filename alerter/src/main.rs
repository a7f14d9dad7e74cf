//! `alerter`: takes readings from a broker, judges them and sends mails.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service::main("alerter", "admin.listen", alerter::standalone).await
}
