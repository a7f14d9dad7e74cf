//! What devices log in with.

use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};

/// Credentials of one device, at most: an old one and a new one, and some for programs beside it.
pub const MAX_CREDENTIALS: usize = 8;

/// What a device logs in with, at the edge as in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user name for MQTT: the device's name with a `.` for each `/`; of further ones followed by `~2`, `~3` ...
    pub user: String,
    /// The device, which is registered.
    pub device: String,
    /// The salted SHA-256 of the password as RabbitMQ has it: four bytes of salt and the hash of salt and password, in
    /// base64. Empty where only a certificate gives access.
    pub hash: String,
    /// What the user may do beside what a device may: lines `read FILTER`, `write FILTER` and `readwrite FILTER`.
    pub rights: String,
    /// How the client ids begin with which it may subscribe in the cluster; the user name where there is none.
    pub client_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "user_name, device, hash, rights, client_id, created_at";

pub(super) fn select(device: Option<&str>) -> Statement {
    let (condition, params): (_, Vec<Value>) = match device {
        Some(device) => ("WHERE device = $1", vec![device.into()]),
        None => ("", vec![]),
    };
    let sql = format!("SELECT {COLUMNS} FROM device_credentials {condition} ORDER BY user_name");
    Statement { params, ..Statement::new("read credentials of devices", sql, []) }
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Credential> {
    Ok(Credential {
        user: row.get(0)?,
        device: row.get(1)?,
        hash: row.get(2)?,
        rights: row.get(3)?,
        client_id: row.get(4)?,
        created_at: row.time(5)?,
    })
}

/// Adds a credential of a registered device, unless the user name is taken or the device has too many.
pub(crate) fn insert(credential: &Credential) -> Statement {
    let sql = format!(
        "INSERT INTO device_credentials ({COLUMNS}) SELECT $1, name, $3, $4, $5, $6 FROM devices
         WHERE name = $2 AND (SELECT count(*) FROM device_credentials WHERE device = $2) < {MAX_CREDENTIALS}
         ON CONFLICT (user_name) DO NOTHING"
    );
    let params = [
        (&credential.user).into(),
        (&credential.device).into(),
        (&credential.hash).into(),
        (&credential.rights).into(),
        credential.client_id.as_ref().into(),
        credential.created_at.into(),
    ];
    Statement::new("add a credential", sql, params).required()
}

pub(crate) fn revoke(user: &str) -> Statement {
    const DELETE: &str = "DELETE FROM device_credentials WHERE user_name = $1";
    Statement::new("revoke a credential", DELETE, [user.into()]).required()
}
