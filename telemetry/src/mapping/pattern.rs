//! Patterns of topics, with names for the levels that a rule needs.

use std::collections::HashMap;
use std::sync::Arc;

/// Most levels in a pattern.
const MAX_LEVELS: usize = 32;

/// The topics that a rule is for: `tele/{device}/SENSOR`, `zigbee2mqtt/{device...}`, `evcc/#`.
///
/// `{name}` and `+` stand for one level; `{name...}` for one or more, `#` at the end for any number, none included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    levels: Vec<Level>,
    text: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Literal(String),
    /// One level, with its name unless it is `+`.
    One(Option<String>),
    /// One or more levels, and with `#` none as well.
    Many {
        name: Option<String>,
        least: usize,
    },
}

/// The levels of a topic that a pattern names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captures<'r, 't>(Vec<(&'r str, &'t str)>);

impl<'t> Captures<'_, 't> {
    pub(super) fn get(&self, name: &str) -> Option<&'t str> {
        self.0.iter().find(|(captured, _)| *captured == name).map(|(_, text)| *text)
    }

    /// All of them, by their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'t str)> {
        self.0.iter().copied()
    }
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut levels = Vec::new();
        let last = text.split('/').count() - 1;
        for (index, level) in text.split('/').enumerate() {
            levels.push(Level::parse(level, index == last)?);
        }
        if levels.len() > MAX_LEVELS {
            return Err(format!("the topic has {} levels: at most {MAX_LEVELS}", levels.len()));
        }
        if levels.iter().filter(|level| matches!(level, Level::Many { .. })).count() > 1 {
            return Err("only one part of a topic may stand for several levels".into());
        }
        Ok(Self { levels, text: text.into() })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Whether the rule asks for a level by this name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.levels.iter().any(|level| match level {
            Level::One(captured) | Level::Many { name: captured, .. } => captured.as_deref() == Some(name),
            Level::Literal(_) => false,
        })
    }

    /// What the named levels are, if the pattern matches. `levels` are those of the topic.
    pub(super) fn captures<'r, 't>(&'r self, topic: &'t str, levels: &[&'t str]) -> Option<Captures<'r, 't>> {
        // As MQTT has it ([MQTT-4.7.2-1]): wildcards leave out what begins with $.
        if topic.starts_with('$') && !matches!(self.levels[0], Level::Literal(_)) {
            return None;
        }
        let many = self.levels.iter().position(|level| matches!(level, Level::Many { .. }));
        let (before, after) = match many {
            Some(at) => (&self.levels[..at], &self.levels[at + 1..]),
            None => (&self.levels[..], &[][..]),
        };
        let between = levels.len().checked_sub(before.len() + after.len())?;
        let mut captures = Captures::default();
        match many.map(|at| &self.levels[at]) {
            Some(Level::Many { name, least }) if between >= *least => {
                if let (Some(name), true) = (name, between > 0) {
                    captures.0.push((name, span(topic, &levels[before.len()..before.len() + between])));
                }
            }
            None if between == 0 => {}
            _ => return None,
        }
        let ends = before.iter().zip(levels).chain(after.iter().zip(&levels[before.len() + between..]));
        for (pattern, level) in ends {
            match pattern {
                Level::Literal(literal) if literal == level => {}
                Level::One(Some(name)) if !level.is_empty() => captures.0.push((name, level)),
                Level::One(None) => {}
                _ => return None,
            }
        }
        Some(captures)
    }

    /// The same for topics whose dots have become slashes, as on the way through RabbitMQ; none if that is no other.
    pub(super) fn with_slashes_for_dots(&self) -> Option<Self> {
        let level = |level: &Level| match level {
            Level::Literal(text) => text.split('.').map(|part| Level::Literal(part.to_owned())).collect(),
            other => vec![other.clone()],
        };
        let levels: Vec<_> = self.levels.iter().flat_map(level).collect();
        (levels.len() > self.levels.len()).then(|| Self { levels, text: self.text() })
    }

    /// An MQTT filter for all topics of the pattern, and perhaps more; none if no level is fixed, so that it would be
    /// for nearly everything.
    pub(super) fn filter(&self) -> Option<String> {
        let is_many = |level: &Level| matches!(level, Level::Many { .. });
        let many = self.levels.iter().position(is_many);
        let kept = many.map_or(&self.levels[..], |at| &self.levels[..=at]);
        let words = kept.iter().map(|level| match level {
            Level::Literal(text) => text.as_str(),
            Level::One(_) => "+",
            Level::Many { .. } => "#",
        });
        let is_fixed = |level: &Level| matches!(level, Level::Literal(_));
        kept.iter().any(is_fixed).then(|| words.collect::<Vec<_>>().join("/"))
    }
}

