//! Paths into a payload: where a value is, and which of them a rule leaves out.

use std::fmt;

use serde_json::Value;

/// A path from the payload, from the place of a reading, or from what is around it: `/params/ts`, `./v`, `../ts`.
///
/// As JSON Pointer (RFC 6901), with two additions: `.` and `..` at the start, and in [`Pointer::places`] `*` in a level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pointer {
    /// None: from the payload. Else so many levels above the place.
    above: Option<usize>,
    levels: Vec<String>,
}

/// Somewhere in a payload, with everything around it.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    /// From the payload down to the place itself.
    chain: Vec<&'a Value>,
    /// What `*` stood for, in the order of the path.
    pub(super) keys: Vec<String>,
}

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { chain: vec![value], keys: Vec::new() }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.chain[self.chain.len() - 1]
    }
}

impl Pointer {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is no path: write for example \"/sensors/temp\", \"./v\" or \"../ts\"");
        let (above, rest) = if let Some(rest) = text.strip_prefix("../") {
            let mut above = 1;
            let mut rest = rest;
            while let Some(further) = rest.strip_prefix("../") {
                above += 1;
                rest = further;
            }
            (Some(above), rest)
        } else if let Some(rest) = text.strip_prefix("./") {
            (Some(0), rest)
        } else if text == "." {
            return Ok(Self { above: Some(0), levels: Vec::new() });
        } else {
            (None, text.strip_prefix('/').ok_or_else(wrong)?)
        };
        let levels = rest.split('/').map(|level| level.replace("~1", "/").replace("~0", "~")).collect();
        Ok(Self { above, levels })
    }

    /// The value that the path leads to.
    pub(super) fn find<'a>(&self, place: &Place<'a>) -> Option<&'a Value> {
        let start = match self.above {
            None => 0,
            Some(above) => (place.chain.len() - 1).checked_sub(above)?,
        };
        self.levels.iter().try_fold(place.chain[start], |value, level| child(value, level))
    }

    /// The same, but `/v` is looked for at the place first, where most people mean it, and then in the whole payload.
    pub(super) fn find_near<'a>(&self, place: &Place<'a>) -> Option<&'a Value> {
        let near = Self { above: self.above.or(Some(0)), levels: self.levels.clone() };
        near.find(place).or_else(|| self.find(place))
    }

    /// Every place below the payload that the path leads to: `*` stands for any part of a key, or for any index.
    pub(super) fn places<'a>(&self, root: &'a Value) -> Vec<Place<'a>> {
        let mut places = vec![Place::root(root)];
        for level in &self.levels {
            places = places.iter().flat_map(|place| step(place, level)).collect();
        }
        places
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.above {
            None => {}
            Some(0) => f.write_str(".")?,
            Some(above) => f.write_str(&vec![".."; above].join("/"))?,
        }
        self.levels.iter().try_for_each(|level| write!(f, "/{level}"))
    }
}

fn child<'a>(value: &'a Value, level: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(level),
        Value::Array(list) => list.get(level.parse::<usize>().ok()?),
        _ => None,
    }
}

fn step<'a>(place: &Place<'a>, level: &str) -> Vec<Place<'a>> {
    let further = |value: &'a Value, key: Option<String>| {
        let mut place = place.clone();
        place.chain.push(value);
        place.keys.extend(key);
        place
    };
    if !level.contains('*') {
        return child(place.value(), level).map(|value| further(value, None)).into_iter().collect();
    }
    match place.value() {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| matches_level(level, key))
            .map(|(key, value)| further(value, Some(key.clone())))
            .collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| further(value, Some(index.to_string()))).collect()
        }
        _ => Vec::new(),
    }
}

/// Paths below a place: `*` stands for any part of a level, `**` for any number of levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(Vec<String>);

impl Glob {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.split('/').map(str::to_owned).collect())
    }

    pub(super) fn matches(&self, path: &[&str]) -> bool {
        matches_path(&self.0, path)
    }
}

fn matches_path(glob: &[String], path: &[&str]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            (0..=path.len()).any(|skipped| matches_path(rest, &path[skipped..]))
        }
        (Some((first, rest)), Some((level, path))) => matches_level(first, level) && matches_path(rest, path),
        _ => false,
    }
}

fn matches_level(pattern: &str, level: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = level.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_from_the_payload_or_from_a_place() {
        let payload = json!({"ts": 5, "list": [{"n": "a", "v": 1}, {"n": "b", "v": 2}], "a/b": 3});
        let places = Pointer::parse("/list/*").unwrap().places(&payload);
        assert_eq!(places.len(), 2);
        let found = |path: &str, at: usize| Pointer::parse(path).unwrap().find(&places[at]).cloned();
        assert_eq!(found("./v", 1), Some(json!(2)));
        assert_eq!(found("/ts", 0), Some(json!(5)));
        assert_eq!(found("../0/n", 1), Some(json!("a")));
        assert_eq!(found("../../ts", 1), Some(json!(5)));
        assert_eq!(found("/a~1b", 0), Some(json!(3)));
        assert_eq!(found("../../../ts", 0), None);
        assert_eq!(found("./x", 0), None);
        assert_eq!(places[1].keys, ["1"]);
    }

    #[test]
    fn a_star_stands_for_part_of_a_key() {
        let payload = json!({"params": {"ts": 1, "switch:0": {}, "switch:1": {}}});
        let places = Pointer::parse("/params/*:*").unwrap().places(&payload);
        assert_eq!(
            places.iter().map(|place| place.keys[0].as_str()).collect::<Vec<_>>(),
            ["switch:0", "switch:1"]
        );
    }

    #[test]
    fn globs_match_paths() {
        for (glob, path, expected) in [
            ("device/**", "device/model", true),
            ("device/**", "device", true),
            ("*_calibration", "temperature_calibration", true),
            ("*_calibration", "a/temperature_calibration", false),
            ("**/tF", "temperature/tF", true),
            ("**/tF", "tF", true),
            ("Switch*", "Switch1", true),
            ("id", "ids", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
        ] {
            let path: Vec<_> = path.split('/').collect();
            assert_eq!(Glob::parse(glob).matches(&path), expected, "{glob} {path:?}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "a/b", "...", ".a"] {
            assert!(Pointer::parse(text).is_err(), "{text}");
        }
    }
}
