//! The HTTP API of RabbitMQ's management plugin (<https://www.rabbitmq.com/docs/http-api-reference>), as far as it is needed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tls::{ClientTls, Identity};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use url::Url;

use crate::rights::{Permission, TopicPermission};
use crate::users::{User, Users};

/// Users that are changed in one request: it takes some 0.4 s.
const AT_ONCE: usize = 100;

/// How long a request may take: one about all users of a large cluster is slow.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of an answer, at most: 100,000 users with their patterns.
const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// The tag of users that are ours to change; others are left alone.
const TAG: &str = "millrace-device";

/// The exchange that MQTT publishes to.
const EXCHANGE: &str = "amq.topic";

/// The virtual host of all that is Millrace's, in a URL.
const VHOST: &str = "%2F";

/// RabbitMQ's management. Calls block.
#[derive(Debug, Clone)]
pub(crate) struct Management {
    agent: Agent,
    url: Url,
    authorization: String,
}

#[derive(Deserialize)]
struct UserRow {
    name: String,
    #[serde(default)]
    password_hash: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct TopicRow {
    user: String,
    exchange: String,
    write: String,
    read: String,
}

#[derive(Deserialize)]
struct PermissionRow {
    user: String,
    configure: String,
    write: String,
    read: String,
}

impl Management {
    /// # Errors
    /// The URL is not `http://user:password@host:port` or `https://` with files for TLS, or one of those is wrong.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        const FORM: &str =
            "must be http://user:password@host:port of RabbitMQ's management, or https:// for TLS";
        let mut url: Url = url.parse().map_err(|_| FORM.to_owned())?;
        let (user, password) = (url.username().to_owned(), url.password().unwrap_or_default().to_owned());
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || user.is_empty() {
            return Err(FORM.into());
        }
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        // Without them it may be logged.
        let _ = (url.set_username(""), url.set_password(None));
        let tls = tls_config(&url).map_err(|e| format!("{e:#}"))?;
        url.set_query(None);
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        let agent = match tls {
            Some(tls) => agent.tls_config(tls).https_only(true),
            None => agent,
        };
        Ok(Self { agent: agent.build().new_agent(), url, authorization })
    }

    /// The users for devices, with what they may do.
    ///
    /// # Errors
    /// RabbitMQ does not answer, or not as expected.
    pub(crate) fn users(&self) -> Result<Users> {
        let rows: Vec<UserRow> = self.get("users")?;
        let mut users: Users = rows
            .into_iter()
            .filter(|row| row.tags.iter().any(|tag| tag == TAG))
            .map(|row| (row.name, User { password_hash: row.password_hash, topics: None, resources: None }))
            .collect();
        for row in self.get::<Vec<TopicRow>>("topic-permissions")? {
            if let Some(user) = users.get_mut(&row.user).filter(|_| row.exchange == EXCHANGE) {
                user.topics = Some(TopicPermission { write: row.write, read: row.read });
            }
        }
        for row in self.get::<Vec<PermissionRow>>("permissions")? {
            if let Some(user) = users.get_mut(&row.user) {
                let PermissionRow { configure, write, read, .. } = row;
                user.resources = Some(Permission { configure, write, read });
            }
        }
        Ok(users)
    }

    /// Makes users. Without rights on topics a user might use all of them, so that it can log in only once it has those.
    ///
    /// # Errors
    /// RabbitMQ does not answer, or refuses: some of them may be made.
    pub(crate) fn set(&self, users: &Users) -> Result<()> {
        let all: Vec<_> = users.iter().collect();
        for some in all.chunks(AT_ONCE) {
            let user = |(name, user): &(&String, &User)| {
                json!({
                    "name": name,
                    "password_hash": user.password_hash,
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": [TAG],
                })
            };
            let topics = |(name, user): &(&String, &User)| {
                let TopicPermission { write, read } = user.topics.as_ref()?;
                Some(
                    json!({ "user": name, "vhost": "/", "exchange": EXCHANGE, "write": write, "read": read }),
                )
            };
            let resources = |(name, user): &(&String, &User)| {
                let Permission { configure, write, read } = user.resources.as_ref()?;
                Some(
                    json!({ "user": name, "vhost": "/", "configure": configure, "write": write, "read": read }),
                )
            };
            let users: Vec<Value> = some.iter().map(user).collect();
            let topics: Vec<Value> = some.iter().filter_map(topics).collect();
            self.post("definitions", &json!({ "users": users, "topic_permissions": topics }))?;
            let resources: Vec<Value> = some.iter().filter_map(resources).collect();
            self.post("definitions", &json!({ "permissions": resources }))?;
        }
        Ok(())
    }

    /// Removes users, which closes their connections on all nodes.
    ///
    /// # Errors
    /// RabbitMQ does not answer, or refuses: some of them may be removed.
    pub(crate) fn remove(&self, names: &[String]) -> Result<()> {
        names.chunks(AT_ONCE).try_for_each(|some| self.post("users/bulk-delete", &json!({ "users": some })))
    }

