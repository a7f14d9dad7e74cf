//! The subscription of a page: which series it shows.

use serde::Deserialize;
use telemetry::{Filter, Scope};

/// Filters in one subscription, at most.
const MAX_FILTERS: usize = 16;

/// MQTT topic filters over `<metric>/<device>`, and the devices that the viewer sees; equal ones are one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Topics {
    filters: Vec<Filter>,
    scope: Scope,
}

/// What a page sends to change its subscription.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeRequest {
    topics: Vec<String>,
}

impl Topics {
    pub(crate) fn all() -> Self {
        Self::new(vec![Filter::all()])
    }

    /// Reads filters separated by commas; none at all stands for everything.
    ///
    /// # Errors
    /// Says what is wrong, for the client.
    pub(crate) fn of_list(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(Self::all()) } else { Self::of(text.split(',')) }
    }

    /// Reads `{"topics": […]}`, where no filter stands for no series.
    ///
    /// # Errors
    /// Says what is wrong, for the client.
    pub(crate) fn of_message(text: &str) -> Result<Self, String> {
        let request: SubscribeRequest =
            serde_json::from_str(text).map_err(|_| r##"send {"topics": ["temperature/#"]}"##.to_owned())?;
        Self::of(request.topics.iter().map(String::as_str))
    }

    fn of<'a>(filters: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let read = |text: &str| text.parse().map_err(|e| format!("topics: {e}"));
        let mut filters: Vec<Filter> = filters.take(MAX_FILTERS + 1).map(read).collect::<Result<_, _>>()?;
        if filters.len() > MAX_FILTERS {
            return Err(format!("topics: at most {MAX_FILTERS} filters"));
        }
        if filters.contains(&Filter::all()) {
            return Ok(Self::all());
        }
        filters.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        filters.dedup();
        Ok(Self::new(filters))
    }

    fn new(filters: Vec<Filter>) -> Self {
        Self { filters, scope: Scope::all() }
    }

    /// The same for a viewer who sees only some devices.
    pub(crate) fn within(self, scope: &Scope) -> Self {
        Self { scope: scope.clone(), ..self }
    }

    /// The devices that the viewer sees.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn matches(&self, topic: &str) -> bool {
        self.scope.holds_topic(topic) && self.filters.iter().any(|filter| filter.matches(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_subscriptions_are_one() {
        let read = |text| Topics::of_list(text).unwrap();
        assert_eq!(read("temperature/+,humidity/lab"), read("humidity/lab,temperature/+,humidity/lab"));
        assert_eq!(read(""), Topics::all());
        assert_eq!(read("temperature/+,#"), Topics::all());
        assert_eq!(Topics::of_message(r##"{"topics":["#"]}"##), Ok(Topics::all()));
        let nothing = Topics::of_message(r#"{"topics":[]}"#).unwrap();
        assert!(!nothing.matches("temperature/lab"));
        let some = read("temperature/site-a/#,humidity/lab");
        for (topic, shown) in
            [("temperature/site-a/rack-1", true), ("temperature/lab", false), ("humidity/lab", true)]
        {
            assert_eq!(some.matches(topic), shown, "{topic}");
        }
    }

    #[test]
    fn a_viewer_sees_no_other_devices() {
        let some = Topics::all().within(&Scope::read(["site-a/#"]).unwrap());
        assert!(some.matches("temperature/site-a/rack-1") && !some.matches("temperature/site-b/rack-1"));
        assert_ne!(some, Topics::all(), "who sees less is another subscription");
    }

    #[test]
    fn an_error_says_why_it_is_no_subscription() {
        let many = "a/b,".repeat(17);
        for (text, expected) in [
            ("a/#/b", "# stands for all further levels"),
            ("a+", "+ and # stand for whole levels"),
            ("a/b,,c/d", "empty level"),
            (",", "empty level"),
            (many.as_str(), "at most 16 filters"),
        ] {
            let error = Topics::of_list(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for text in ["hello", "", "[]", "{}", r#"{"topics":"a/b"}"#, r#"{"topics":[],"all":true}"#] {
            let error = Topics::of_message(text).unwrap_err();
            assert!(error.starts_with("send {"), "{text}: {error}");
        }
        let many = format!(r#"{{"topics":[{}"a/b"]}}"#, r#""a/b","#.repeat(16));
        assert!(Topics::of_message(&many).unwrap_err().contains("at most 16"));
    }
}
