//! The statements of a change.

use jiff::Timestamp;

use super::{Change, audit, keys, sessions, users};
use crate::alerting::incidents::acknowledge_one;
use crate::alerting::silences;
use crate::commands::change as commands;
use crate::engine::statement::Statement;
use crate::registry::devices::{self, Device};
use crate::registry::{self, aliases, credentials, forgotten, types};

/// What a change does, in order, in the transaction of its record.
pub(super) fn statements(change: &Change, at: Timestamp) -> Vec<Statement> {
    match change {
        Change::Nothing => vec![],
        Change::AddUser(user) => vec![users::insert(user), close()],
        Change::SetUser { user, end_sessions, but } => {
            let end = end_sessions.then(|| sessions::end_all(&user.name, but.as_deref()));
            [users::update(user)].into_iter().chain(end).collect()
        }
        Change::RemoveUser(name) => vec![users::delete(name)],
        Change::AddSession(session) => {
            let user = &session.user;
            vec![users::logged_in(user, at), sessions::insert(session), sessions::prune(user, at)]
        }
        Change::EndSession(id) => vec![sessions::end(id)],
        Change::AddKey(key) => vec![keys::prune(&key.owner, at), keys::insert(key)],
        Change::RevokeKey(id) => vec![keys::revoke(id)],
        Change::AddDevice(device) => vec![devices::insert(device), registry::count()],
        Change::SetDevice(device) => vec![devices::update(device), registry::count()],
        Change::ImportDevices { added, changed } => {
            let added = added.iter().map(devices::insert);
            added.chain(changed.iter().map(devices::update)).chain([registry::count()]).collect()
        }
        Change::RemoveDevice(name) => vec![devices::delete(name), registry::count()],
        Change::ForgetDevice(forgetting) => forgotten::forget(forgetting),
        Change::RenameDevice(renaming) => aliases::rename(renaming),
        Change::AddCredential(credential) => {
            let device = Device::new(&credential.device, at);
            vec![devices::insert_if_new(&device), credentials::insert(credential), registry::count()]
        }
        Change::RevokeCredential(user) => vec![credentials::revoke(user), registry::count()],
        Change::AddType(new) => vec![types::insert(new), registry::count()],
        Change::SetType(new) => vec![types::update(new), registry::count()],
        Change::RemoveType(name) => vec![types::delete(name), registry::count()],
        Change::AddCommand(command) => commands::add_one(command),
        Change::AddCommands { job, commands } => commands::add_group(job, commands),
        Change::CancelCommands(which) => commands::cancel_all(which, at),
        Change::SetDesired(new) => commands::set_desired(new),
        Change::AddSilences(added) => added.iter().map(silences::insert).collect(),
        Change::EndSilence { id, at } => vec![silences::end(id, *at).required()],
        Change::Acknowledge { incidents, acknowledgement } => {
            incidents.iter().map(|id| acknowledge_one(id, acknowledgement, at)).collect()
        }
        Change::ArchiveAudit { first, last } => vec![audit::delete(*first, *last)],
        Change::EraseAudit(numbers) => numbers.iter().copied().map(audit::erase).collect(),
    }
}

/// From the first user on, everyone has to log in.
fn close() -> Statement {
    Statement::new("close the page", "UPDATE audit_head SET closed = 1 WHERE id = 1", [])
}
