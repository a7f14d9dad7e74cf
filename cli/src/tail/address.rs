//! Where a dashboard is, and where its stream is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use service::{SettingError, Settings};
use telemetry::Filter;
use url::Url;

/// The address of a page, as a browser shows it.
#[derive(Debug, Clone)]
pub(super) struct Address(Url);

impl Address {
    /// The page of these settings: over TLS under its public address, for which its certificate is.
    ///
    /// # Errors
    /// A setting is wrong, or the port is chosen when the dashboard starts.
    pub(super) fn here(settings: &Settings) -> Result<Self, SettingError> {
        let public: String = settings.get("http.public_url")?;
        let is_tls = service::serves_tls(settings)?;
        if is_tls && !public.is_empty() {
            return public.parse().map_err(|e| SettingError::new("http.public_url", e));
        }
        Self::listening(settings.address("http.listen")?, if is_tls { "https" } else { "http" })
    }

    /// Where a dashboard on this machine listens.
    fn listening(listen: SocketAddr, scheme: &str) -> Result<Self, SettingError> {
        let no_port = "port 0 is another one at each start: say which with --url";
        if listen.port() == 0 {
            return Err(SettingError::new("http.listen", no_port));
        }
        let host = match listen.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let url = format!("{scheme}://{}", SocketAddr::new(host, listen.port()));
        url.parse().map_err(|e| SettingError::new("http.listen", e))
    }

    /// The WebSocket that streams what matches.
    pub(super) fn stream_of(&self, topic: &Filter) -> String {
        let mut url = self.0.clone();
        let scheme = if matches!(url.scheme(), "https" | "wss") { "wss" } else { "ws" };
        // Both are schemes with a host, so that neither this nor the path can be refused.
        let _ = url.set_scheme(scheme);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("ws");
        }
        url.query_pairs_mut().append_pair("topics", topic.as_str());
        url.into()
    }
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write it as a browser shows it, for example http://127.0.0.1:8080";
        let url: Url = text.parse().map_err(|_| form)?;
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") || !url.has_host() {
            return Err(form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a dashboard asks for no password: leave it out");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("leave out what begins with ? or #");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_beside_the_page() {
        for (page, topic, stream) in [
            ("http://127.0.0.1:8080", "#", "ws://127.0.0.1:8080/ws?topics=%23"),
            ("http://[::1]:8080/", "+/lab", "ws://[::1]:8080/ws?topics=%2B%2Flab"),
            ("https://plant.example/millrace", "a/b", "wss://plant.example/millrace/ws?topics=a%2Fb"),
            ("https://plant.example/millrace/", "a/b", "wss://plant.example/millrace/ws?topics=a%2Fb"),
            ("ws://lab", "#", "ws://lab/ws?topics=%23"),
        ] {
            let address: Address = page.parse().unwrap();
            assert_eq!(address.stream_of(&topic.parse().unwrap()), stream);
        }
    }

    #[test]
    fn a_dashboard_is_where_the_settings_say() {
        for (listen, expected) in [
            ("127.0.0.1:28580", "http://127.0.0.1:28580"),
            ("0.0.0.0:80", "http://127.0.0.1"),
            ("[::]:8080", "http://[::1]:8080"),
            ("192.168.1.5:8080", "http://192.168.1.5:8080"),
        ] {
            let listen = listen.parse().unwrap();
            assert_eq!(Address::listening(listen, "http").unwrap().to_string(), expected);
        }
        let refused = Address::listening("127.0.0.1:0".parse().unwrap(), "http").unwrap_err().to_string();
        assert!(refused.contains("http.listen") && refused.contains("--url"), "{refused}");
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for (text, words) in [
            ("127.0.0.1:8080", "as a browser shows it"),
            ("localhost:8080", "as a browser shows it"),
            ("mqtt://127.0.0.1", "as a browser shows it"),
            ("http://ann:secret@lab", "no password"),
            ("http://lab/?topics=x", "leave out"),
            ("http://lab/#sensor", "leave out"),
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
