//! Which subscriptions a topic matches: a tree of filters by their levels.
//!
//! A publish walks down the levels of its topic, so that it costs what matches, however many filters there are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::packet::Options;
use super::topic::Target;

/// The subscriptions of all sessions. `S` is how a session is reached.
#[derive(Debug)]
pub(crate) struct Router<S> {
    root: Node<S>,
    count: usize,
}

/// A session that gets a message, and how it wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscriber<S> {
    /// The number of the session.
    pub(crate) session: u64,
    pub(crate) reach: S,
    pub(crate) options: Options,
}

#[derive(Debug)]
struct Node<S> {
    below: HashMap<Box<str>, Node<S>>,
    subscribers: Vec<Subscriber<S>>,
    shared: Vec<Group<S>>,
}

/// The subscribers that share one filter: each message goes to one of them.
#[derive(Debug)]
struct Group<S> {
    name: Box<str>,
    subscribers: Vec<Subscriber<S>>,
    /// Whose turn it is. Each group has its own: with one for all, two groups would take every second number each, so that
    /// some of their members got nothing.
    turn: AtomicUsize,
}

impl<S> Default for Node<S> {
    fn default() -> Self {
        Self { below: HashMap::new(), subscribers: Vec::new(), shared: Vec::new() }
    }
}

impl<S> Default for Router<S> {
    fn default() -> Self {
        Self { root: Node::default(), count: 0 }
    }
}

impl<S> Node<S> {
    fn is_empty(&self) -> bool {
        self.below.is_empty() && self.subscribers.is_empty() && self.shared.is_empty()
    }
}

impl<S> Router<S> {
    /// The subscriptions of all sessions together.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether there is a subscription below this first level, not counting those with a wildcard for it.
    pub(crate) fn has_below(&self, level: &str) -> bool {
        self.root.below.contains_key(level)
    }

    /// Adds a subscription, or replaces the same session's to the same filter.
    pub(crate) fn subscribe(&mut self, target: Target<'_>, subscriber: Subscriber<S>) {
        let mut node = &mut self.root;
        for level in target.filter.split('/') {
            node = node.below.entry(level.into()).or_default();
        }
        let subscribers = match target.group {
            None => &mut node.subscribers,
            Some(group) => group_of(&mut node.shared, group),
        };
        match subscribers.iter_mut().find(|known| known.session == subscriber.session) {
            Some(known) => *known = subscriber,
            None => {
                subscribers.push(subscriber);
                self.count += 1;
            }
        }
    }

    /// Removes a session's subscription to a filter.
    pub(crate) fn unsubscribe(&mut self, target: Target<'_>, session: u64) {
        let levels: Vec<&str> = target.filter.split('/').collect();
        self.count -= usize::from(remove(&mut self.root, &levels, target.group, session));
    }

    /// Every subscription that matches, and whether it is shared; of each group one, chosen by `choose` among its members,
    /// from the one whose turn it is. Returns how many nodes of the tree were visited: what it cost.
    pub(crate) fn matching<'a>(
        &'a self,
        topic: &str,
        mut choose: impl FnMut(&'a [Subscriber<S>], usize) -> usize,
        mut found: impl FnMut(&'a Subscriber<S>, bool),
    ) -> usize {
        // Where a wildcard may not stand for the first level: topics of the server itself.
        let is_hidden = topic.starts_with('$');
        let mut nodes = vec![&self.root];
        let mut visited = 1;
        let mut take = |node: &'a Node<S>| {
            node.subscribers.iter().for_each(|subscriber| found(subscriber, false));
            for group in &node.shared {
                let chosen = choose(&group.subscribers, group.turn.load(Ordering::Relaxed));
                group.turn.store(chosen + 1, Ordering::Relaxed);
                group.subscribers.get(chosen).into_iter().for_each(|member| found(member, true));
            }
        };
        for (depth, level) in topic.split('/').enumerate() {
            let wildcards = !(is_hidden && depth == 0);
            let mut next = Vec::new();
            for node in nodes {
                if wildcards {
                    node.below.get("#").into_iter().for_each(&mut take);
                    next.extend(node.below.get("+"));
                }
                next.extend(node.below.get(level));
            }
            visited += next.len();
            if next.is_empty() {
                return visited;
            }
            nodes = next;
        }
        for node in nodes {
            node.below.get("#").into_iter().for_each(&mut take);
            take(node);
        }
        visited
    }
}

fn group_of<'a, S>(groups: &'a mut Vec<Group<S>>, name: &str) -> &'a mut Vec<Subscriber<S>> {
    let at = groups.iter().position(|group| *group.name == *name).unwrap_or_else(|| {
        groups.push(Group { name: name.into(), subscribers: Vec::new(), turn: AtomicUsize::new(0) });
        groups.len() - 1
    });
    &mut groups[at].subscribers
}

/// Removes, and prunes what is empty then. Filters have few levels, so that this does not go deep.
fn remove<S>(node: &mut Node<S>, levels: &[&str], group: Option<&str>, session: u64) -> bool {
    let Some((level, rest)) = levels.split_first() else {
        return remove_here(node, group, session);
    };
    let Some(below) = node.below.get_mut(*level) else { return false };
    let removed = remove(below, rest, group, session);
    if below.is_empty() {
        node.below.remove(*level);
    }
    removed
}

fn remove_here<S>(node: &mut Node<S>, group: Option<&str>, session: u64) -> bool {
    let drop_from = |subscribers: &mut Vec<Subscriber<S>>| {
        let before = subscribers.len();
        subscribers.retain(|known| known.session != session);
        subscribers.len() < before
    };
    let Some(name) = group else { return drop_from(&mut node.subscribers) };
    let Some(at) = node.shared.iter().position(|group| *group.name == *name) else { return false };
    let removed = drop_from(&mut node.shared[at].subscribers);
    if node.shared[at].subscribers.is_empty() {
        node.shared.swap_remove(at);
    }
    removed
}

#[cfg(test)]
mod tests;
