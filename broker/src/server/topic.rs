//! The syntax of topics and filters.

use super::probe;

/// The first level of the topics under which the server publishes its statistics.
pub(crate) const SYSTEM: &str = "$SYS";

/// Whether a bridge of mosquitto says on this topic that it is connected.
pub(crate) fn is_state_of_a_bridge(topic: &str) -> bool {
    topic.starts_with("$SYS/broker/connection/") && topic.ends_with("/state")
}

/// Whether only the server may publish there, whatever rights a client has.
pub(crate) fn is_of_the_server(topic: &str) -> bool {
    topic == probe::TOPIC || is_of_the_system(topic)
}

/// Whether a topic or filter is below `$SYS`.
pub(crate) fn is_of_the_system(name: &str) -> bool {
    name.split('/').next() == Some(SYSTEM)
}

/// Whether a client may publish to this: not empty, and no wildcard in it.
pub(crate) fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0'])
}

/// Whether a text is longer in levels than allowed.
pub(crate) fn is_deeper(topic: &str, levels: usize) -> bool {
    topic.split('/').nth(levels).is_some()
}

/// Whether a filter has `+` and `#` only where each may stand: alone in its level, and `#` at the end.
fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let good = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            _ => !level.contains(['+', '#', '\0']),
        };
        if !good {
            return false;
        }
    }
    !filter.is_empty()
}

/// A filter as it is subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The group that shares the subscription.
    pub(crate) group: Option<&'a str>,
    /// What topics are matched with.
    pub(crate) filter: &'a str,
}

impl<'a> Target<'a> {
    /// None if the filter is not valid.
    pub(crate) fn parse(filter: &'a str) -> Option<Self> {
        let target = match filter.strip_prefix("$share/") {
            None => Self { group: None, filter },
            Some(shared) => {
                let (group, filter) = shared.split_once('/')?;
                if group.is_empty() || group.contains(['+', '#']) {
                    return None;
                }
                Self { group: Some(group), filter }
            }
        };
        (filter != "$share" && is_filter(target.filter)).then_some(target)
    }
}

/// Whether a filter matches a topic. Wildcards at the beginning do not match topics that begin with `$`.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_no_wildcards() {
        for good in ["a", "/", "a//b", "$SYS/x", "ä b"] {
            assert!(is_topic(good), "{good}");
        }
        for bad in ["", "+", "a/#", "a+b", "a\0"] {
            assert!(!is_topic(bad), "{bad}");
        }
        assert!(!is_deeper("a/b/c", 3) && is_deeper("a/b/c/", 3));
    }

    #[test]
    fn filters_have_wildcards_where_they_may_stand() {
        for good in ["#", "+", "a/+/b", "a/#", "/", "+/", "$share/g/a/#", "$SYS/#", "$shared/x"] {
            assert!(Target::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "##",
            "a#",
            "#/a",
            "a+",
            "+a/b",
            "$share",
            "$share/",
            "$share//x",
            "$share/g",
            "$share/g/",
            "$share/g+/x",
        ] {
            assert!(Target::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Target::parse("$share/g/a/b"), Some(Target { group: Some("g"), filter: "a/b" }));
    }

    #[test]
    fn filters_match_as_the_specification_says() {
        for (filter, topic) in [
            ("sport/tennis/player1/#", "sport/tennis/player1"),
            ("sport/tennis/player1/#", "sport/tennis/player1/ranking"),
            ("sport/#", "sport"),
            ("#", "a/b"),
            ("sport/+", "sport/"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("$SYS/#", "$SYS/a"),
            ("$SYS/+", "$SYS/a"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in [
            ("sport/+", "sport"),
            ("sport/tennis/+", "sport/tennis/player1/ranking"),
            ("+", "/finance"),
            ("#", "$SYS/a"),
            ("+/a", "$SYS/a"),
            ("a/b", "a"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }
}