    /// Closes all connections of a user: changed rights are looked at when it connects anew.
    ///
    /// # Errors
    /// RabbitMQ does not answer, or refuses.
    pub(crate) fn disconnect(&self, name: &str) -> Result<()> {
        self.delete(&format!("connections/username/{name}"))
    }

    /// Takes all rights from a user, which then cannot log in any more.
    ///
    /// # Errors
    /// RabbitMQ does not answer, or refuses.
    pub(crate) fn shut_out(&self, name: &str) -> Result<()> {
        self.delete(&format!("permissions/{VHOST}/{name}"))?;
        self.disconnect(name)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = self.at(path)?;
        let mut answer = self.agent.get(url.as_str()).header("authorization", &self.authorization).call()?;
        check(path, answer.status().as_u16(), &[200])?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).reader();
        serde_json::from_reader(body).with_context(|| format!("read the answer to {path}"))
    }

    fn post(&self, path: &str, body: &Value) -> Result<()> {
        let url = self.at(path)?;
        let request = self.agent.post(url.as_str()).header("authorization", &self.authorization);
        check(path, request.send_json(body)?.status().as_u16(), &[200, 201, 204])
    }

    /// What is not there is deleted.
    fn delete(&self, path: &str) -> Result<()> {
        let url = self.at(path)?;
        let answer = self.agent.delete(url.as_str()).header("authorization", &self.authorization).call()?;
        check(path, answer.status().as_u16(), &[200, 204, 404])
    }

    fn at(&self, path: &str) -> Result<Url> {
        Ok(self.url.join(&format!("/api/{path}"))?)
    }
}

/// How TLS is spoken: with the files in `cacertfile`, `certfile` and `keyfile` of the query, as in the other URLs.
fn tls_config(url: &Url) -> Result<Option<TlsConfig>> {
    let mut files: [Option<PathBuf>; 3] = Default::default();
    for (name, value) in url.query_pairs() {
        let which = ["cacertfile", "certfile", "keyfile"].iter().position(|known| *known == name);
        let which = which.filter(|_| url.scheme() == "https");
        files[which.context(
            "after ? write cacertfile=, certfile= and keyfile= with & between them, for https alone",
        )?] = Some(value.into_owned().into());
    }
    if url.scheme() != "https" {
        return Ok(None);
    }
    let [authorities, certificate, key] = files.each_ref().map(Option::as_deref);
    let tls = ClientTls::read(authorities, certificate, key)?;
    let trusted: Vec<_> =
        tls.authority_certificates()?.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let config = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&trusted))
        .client_cert(tls.identity().map(client_certificate).transpose()?)
        .unversioned_rustls_crypto_provider(tls.config().crypto_provider().clone());
    Ok(Some(config.build()))
}

fn client_certificate(identity: &Identity) -> Result<ClientCert> {
    let items = parse_pem(identity.certificate.as_bytes()).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let chain: Vec<_> = items.collect();
    Ok(ClientCert::new_with_certs(&chain, PrivateKey::from_pem(identity.key.as_bytes())?))
}

fn check(path: &str, status: u16, good: &[u16]) -> Result<()> {
    match status {
        status if good.contains(&status) => Ok(()),
        401 | 403 => bail!("RabbitMQ refuses /api/{path}: its user needs the tag administrator"),
        status => bail!("RabbitMQ answers /api/{path} with {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_user() {
        for (url, is_good) in [
            ("http://gateway:secret@haproxy:15672", true),
            ("https://gateway:secret@haproxy:15671?cacertfile=/nowhere", false),
            ("http://gateway:secret@haproxy:15672?cacertfile=/nowhere", false),
            ("https://gateway:secret@haproxy:15671?verify=none", false),
            ("http://haproxy:15672", false),
            ("amqp://gateway:secret@haproxy:15672", false),
            ("haproxy:15672", false),
            ("", false),
        ] {
            let management = Management::new(url);
            assert_eq!(management.is_ok(), is_good, "{url}");
            assert!(!format!("{:?}", management.map(|management| management.url)).contains("secret"));
        }
    }

    /// A server with a certificate for `localhost` of an authority, which is written to a file; answers every request with
    /// an empty list, and returns its port.
    async fn serve(authority: &std::path::Path) -> u16 {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(authority, made.cert.pem()).unwrap();
        let chain = vec![made.cert.der().clone()];
        let key = tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = tokio_rustls::rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let is_ours =
                    String::from_utf8_lossy(&request[..read]).contains("Basic Z2F0ZXdheTpzZWNyZXQ=");
                let status = if is_ours { "200 OK" } else { "401 Unauthorized" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        port
    }

    #[tokio::test]
    async fn the_management_is_asked_over_tls_if_its_certificate_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
        let port = serve(&own).await;
        serve(&other).await;
        let users = async |host: &str, authority: &std::path::Path| {
            let url = format!("https://gateway:secret@{host}:{port}?cacertfile={}", authority.display());
            let management = Management::new(&url).unwrap();
            tokio::task::spawn_blocking(move || management.users()).await.unwrap()
        };
        assert!(users("localhost", &own).await.unwrap().is_empty());
        users("localhost", &other).await.unwrap_err();
        users("127.0.0.1", &own).await.unwrap_err();
    }
}
