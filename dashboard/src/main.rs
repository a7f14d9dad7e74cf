//! `dashboard`: receives readings from a broker and shows them in a browser.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service::main("dashboard", "http.listen", dashboard::standalone).await
}
