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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_one_that_nobody_can_connect_to() {
        let everywhere = |port| std::net::SocketAddr::from(([0, 0, 0, 0], port));
        let mqtt = Addresses {
            tcp: everywhere(1883),
            tls: Some(everywhere(8883)),
            websocket: Some(everywhere(8083)),
            websocket_tls: Some(everywhere(8084)),
        };
        let banner = Banner {
            page: "http://lab:8080".into(),
            mqtt,
            password: true,
            mails: "none".into(),
            database: "millrace.db".into(),
        };
        let said = banner.to_string();
        for port in ["1883", "8883", "8083/mqtt", "8084/mqtt"] {
            assert!(said.contains(&format!(":{port}\n")), "{port}: {said}");
        }
        assert!(said.contains("-p 1883 -u USER") && !said.contains("0.0.0.0"), "{said}");
    }
}
