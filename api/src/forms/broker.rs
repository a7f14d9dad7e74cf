//! Where devices publish.

use serde::{Deserialize, Serialize};

/// The MQTT broker as devices reach it: the answer of `GET /api/broker`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broker {
    /// Its name or address; `null` where it is the host at which the asker reached the API.
    pub host: Option<String>,
    /// Its TCP port; `null` where that is not known.
    pub port: Option<u16>,
    /// The user that devices share; `null` where there is none, or each device has its own.
    pub user: Option<String>,
    /// Whether devices need a user and a password.
    pub password: bool,
    /// Client ids that two devices use at once, so that each cuts the other one off; those of the last five minutes.
    pub contested_client_ids: Vec<String>,
}
