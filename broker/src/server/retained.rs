//! Retained messages: the newest of each topic, for clients that subscribe later.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use tokio::time::Instant;

use super::publication::Publication;
use super::topic::matches;

/// The newest retained message of each topic.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    by_topic: BTreeMap<String, Arc<Publication>>,
    bytes: usize,
}

/// What there is no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Another topic.
    Topics,
    /// So many bytes.
    Bytes,
}

impl Retained {
    /// Keeps a message in place of its topic's last one; an empty one takes that back.
    pub(crate) fn set(
        &mut self,
        publication: &Arc<Publication>,
        most: usize,
        most_bytes: usize,
    ) -> Result<(), Full> {
        if publication.payload.is_empty() {
            self.remove(&publication.topic);
            return Ok(());
        }
        let old = self.by_topic.get(&publication.topic).map(|old| old.bytes());
        let count = self.by_topic.len() + usize::from(old.is_none());
        let bytes = self.bytes - old.unwrap_or(0) + publication.bytes();
        if count > most {
            return Err(Full::Topics);
        }
        if bytes > most_bytes {
            return Err(Full::Bytes);
        }
        self.bytes = bytes;
        self.by_topic.insert(publication.topic.clone(), publication.clone());
        Ok(())
    }

    fn remove(&mut self, topic: &str) {
        if let Some(old) = self.by_topic.remove(topic) {
            self.bytes -= old.bytes();
        }
    }

    /// Forgets the messages that have expired.
    pub(crate) fn forget_expired(&mut self, now: Instant) {
        let expired = self.by_topic.values().filter(|kept| kept.is_expired(now));
        for topic in expired.map(|kept| kept.topic.clone()).collect::<Vec<_>>() {
            self.remove(&topic);
        }
    }

    /// The first message behind this topic, in the order of topics, whose topic a filter matches.
    pub(crate) fn next(&self, filter: &str, after: Option<&str>, now: Instant) -> Option<Arc<Publication>> {
        if !filter.contains(['+', '#']) {
            let only = self.get(filter).filter(|kept| !kept.is_expired(now));
            return only.filter(|_| after.is_none());
        }
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = self.by_topic.range::<str, _>((start, Bound::Unbounded)).map(|(_, kept)| kept);
        behind.find(|kept| !kept.is_expired(now) && matches(filter, &kept.topic)).cloned()
    }

    pub(crate) fn get(&self, topic: &str) -> Option<Arc<Publication>> {
        self.by_topic.get(topic).cloned()
    }

    /// All of them: to be written down.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Publication>> {
        self.by_topic.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_topic.len()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::server::packet::{Forwarded, Qos};

    fn publication(topic: &str, payload: &'static str, forwarded: &Forwarded) -> Arc<Publication> {
        let payload = Bytes::from_static(payload.as_bytes());
        Arc::new(Publication::new(topic.into(), payload, Qos::AtMostOnce, true, forwarded))
    }

    fn topics(retained: &Retained, filter: &str) -> Vec<String> {
        let mut topics: Vec<String> = Vec::new();
        while let Some(next) = retained.next(filter, topics.last().map(String::as_str), Instant::now()) {
            topics.push(next.topic.clone());
        }
        topics
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_each_topic_is_kept_until_it_is_taken_back_or_expires() {
        let mut retained = Retained::default();
        let expiring = Forwarded { expiry: Some(1), ..Forwarded::default() };
        for (topic, payload, forwarded) in [
            ("a/b", "1", &Forwarded::default()),
            ("a/b", "2", &Forwarded::default()),
            ("a/c", "3", &expiring),
            ("$SYS/x", "4", &Forwarded::default()),
        ] {
            retained.set(&publication(topic, payload, forwarded), 10, 10_000).unwrap();
        }
        assert_eq!(topics(&retained, "a/+"), ["a/b", "a/c"]);
        assert_eq!(topics(&retained, "#"), ["a/b", "a/c"]);
        assert_eq!(&retained.next("a/b", None, Instant::now()).unwrap().payload[..], b"2");
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        assert_eq!((topics(&retained, "a/#"), retained.len()), (vec!["a/b".into()], 3));
        retained.forget_expired(Instant::now());
        assert_eq!(retained.len(), 2);
        retained.set(&publication("a/b", "", &Forwarded::default()), 10, 10_000).unwrap();
        assert_eq!((topics(&retained, "#"), topics(&retained, "$SYS/#")), (vec![], vec!["$SYS/x".into()]));
    }

    #[test]
    fn number_and_bytes_are_limited_and_a_known_topic_has_its_place() {
        let mut retained = Retained::default();
        let set = |retained: &mut Retained, topic: &str, payload, most, bytes| {
            retained.set(&publication(topic, payload, &Forwarded::default()), most, bytes)
        };
        set(&mut retained, "a", "1", 1, 10_000).unwrap();
        assert_eq!(set(&mut retained, "b", "1", 1, 10_000), Err(Full::Topics));
        set(&mut retained, "a", "2", 1, 10_000).unwrap();
        let bytes = retained.bytes;
        assert_eq!(set(&mut retained, "a", "12", 1, bytes), Err(Full::Bytes));
        set(&mut retained, "b", "", 1, bytes).unwrap();
        assert_eq!(retained.len(), 1);
    }
}
