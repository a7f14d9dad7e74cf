//! `gateway`: gives devices their own users in RabbitMQ, and sends them commands.

use std::process::ExitCode;

use service::{NoCommands, Program};

const PROGRAM: Program = Program {
    name: "gateway",
    about: "Gives devices their own users in RabbitMQ, by the registry, and sends them commands",
    after_help: "",
    listen: "admin.listen",
};

#[tokio::main]
async fn main() -> ExitCode {
    service::main(PROGRAM, gateway::standalone, async |command: NoCommands, _| match command {}).await
}
