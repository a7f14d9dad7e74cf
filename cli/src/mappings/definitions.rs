//! `mappings definitions`: what RabbitMQ has to know, so that the cluster's queues get what the rules read.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use telemetry::Inputs;

/// Users, rights, queues and policies of the cluster, with places for passwords.
const DEFINITIONS: &str = include_str!("../../../rabbitmq/definitions.json");

/// The queues that get every message that may hold readings.
const QUEUES: [&str; 2] = ["db-writer", "alerter"];

/// The queue of what devices answer to commands, and the routing keys of that.
const ANSWERS: (&str, [&str; 2]) = (commands::QUEUE, ["results.#", "state.#"]);

/// Most bytes of a routing key (AMQP 0-9-1, a short string).
const MAX_KEY_BYTES: usize = 255;

/// The cluster's `definitions.json` with bindings for what these inputs read.
///
/// # Errors
/// A rule's topic is too long for a routing key.
pub(super) fn definitions(inputs: &Inputs) -> anyhow::Result<String> {
    let mut definitions: Value =
        serde_json::from_str(DEFINITIONS).context("read the definitions that are compiled in")?;
    let keys: Vec<_> = inputs.filters().iter().map(|filter| routing_key(filter)).collect::<Result<_, _>>()?;
    let binding = |queue: &str, key: &str| {
        json!({
            "source": "amq.topic", "vhost": "/", "destination": queue, "destination_type": "queue",
            "routing_key": key, "arguments": {}
        })
    };
    let readings = QUEUES.iter().flat_map(|queue| keys.iter().map(|key| binding(queue, key)));
    definitions["bindings"] = readings.chain(ANSWERS.1.iter().map(|key| binding(ANSWERS.0, key))).collect();
    serde_json::to_string_pretty(&definitions).context("write the definitions")
}

/// An MQTT filter as RabbitMQ's MQTT plugin translates it.
fn routing_key(filter: &str) -> anyhow::Result<String> {
    let key = filter.replace('/', ".").replace('+', "*");
    if key.len() > MAX_KEY_BYTES {
        bail!(
            "the topic {filter} is too long for RabbitMQ, whose routing keys have at most {MAX_KEY_BYTES} bytes"
        );
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::Mappings;

    fn read(inputs: &Inputs) -> Value {
        serde_json::from_str(&definitions(inputs).unwrap()).unwrap()
    }

    #[test]
    fn the_definitions_of_the_cluster_are_fresh() {
        let written: Value = serde_json::from_str(DEFINITIONS).unwrap();
        let message = "rabbitmq/definitions.json: take the bindings from millrace mappings definitions";
        assert_eq!(read(&Inputs::default()), written, "{message}");
    }

    #[test]
    fn a_list_of_metrics_has_bindings_for_them_and_for_what_rules_read() {
        let metrics = vec!["temperature".to_owned()].try_into().unwrap();
        let rules = "use = [\"tasmota\"]\n[[rule]]\ntopic = \"my.plant/{d}/x\"\ndevice = \"{d}\"";
        let inputs = Inputs::new(metrics, Mappings::read(rules).unwrap());
        let definitions = read(&inputs);
        let keys = |queue: &str| -> Vec<_> {
            let bindings = definitions["bindings"].as_array().unwrap().iter();
            bindings
                .filter(|binding| binding["destination"] == queue)
                .map(|binding| binding["routing_key"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(keys("db-writer"), keys("alerter"));
        for expected in ["temperature.#", "tele.*.SENSOR", "stat.*.POWER", "my.plant.*.x"] {
            assert!(keys("alerter").iter().any(|key| key == expected), "{expected}: {:?}", keys("alerter"));
        }
        assert!(!keys("alerter").iter().any(|key| key == "#"));
    }

    #[test]
    fn a_topic_that_is_too_long_is_named() {
        let rules = format!("[[rule]]\ntopic = \"{}/{{d}}\"\ndevice = \"{{d}}\"", "x".repeat(300));
        let metrics = vec!["temperature".to_owned()].try_into().unwrap();
        let error =
            definitions(&Inputs::new(metrics, Mappings::read(&rules).unwrap())).unwrap_err().to_string();
        assert!(error.contains("too long for RabbitMQ"), "{error}");
    }
}