/// The part of the topic that these of its levels cover.
fn span<'a>(topic: &'a str, levels: &[&'a str]) -> &'a str {
    let start = levels[0].as_ptr() as usize - topic.as_ptr() as usize;
    let last = levels[levels.len() - 1];
    let end = last.as_ptr() as usize - topic.as_ptr() as usize + last.len();
    &topic[start..end]
}

impl Level {
    fn parse(level: &str, last: bool) -> Result<Self, String> {
        if level == "#" {
            return if last {
                Ok(Self::Many { name: None, least: 0 })
            } else {
                Err("# stands for all further levels: write it as the last level".into())
            };
        }
        if level == "+" {
            return Ok(Self::One(None));
        }
        if let Some(name) = level.strip_prefix('{').and_then(|level| level.strip_suffix('}')) {
            let (name, many) = name.strip_suffix("...").map_or((name, false), |name| (name, true));
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(format!("{level} is no name for a level: write for example {{device}}"));
            }
            let name = Some(name.to_owned());
            return Ok(if many { Self::Many { name, least: 1 } } else { Self::One(name) });
        }
        if level.contains(['{', '}', '+', '#']) {
            return Err(format!("{level:?}: +, # and {{name}} stand for whole levels"));
        }
        Ok(Self::Literal(level.to_owned()))
    }
}

/// Finds the rules whose pattern may match a topic, without trying the others: a tree of the fixed levels of all patterns.
#[derive(Debug, Default)]
pub(super) struct Index(Node);

/// Patterns that begin with the same levels.
#[derive(Debug, Default)]
struct Node {
    /// Those that go on with this level.
    named: HashMap<String, Node>,
    /// Those that go on with any level.
    any: Option<Box<Node>>,
    /// Those that go on with several levels: by what is behind these, from the last level on.
    many: Option<Box<Node>>,
    /// Rules whose pattern ends here.
    here: Vec<usize>,
}

impl Index {
    /// An index of the rules with these numbers and patterns, of which a rule may have several.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = (usize, &'a Pattern)>) -> Self {
        let mut index = Self::default();
        for (rule, pattern) in patterns {
            let is_many = |level: &Level| matches!(level, Level::Many { .. });
            let end = pattern.levels.iter().position(is_many).unwrap_or(pattern.levels.len());
            let (before, after) = pattern.levels.split_at(end);
            let mut node = before.iter().fold(&mut index.0, Node::next);
            if !after.is_empty() {
                node = after[1..]
                    .iter()
                    .rev()
                    .fold(node.many.get_or_insert_default(), |node, level| node.next(level));
            }
            node.here.push(rule);
        }
        index
    }

    /// The rules that may match, in their order.
    pub(super) fn candidates(&self, levels: &[&str]) -> Vec<usize> {
        let mut rules = Vec::new();
        self.0.find(levels, &mut rules);
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Whether there is no rule at all.
    pub(super) fn is_empty(&self) -> bool {
        let Node { named, any, many, here } = &self.0;
        named.is_empty() && any.is_none() && many.is_none() && here.is_empty()
    }

    /// Whether there may be a rule for the topic, by its first level alone.
    pub(super) fn has_candidates(&self, topic: &str) -> bool {
        let first = topic.split('/').next().unwrap_or_default();
        self.0.many.is_some() || self.0.nodes(first).next().is_some()
    }
}

impl Node {
    fn next(&mut self, level: &Level) -> &mut Self {
        match level {
            Level::Literal(name) => self.named.entry(name.clone()).or_default(),
            Level::One(_) | Level::Many { .. } => self.any.get_or_insert_default(),
        }
    }

    fn find(&self, levels: &[&str], rules: &mut Vec<usize>) {
        match levels {
            [] => rules.extend(&self.here),
            [first, rest @ ..] => self.nodes(first).for_each(|node| node.find(rest, rules)),
        }
        if let Some(many) = &self.many {
            many.find_from_end(levels, rules);
        }
    }

    /// However many levels are left, the pattern's several ones stand for them.
    fn find_from_end(&self, levels: &[&str], rules: &mut Vec<usize>) {
        rules.extend(&self.here);
        if let [rest @ .., last] = levels {
            self.nodes(last).for_each(|node| node.find_from_end(rest, rules));
        }
    }

