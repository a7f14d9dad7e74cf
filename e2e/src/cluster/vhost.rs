//! A virtual host of the cluster's broker, with exchanges and queues of its own.

use serde_json::{Value, json};

use super::Cluster;

/// The definitions of the cluster's own virtual host.
const DEFINITIONS: &str = include_str!("../../../rabbitmq/definitions.json");

/// A virtual host, as its administrator `operator`. It stays until the cluster ends.
#[derive(Debug)]
pub struct Vhost {
    name: String,
    amqp_url: String,
    management_url: String,
}

impl Cluster {
    /// Creates an empty virtual host.
    ///
    /// # Panics
    /// The broker refuses.
    #[must_use]
    pub fn vhost(&self) -> Vhost {
        let name = crate::Shape::device(self, "vhost");
        let management = self.settings.address("haproxy", 15672);
        let vhost = Vhost {
            amqp_url: format!("{}/{name}", self.amqp_url("operator")),
            management_url: format!("http://operator:{}@{management}/api", self.broker_password("operator")),
            name,
        };
        vhost.put("vhosts", "", &json!({}));
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        vhost.put("permissions", "/operator", &all);
        vhost
    }
}

impl Vhost {
    #[must_use]
    pub fn amqp_url(&self) -> &str {
        &self.amqp_url
    }

    /// Declares a quorum queue that receives everything that is published.
    pub fn declare_queue(&self, queue: &str) {
        let settings = json!({"durable": true, "arguments": {"x-queue-type": "quorum"}});
        self.put("queues", &format!("/{queue}"), &settings);
        let binding = json!({"routing_key": "#"});
        self.post("bindings", &format!("/e/amq.topic/q/{queue}"), &binding);
    }

    /// Declares a queue as it is defined in the cluster: with its arguments, bindings and policies.
    ///
    /// # Panics
    /// The definitions have no such queue.
    pub fn declare_as_defined(&self, queue: &str) {
        let defined: Value = serde_json::from_str(DEFINITIONS).expect("the definitions are JSON");
        let all = |kind: &str| defined[kind].as_array().expect("a list").clone();
        for policy in all("policies") {
            self.put("policies", &format!("/{}", policy["name"].as_str().expect("a name")), &policy);
        }
        let mut queues = all("queues").into_iter();
        let found = queues.find(|found| found["name"] == queue).unwrap_or_else(|| panic!("no queue {queue}"));
        self.put("queues", &format!("/{queue}"), &found);
        for binding in all("bindings").iter().filter(|binding| binding["destination"] == queue) {
            let exchange = binding["source"].as_str().expect("an exchange");
            self.post("bindings", &format!("/e/{exchange}/q/{queue}"), binding);
        }
    }

    /// Its name; over MQTT its administrator is `NAME:operator`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Deletes the virtual host with everything in it.
    pub fn remove(&self) {
        let url = format!("{}/vhosts/{}", self.management_url, self.name);
        ureq::delete(&url).call().unwrap_or_else(|e| panic!("DELETE vhost {}: {e}", self.name));
    }

    /// Publishes as if it came over MQTT.
    pub fn publish(&self, topic: &str, payload: &str) {
        let message = json!({
            "properties": {"delivery_mode": 2}, "routing_key": topic.replace('/', "."),
            "payload": payload, "payload_encoding": "string",
        });
        self.post("exchanges", "/amq.topic/publish", &message);
    }

    fn put(&self, kind: &str, rest: &str, body: &Value) {
        let url = format!("{}/{kind}/{}{rest}", self.management_url, self.name);
        ureq::put(&url).send_json(body).unwrap_or_else(|e| panic!("PUT {kind}{rest}: {e}"));
    }

    fn post(&self, kind: &str, rest: &str, body: &Value) {
        let url = format!("{}/{kind}/{}{rest}", self.management_url, self.name);
        ureq::post(&url).send_json(body).unwrap_or_else(|e| panic!("POST {kind}{rest}: {e}"));
    }
}
