//! The first lines a person sees.

use std::fmt;

use service::reachable;

use crate::listeners::Addresses;

/// What to open and what to try.
pub(crate) struct Banner {
    pub(crate) page: String,
    pub(crate) mqtt: Addresses,
    pub(crate) password: bool,
    pub(crate) mails: String,
    pub(crate) database: String,
}

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { page, mqtt, password, mails, database } = self;
        let tcp = reachable(mqtt.tcp);
        writeln!(f, "Millrace is running; Ctrl-C stops it.")?;
        writeln!(f, "  page   {page}")?;
        writeln!(f, "  MQTT   mqtt://{tcp}")?;
        for (scheme, address, path) in
            [("mqtts", mqtt.tls, ""), ("ws", mqtt.websocket, "/mqtt"), ("wss", mqtt.websocket_tls, "/mqtt")]
        {
            if let Some(address) = address {
                writeln!(f, "         {scheme}://{}{path}", reachable(address))?;
            }
        }
        // A user may write to the device of its name.
        let (user, device) = if *password { (" -u USER -P PASSWORD", "USER") } else { ("", "lab") };
        let (host, port) = (tcp.ip(), tcp.port());
        writeln!(f, "  try    mosquitto_pub -h {host} -p {port}{user} -q 1 -t temperature/{device} -m 26.1")?;
        writeln!(f, "  mails  {mails}")?;
        write!(f, "  data   {database}")
    }
}