    fn nodes(&self, level: &str) -> impl Iterator<Item = &Self> {
        self.named.get(level).into_iter().chain(self.any.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(pattern: &str, topic: &str) -> Option<Vec<(String, String)>> {
        let pattern = Pattern::parse(pattern).unwrap();
        let levels: Vec<_> = topic.split('/').collect();
        let captures = pattern.captures(topic, &levels)?;
        Some(captures.0.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn a_pattern_names_levels() {
        for (pattern, topic, expected) in [
            ("tele/{device}/SENSOR", "tele/porch/SENSOR", Some(vec![("device", "porch")])),
            ("tele/{device}/SENSOR", "tele/porch/STATE", None),
            ("tele/{device}/SENSOR", "tele/a/b/SENSOR", None),
            ("z/{d...}", "z/a b/c", Some(vec![("d", "a b/c")])),
            ("z/{d...}", "z", None),
            ("z/{d...}/availability", "z/a/b/availability", Some(vec![("d", "a/b")])),
            ("z/{d...}/availability", "z/availability", None),
            ("r/+/d/{d...}/{m}", "r/pi/d/a/5/t", Some(vec![("d", "a/5"), ("m", "t")])),
            ("devices/{d}/events/#", "devices/x/events/", Some(vec![("d", "x")])),
            ("devices/{d}/events/#", "devices/x/events", Some(vec![("d", "x")])),
            ("/sensor/data", "/sensor/data", Some(vec![])),
            ("{a}/b", "/b", None),
            ("{a}/b", "$SYS/b", None),
            ("$SYS/{a}", "$SYS/b", Some(vec![("a", "b")])),
        ] {
            let expected: Option<Vec<(String, String)>> = expected
                .map(|list| list.into_iter().map(|(a, b): (&str, &str)| (a.into(), b.into())).collect());
            assert_eq!(captured(pattern, topic), expected, "{pattern} {topic}");
        }
    }

    #[test]
    fn a_filter_is_for_all_topics_of_a_pattern() {
        for (pattern, filter) in [
            ("tele/{device}/SENSOR", Some("tele/+/SENSOR")),
            ("z/{d...}/availability", Some("z/#")),
            ("{d}/sensor/{id}/state", Some("+/sensor/+/state")),
            ("a/+/#", Some("a/+/#")),
            ("{d...}/{metric}", None),
            ("{d...}/data", None),
            ("{d}/{metric}", None),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().filter().as_deref(), filter, "{pattern}");
        }
    }

    #[test]
    fn dots_that_became_slashes_are_matched() {
        let pattern = Pattern::parse("spBv1.0/{group}/x/{d...}").unwrap();
        let other = pattern.with_slashes_for_dots().unwrap();
        let topic = "spBv1/0/plant/x/a/b";
        let levels: Vec<_> = topic.split('/').collect();
        let captures = other.captures(topic, &levels).unwrap();
        assert_eq!((captures.get("group"), captures.get("d")), (Some("plant"), Some("a/b")));
        assert_eq!(pattern.captures(topic, &levels), None);
        assert_eq!(Pattern::parse("a/{d...}").unwrap().with_slashes_for_dots(), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for pattern in ["a/#/b", "{a...}/{b...}", "a{b}", "{}", "{a b}", "a+", "{a...}/#"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::parse(&"a/".repeat(40)).is_err());
    }

    #[test]
    fn only_rules_that_may_match_are_tried() {
        let patterns: Vec<_> =
            ["a/b/c", "a/{x}/d", "{x}/b", "{x...}", "z/#", "z/b", "{x...}/b", "a/{x...}/{y}/c", "a/b/{x}"]
                .map(|text| Pattern::parse(text).unwrap())
                .into();
        let index = Index::new(patterns.iter().enumerate());
        assert_eq!(index.candidates(&["a", "b", "c"]), [0, 3, 7, 8]);
        assert_eq!(index.candidates(&["a", "b"]), [2, 3, 6]);
        assert_eq!(index.candidates(&["z"]), [3, 4]);
        assert_eq!(index.candidates(&["y", "y"]), [3]);
        assert_eq!(index.candidates(&["y", "y", "b"]), [3, 6]);
        let named = Index::new(patterns[..2].iter().enumerate());
        for (topic, expected) in [("a/b/c", true), ("a", true), ("b/b/c", false), ("", false)] {
            assert_eq!(named.has_candidates(topic), expected, "{topic}");
        }
    }

    #[test]
    fn of_a_hundred_rules_the_one_for_a_topic_is_found_without_the_others() {
        let forms = [
            "plant/n/{x}/d",
            "{x}/n/data",
            "{x}/{y}/n/state",
            "{x...}/n",
            "plant/{x...}/n/{y}",
            "{x}/y/{z...}/n",
        ];
        for form in forms {
            let patterns: Vec<_> = (0..100)
                .map(|number| Pattern::parse(&form.replace("/n", &format!("/sensor-{number}"))).unwrap())
                .collect();
            let index = Index::new(patterns.iter().enumerate());
            for (number, pattern) in patterns.iter().enumerate() {
                let topic = pattern.as_str().replace("...", "").replace(['{', '}'], "");
                let levels: Vec<_> = topic.split('/').collect();
                assert_eq!(index.candidates(&levels), [number], "{form}: {topic}");
                assert!(pattern.captures(&topic, &levels).is_some(), "{form}: {topic}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_rule_that_matches_is_a_candidate(
            patterns in prop::collection::vec(prop::collection::vec("[ab]|\\+|\\{x\\}|\\{y\\.\\.\\.\\}", 1..5), 1..8),
            topic in prop::collection::vec("[abc]?", 1..6),
        ) {
            let texts = patterns.iter().map(|levels| levels.join("/"));
            let patterns: Vec<_> = texts.filter_map(|text| Pattern::parse(&text).ok()).collect();
            let topic = topic.join("/");
            let levels: Vec<_> = topic.split('/').collect();
            let candidates = Index::new(patterns.iter().enumerate()).candidates(&levels);
            for (number, pattern) in patterns.iter().enumerate() {
                prop_assert!(candidates.contains(&number) || pattern.captures(&topic, &levels).is_none());
            }
        }
    }
}
