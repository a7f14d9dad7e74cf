//! The lines that `millrace` prints when it has started.

use std::fmt;
use std::net::SocketAddr;

/// The addresses to open, and a command to try.
pub(crate) struct Banner {
    pub(crate) page: String,
    pub(crate) mqtt: SocketAddr,
    pub(crate) websocket: Option<SocketAddr>,
    pub(crate) password: bool,
    pub(crate) mails: String,
    pub(crate) database: String,
}

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { page, mqtt, websocket, password, mails, database } = self;
        let user = if *password { " -u USER -P PASSWORD" } else { "" };
        writeln!(f, "Millrace is running; Ctrl-C stops it.")?;
        writeln!(f, "  page   {page}")?;
        writeln!(f, "  MQTT   mqtt://{mqtt}")?;
        if let Some(websocket) = websocket {
            writeln!(f, "         ws://{websocket}/mqtt")?;
        }
        writeln!(
            f,
            "  try    mosquitto_pub -h {} -p {}{user} -q 1 -t temperature/lab -m 26.1",
            mqtt.ip(),
            mqtt.port()
        )?;
        writeln!(f, "  mails  {mails}")?;
        write!(f, "  data   {database}")
    }
}
