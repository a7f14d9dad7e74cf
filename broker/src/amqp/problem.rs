//! Explains why a connection ended, and what to do about it.

use lapin::ErrorKind;

use super::Queue;

/// What went wrong and what to do about it. Never contains a password.
pub(super) type Problem = String;

/// The file that defines queues and rights.
const DEFINITIONS: &str = "rabbitmq/definitions.json";

/// AMQP's reply codes.
const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;

/// Why a connection cannot be made.
pub(super) fn not_let_in(error: &lapin::Error, queue: &Queue) -> Problem {
    match error.kind() {
        ErrorKind::ProtocolError(e) if e.get_id() == ACCESS_REFUSED => {
            format!("refused the login of user {}: check user and password", queue.url.user())
        }
        _ => explained(error, queue),
    }
}

/// Why a connection or channel that was there has ended.
pub(super) fn explained(error: &lapin::Error, queue: &Queue) -> Problem {
    let (user, name, vhost) = (queue.url.user(), &queue.name, &queue.url.vhost);
    match error.kind() {
        ErrorKind::ProtocolError(e) => match e.get_id() {
            NOT_FOUND => format!("there is no queue {name} in vhost {vhost}: import {DEFINITIONS}"),
            ACCESS_REFUSED => {
                format!("user {user} may not read queue {name}: check its permissions in {DEFINITIONS}")
            }
            _ => e.get_message().to_string(),
        },
        ErrorKind::MissingHeartbeatError => "the broker says nothing any more".to_owned(),
        ErrorKind::IOError(e) => e.to_string(),
        _ => error.to_string(),
    }
}
