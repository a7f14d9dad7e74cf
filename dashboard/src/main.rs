//! `dashboard`: receives readings from a broker and shows them in a browser.

use std::process::ExitCode;

use service::{NoCommands, Program};

const PROGRAM: Program = Program {
    name: "dashboard",
    about: "Receives readings from a broker and shows them in a browser",
    after_help: "",
    listen: "http.listen",
};

#[tokio::main]
async fn main() -> ExitCode {
    service::main(PROGRAM, dashboard::standalone, async |command: NoCommands, _| match command {}).await
}
