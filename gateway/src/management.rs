//! The HTTP API of RabbitMQ's management plugin (<https://www.rabbitmq.com/docs/http-api-reference>), as far as it is needed.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::Agent;
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
    /// The URL is not `http://user:password@host:port`.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        const FORM: &str = "must be http://user:password@host:port of RabbitMQ's management";
        let mut url: Url = url.parse().map_err(|_| FORM.to_owned())?;
        let (user, password) = (url.username().to_owned(), url.password().unwrap_or_default().to_owned());
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || user.is_empty() {
            return Err(FORM.into());
        }
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        // Without them it may be logged.
        let _ = (url.set_username(""), url.set_password(None));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build()
            .new_agent();
        Ok(Self { agent, url, authorization })
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
}
