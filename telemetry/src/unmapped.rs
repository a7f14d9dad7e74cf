//! Samples of what is published and read by no rule, so that a person sees it and can write one.

use std::collections::HashMap;

use bytes::Bytes;
use jiff::Timestamp;

/// Groups of topics that are listed, at most.
const MAX_GROUPS: usize = 200;

/// Bytes that are kept of a payload, and of a topic.
const MAX_SAMPLE_BYTES: usize = 4096;

/// Unmapped messages by the first two levels of their topics: bounded, in memory, and only a sample.
#[derive(Debug, Default)]
pub struct Unmapped {
    groups: HashMap<String, UnmappedGroup>,
    /// Messages of further groups.
    others: u64,
}

/// Messages on topics with the same first two levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedGroup {
    /// The first two levels of the topics.
    pub name: String,
    /// How many messages there were.
    pub count: u64,
    /// When the first of them came.
    pub first: Timestamp,
    /// When the newest of them came.
    pub last: Timestamp,
    /// The topic of the newest, at most 4096 bytes of it.
    pub topic: String,
    /// The payload of the newest, at most 4096 bytes of it.
    pub payload: Bytes,
}

impl Unmapped {
    /// Counts a message, and keeps it as the newest of its group. Says whether it is the first of a group, which is
    /// worth a line in the log.
    pub fn add(&mut self, topic: &str, payload: &[u8], received_at: Timestamp) -> bool {
        let name = group_of(topic);
        let known = self.groups.contains_key(name);
        if !known && self.groups.len() >= MAX_GROUPS {
            self.others += 1;
            return false;
        }
        let group = self.groups.entry(name.to_owned()).or_insert_with(|| UnmappedGroup {
            name: name.to_owned(),
            count: 0,
            first: received_at,
            last: received_at,
            topic: String::new(),
            payload: Bytes::new(),
        });
        group.count += 1;
        group.last = received_at;
        cut(topic).clone_into(&mut group.topic);
        group.payload = Bytes::copy_from_slice(&payload[..payload.len().min(MAX_SAMPLE_BYTES)]);
        !known
    }

    /// The groups, the newest first.
    #[must_use]
    pub fn groups(&self) -> Vec<UnmappedGroup> {
        let mut groups: Vec<_> = self.groups.values().cloned().collect();
        groups.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.name.cmp(&b.name)));
        groups
    }

    /// How many groups there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether every message was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Messages that are in no group, because there are too many groups.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Forgets the groups of which this says that a rule reads them by now.
    pub fn forget(&mut self, is_mapped: impl Fn(&UnmappedGroup) -> bool) {
        self.groups.retain(|_, group| !is_mapped(group));
    }
}

fn group_of(topic: &str) -> &str {
    let end = topic.match_indices('/').nth(1).map_or(topic.len(), |(at, _)| at);
    cut(&topic[..end])
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SAMPLE_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_newest_message_stands_for_its_group() {
        let mut unmapped = Unmapped::default();
        assert!(unmapped.add("a/b/c", b"1", at(1)));
        assert!(!unmapped.add("a/b/d", b"2", at(2)));
        assert!(unmapped.add("x", b"3", at(3)));
        let groups = unmapped.groups();
        assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["x", "a/b"]);
        assert_eq!(
            (groups[1].count, groups[1].topic.as_str(), &groups[1].payload[..]),
            (2, "a/b/d", &b"2"[..])
        );
        assert_eq!((groups[1].first, groups[1].last), (at(1), at(2)));
        unmapped.forget(|group| group.name == "x");
        assert_eq!((unmapped.len(), unmapped.is_empty()), (1, false));
    }

    #[test]
    fn groups_and_samples_are_bounded() {
        let mut unmapped = Unmapped::default();
        for group in 0..500 {
            unmapped.add(&format!("{group}/é{}", "é".repeat(9000)), &[7; 9000], at(group));
        }
        let groups = unmapped.groups();
        assert_eq!((groups.len(), unmapped.others()), (MAX_GROUPS, 300));
        for group in groups {
            assert!(group.topic.len() <= MAX_SAMPLE_BYTES && group.name.len() <= MAX_SAMPLE_BYTES);
            assert_eq!(group.payload.len(), MAX_SAMPLE_BYTES);
        }
    }
}
