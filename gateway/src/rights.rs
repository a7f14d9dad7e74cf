//! What a device may do, as the patterns that RabbitMQ has for it: in routing keys `.` stands for each `/` of a topic.
//!
//! They say the same as `access::rights`, which the embedded broker asks. RabbitMQ matches them as PCRE.

use access::Rights;
use access::rights::{RESERVED, device_user};
use store::Credential;
use telemetry::UPLINK;

/// Patterns for topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicPermission {
    pub(crate) write: String,
    pub(crate) read: String,
}

/// Patterns for queues and exchanges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) configure: String,
    pub(crate) write: String,
    pub(crate) read: String,
}

/// Patterns for topics: what may be published, and what may be subscribed to.
pub(crate) fn topics(credential: &Credential, rights: &Rights) -> TopicPermission {
    let device = quoted(device_user(&credential.user));
    let reserved = RESERVED.join("|");
    let own = format!(r"(?!({reserved})\.)[^.$][^.]*\.{device}(\..*)?");
    let uplink = format!(r"{UPLINK}\.{device}");
    let further = rights.to_publish().map(|filter| written(filter, &reserved));
    let write = any([own, uplink].into_iter().chain(further));
    let commands = format!(r"commands\.{device}(\..*)?");
    let read = any(std::iter::once(commands).chain(rights.to_subscribe().map(subscribed)));
    TopicPermission { write, read }
}

/// Patterns for queues and exchanges: a device publishes to the topics' exchange, and subscribes by queues that have its
/// client ids in their names. So nobody takes over the subscriptions of another device.
pub(crate) fn resources(credential: &Credential) -> Permission {
    let begin = quoted(credential.client_id.as_deref().unwrap_or(&credential.user));
    let queue = format!(r"mqtt-subscription-(?!millrace-){begin}.*qos[01]");
    let exchange_too = format!(r"^(amq\.topic|{queue})$");
    Permission { configure: format!("^{queue}$"), write: exchange_too.clone(), read: exchange_too }
}

/// Topics that a filter matches, to be published to. A wildcard stands for none of the first levels that Millrace needs, nor for
/// those with `$`.
fn written(filter: &str, reserved: &str) -> String {
    let is_wild = filter.starts_with(['+', '#']);
    let without = if is_wild { format!(r"(?!(({reserved})(\.|$)|\$))") } else { String::new() };
    without + &levels(filter, "[^.]*")
}

/// Filters that a filter covers, to be subscribed to: `*` and `#` are the wildcards there.
fn subscribed(filter: &str) -> String {
    let without = if filter.starts_with(['+', '#']) { r"(?!\$)" } else { "" };
    without.to_owned() + &levels(filter, "[^.#]*")
}

fn levels(filter: &str, one_level: &str) -> String {
    let mut pattern = String::new();
    for (place, level) in filter.split('/').enumerate() {
        match level {
            "#" if place == 0 => pattern.push_str(".*"),
            "#" => pattern.push_str(r"(\..*)?"),
            level => {
                pattern.push_str(if place == 0 { "" } else { r"\." });
                pattern.push_str(&if level == "+" { one_level.to_owned() } else { quoted(level) });
            }
        }
    }
    pattern
}

fn any(patterns: impl Iterator<Item = String>) -> String {
    let patterns: Vec<_> = patterns.collect();
    format!("^({})$", patterns.join("|"))
}

/// A text that stands for itself, with the dots of an MQTT topic as they are in a routing key.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for letter in text.chars() {
        if !(letter.is_alphanumeric() || "_-/ ".contains(letter)) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(user: &str, client_id: Option<&str>) -> Credential {
        Credential {
            user: user.into(),
            device: "any".into(),
            hash: String::new(),
            rights: String::new(),
            client_id: client_id.map(str::to_owned),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_device_writes_its_own_topics_and_reads_its_commands() {
        let patterns = topics(&credential("site-a.lab~2", None), &Rights::default());
        assert_eq!(
            patterns.write,
            r"^((?!(alerts|commands|uplink)\.)[^.$][^.]*\.site-a\.lab(\..*)?|uplink\.site-a\.lab)$"
        );
        assert_eq!(patterns.read, r"^(commands\.site-a\.lab(\..*)?)$");
        let queues = resources(&credential("site-a.lab~2", None));
        assert_eq!(queues.configure, r"^mqtt-subscription-(?!millrace-)site-a\.lab\~2.*qos[01]$");
        assert_eq!(queues.read, r"^(amq\.topic|mqtt-subscription-(?!millrace-)site-a\.lab\~2.*qos[01])$");
        let tasmota = resources(&credential("plug", Some("DVES_")));
        assert_eq!(tasmota.configure, r"^mqtt-subscription-(?!millrace-)DVES_.*qos[01]$");
    }

    #[test]
    fn further_rights_are_further_patterns() {
        let rights = Rights::read(["readwrite zigbee2mqtt/#", "read a/+/c", "write #"]).unwrap();
        let patterns = topics(&credential("gate", None), &rights);
        assert_eq!(
            patterns.write,
            r"^((?!(alerts|commands|uplink)\.)[^.$][^.]*\.gate(\..*)?|uplink\.gate|zigbee2mqtt(\..*)?|(?!((alerts|commands|uplink)(\.|$)|\$)).*)$"
        );
        assert_eq!(patterns.read, r"^(commands\.gate(\..*)?|zigbee2mqtt(\..*)?|a\.[^.#]*\.c)$");
    }

    #[test]
    fn what_has_a_meaning_in_a_pattern_is_quoted() {
        assert_eq!(quoted("a.b+c(d)[e]{f}^$|\\*?"), r"a\.b\+c\(d\)\[e\]\{f\}\^\$\|\\\*\?");
    }
}
